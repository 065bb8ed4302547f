/*
 * care - what the courier's side of the node asks of the documents' side: one const table
 * (intake.h), given to node_open() by every program.
 */
#ifndef CARE_CARE_H
#define CARE_CARE_H

#include "intake.h"

extern const struct care_hooks care_hooks;

#endif
