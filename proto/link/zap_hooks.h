/*
 * zap_hooks - faults of the ZAP thread, for tests only; no program includes this.
 * Thread rule: any thread.
 */
#ifndef RELAIS_ZAP_HOOKS_H
#define RELAIS_ZAP_HOOKS_H

#include "zap.h"

void zap_kill(struct zap *z); /* the thread closes its socket and ends; returns when it has */

#endif
