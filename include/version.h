/*
 * version - of the programs; the wire has one of its own (messages.h). The Makefile reads it here.
 */
#ifndef RELAIS_VERSION_H
#define RELAIS_VERSION_H

#define RELAIS_VERSION "0.1.0"

#endif
