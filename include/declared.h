/*
 * declared - what an envelope's header declares, as the question that disclosure.h answers.
 * `to` and `rcat` are left to disclosure_judge_all().
 * Thread rule: pure function.
 */
#ifndef RELAIS_DECLARED_H
#define RELAIS_DECLARED_H

#include "disclosure.h"
#include "header.h"

void disclosure_of_header(const struct env_header *h, struct disclosure *out);

#endif
