/*
 * circle_row - the member row of PROTOCOL.md 8.2, as statements and offers carry it.
 * Thread rule: pure functions.
 */
#ifndef RELAIS_CIRCLE_ROW_H
#define RELAIS_CIRCLE_ROW_H

#include "circle.h"
#include "reader.h"
#include "writer.h"

void circle_row_write(struct writer *w, const struct circle_row *row);
void circle_row_read(struct reader *r, struct circle_row *row);

#endif
