#include "messages.h"

#include <assert.h>

#include "codec.h"

static const struct {
    enum message_type type;
    enum message_sender by;
    size_t largest;
    const char *name;
} gate[] = {
#define MESSAGE(name, id, by, largest, meaning) {MSG_##name, SENT_BY_##by, largest, #name},
#include "messages.def"
#undef MESSAGE
};
#define ROWS (sizeof gate / sizeof gate[0])

static const struct {
    enum message_type type;
    uint32_t fields; /* elements of the array, the type included */
    void (*read)(struct reader *r, struct message *m);
    void (*write)(struct writer *w, const struct message *m);
} codecs[] = {
    {MSG_HELLO,             12, hello_read,             hello_write            },
    {MSG_WELCOME,           11, welcome_read,           welcome_write          },
    {MSG_PUT,               3,  put_read,               put_write              },
    {MSG_RECEIPT,           3,  receipt_message_read,   receipt_message_write  },
    {MSG_DELIVER,           6,  deliver_read,           deliver_write          },
    {MSG_ACK,               7,  ack_read,               ack_write              },
    {MSG_REPORT,            3,  statement_read,         statement_write        },
    {MSG_DECLARE,           3,  statement_read,         statement_write        },
    {MSG_CHAIN,             4,  chain_read,             chain_write            },
    {MSG_CHAIN_PAGE,        6,  chain_page_read,        chain_page_write       },
    {MSG_KEYS,              3,  keys_read,              keys_write             },
    {MSG_KEYS_PAGE,         5,  keys_page_read,         keys_page_write        },
    {MSG_PING,              4,  ping_read,              ping_write             },
    {MSG_KEYS_PUT,          3,  statement_read,         statement_write        },
    {MSG_ERR,               6,  err_message_read,       err_message_write      },
    {MSG_RECALL,            3,  statement_read,         statement_write        },
    {MSG_HEADS,             6,  heads_read,             heads_write            },
    {MSG_CONSISTENCY,       6,  consistency_read,       consistency_write      },
    {MSG_CONSISTENCY_PROOF, 7,  consistency_proof_read, consistency_proof_write},
    {MSG_JOIN,              5,  join_read,              join_write             },
    {MSG_JOIN_STATE,        5,  join_state_read,        join_state_write       },
    {MSG_COSIGN,            8,  cosign_read,            cosign_write           },
    {MSG_ATT_OPEN,          5,  att_open_read,          att_open_write         },
    {MSG_ATT_STATE,         7,  att_state_read,         att_state_write        },
    {MSG_ATT_PUT,           5,  att_chunk_read,         att_chunk_write        },
    {MSG_ATT_GET,           4,  att_get_read,           att_get_write          },
    {MSG_ATT_CHUNK,         5,  att_chunk_read,         att_chunk_write        },
    {MSG_ATT_DONE,          3,  att_done_read,          att_done_write         },
};
static_assert(sizeof codecs / sizeof codecs[0] == ROWS, "every message has a codec");

static size_t row_of(uint64_t type)
{
    size_t i = 0;

    while (i < ROWS && gate[i].type != type)
        i++;
    return i;
}

enum err message_decode(struct span frame, enum message_sender by, struct message *out)
{
    struct reader r = reader_over(frame);
    size_t row;

    if (frame.len > FRAME_MAX)
        return ERR_SIZE;
    rd_array_between(&r, 1, UINT8_MAX);
    row = row_of(rd_uint(&r, UINT16_MAX));
    if (rd_error(&r))
        return rd_error(&r);
    if (row == ROWS)
        return ERR_MESSAGE_UNKNOWN;
    if (!(gate[row].by & by))
        return ERR_MESSAGE_STATE;
    if (frame.len > gate[row].largest)
        return ERR_SIZE;
    r = reader_over(frame);
    rd_array(&r, codecs[row].fields);
    *out = (struct message){.type = gate[row].type};
    rd_uint(&r, UINT16_MAX);
    codecs[row].read(&r, out);
    return rd_end(&r);
}

uint64_t message_req(struct span frame)
{
    struct reader r = reader_over(frame);
    uint64_t req;

    rd_array_between(&r, 2, UINT8_MAX);
    rd_uint(&r, UINT16_MAX);
    req = rd_uint(&r, UINT64_MAX);
    return rd_error(&r) ? 0 : req;
}

enum err message_encode(const struct message *m, struct bytes *out)
{
    size_t row = row_of(m->type);
    struct bytes frame = {0};
    struct writer w;
    enum err e;

    if (row == ROWS)
        return ERR_MESSAGE_UNKNOWN;
    wr_init(&w);
    wr_array(&w, codecs[row].fields);
    wr_uint(&w, m->type);
    codecs[row].write(&w, m);
    if ((e = wr_take(&w, &frame)))
        return e;
    if (frame.len > gate[row].largest) {
        bytes_free(&frame);
        return ERR_SIZE;
    }
    bytes_free(out);
    *out = frame;
    return ERR_OK;
}

const char *message_name(enum message_type t)
{
    size_t row = row_of(t);

    return row == ROWS ? "?" : gate[row].name;
}

uint32_t versions_common(const struct versions *theirs)
{
    for (size_t i = 0; i < theirs->n; i++)
        if (theirs->v[i] == WIRE_VERSION)
            return WIRE_VERSION;
    return 0;
}

bool refusal_is_final(uint32_t code)
{
    switch (code) {
    case ERR_BUSY:
    case ERR_RATE:
    case ERR_UNKNOWN:
    case ERR_STOPPING:
    case ERR_FULL:
    case ERR_NOMEM:
    case ERR_IO:
    case ERR_READONLY:
    case ERR_INTERNAL:
    case ERR_MESSAGE_STATE:
    case ERR_SENDER_QUOTA:
    case ERR_HUB_QUOTA:
    case ERR_LOG_DAY:
    case ERR_LOG_TOTAL:
    case ERR_CIRCLES_QUOTA:
    case ERR_ATTACHMENT_MISSING:
    case ERR_ATTACHMENT_QUOTA:
    case ERR_RECOVERING:
    case ERR_HUB_KEY:
    case ERR_BEHIND:
        return false;
    default:
        return true;
    }
}
