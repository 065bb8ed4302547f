/*
 * codec - one decode/encode pair for each message, used by the table in messages.c alone.
 * Decoders read the fields after the type; encoders write array header, type and fields.
 */
#ifndef RELAIS_CODEC_H
#define RELAIS_CODEC_H

#include "messages.h"

#define CODEC(name)                                                                                \
    void name##_read(struct reader *r, struct message *m);                                         \
    void name##_write(struct writer *w, const struct message *m);

CODEC(hello)
CODEC(welcome)
CODEC(put)
CODEC(receipt_message)
CODEC(deliver)
CODEC(ack)
CODEC(statement)
CODEC(chain)
CODEC(chain_page)
CODEC(keys)
CODEC(keys_page)
CODEC(ping)
CODEC(err_message)
CODEC(join)
CODEC(join_state)
CODEC(heads)
CODEC(consistency)
CODEC(consistency_proof)
CODEC(cosign)
CODEC(att_open)
CODEC(att_state)
CODEC(att_chunk)
CODEC(att_get)
CODEC(att_done)
#undef CODEC

void log_name_read(struct reader *r, struct log_name *of); /* the keys log has no epochs */
void log_name_write(struct writer *w, const struct log_name *of);
void versions_read(struct reader *r, struct versions *v);
void versions_write(struct writer *w, const struct versions *v);

#endif
