/* link: -Wl,--wrap=malloc,--wrap=calloc,--wrap=realloc */
/* Messages between node and hub: each comes back as it was sent, and nothing else comes in. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "failing_alloc.h"
#include "file.h"
#include "messages.h"

#define EACH_MESSAGE 28
#define BOTH_MAY 3 /* PING, KEYS, KEYS_PAGE */

static const uint8_t two_hashes[64] = {6};
static uint8_t blob[64] = {1, 2, 3, 4, 5, 6, 7, 8};

static struct ckpt head(uint8_t fill)
{
    struct ckpt c = {.size = 1000 + fill};

    memset(c.root, fill, sizeof c.root);
    memset(c.sig, fill + 1, sizeof c.sig);
    return c;
}

static struct span id_span(void)
{
    return span_of(blob, ID_BYTES);
}

static void sample_of_logs(struct message *m)
{
    switch (m->type) {
    case MSG_HEADS:
        m->heads = (struct msg_heads){.epoch = 2026, .audit = head(5), .keys = head(6)};
        m->heads.keys_seen = (struct cosigned){.head = head(6), .n = 2};
        memset(m->heads.keys_seen.by[0].node, 1, ID_BYTES);
        memset(m->heads.keys_seen.by[1].node, 2, ID_BYTES);
        m->heads.keys_seen.by[1].time_s = 1800000000;
        break;
    case MSG_CONSISTENCY:
        m->consistency = (struct msg_consistency){
            .req = 7, .of = {2, 2026},
                 .from = 3, .to = 9
        };
        break;
    case MSG_CONSISTENCY_PROOF:
        m->consistency_proof = (struct msg_consistency_proof){
            .req = 7, .of = {1, 0},
                 .from = 3, .to = 9, .n = 2
        };
        memset(m->consistency_proof.hash[1], 9, 32);
        break;
    case MSG_COSIGN:
        m->cosign = (struct msg_cosign){
            .req = 8, .of = {2, 2026},
                 .size = 9, .time_s = 1800000000
        };
        memset(m->cosign.root, 3, sizeof m->cosign.root);
        memset(m->cosign.sig, 4, sizeof m->cosign.sig);
        break;
    default:
        fail();
    }
}

static void sample_of_attachments(struct message *m)
{
    switch (m->type) {
    case MSG_ATT_OPEN:
        m->att_open = (struct msg_att_open){9, {4}, 300000, SPAN_OF(two_hashes)};
        break;
    case MSG_ATT_STATE:
        m->att_state = (struct msg_att_state){9, {4}, 300000, 1, false, SPAN_OF(two_hashes)};
        break;
    case MSG_ATT_PUT:
    case MSG_ATT_CHUNK:
        m->att_chunk.chunk = span_of(two_hashes, 17);
        [[fallthrough]];
    case MSG_ATT_GET:
        m->att_chunk.i = 1024;
        [[fallthrough]];
    case MSG_ATT_DONE:
        m->att_chunk.req = 9;
        memset(m->att_chunk.address, 5, sizeof m->att_chunk.address);
        break;
    default:
        sample_of_logs(m);
    }
}

static void sample_rest(struct message *m)
{
    switch (m->type) {
    case MSG_REPORT:
    case MSG_DECLARE:
    case MSG_KEYS_PUT:
    case MSG_RECALL:
        m->statement = (struct msg_statement){6, SPAN_OF(blob)};
        break;
    case MSG_CHAIN:
        m->chain = (struct msg_chain){.req = 1, .from = 3};
        break;
    case MSG_CHAIN_PAGE:
        m->chain_page = (struct msg_chain_page){.req = 1, .from = 3, .total = 5, .n = 2};
        m->chain_page.ss[0] = SPAN_OF(blob);
        m->chain_page.ss[1] = id_span();
        break;
    case MSG_KEYS:
        m->keys = (struct msg_keys){1, 2};
        break;
    case MSG_KEYS_PAGE:
        m->keys_page = (struct msg_keys_page){.req = 1, .from = 2, .n = 1, .head = head(4)};
        m->keys_page.ss[0] = SPAN_OF(blob);
        break;
    case MSG_PING:
        m->ping = (struct msg_ping){1, 2, 3};
        break;
    case MSG_ERR:
        m->err = (struct msg_err){.req = 4,
                                  .code = ERR_STALE_HEAD,
                                  .about = id_span(),
                                  .receipt = SPAN_OF(blob),
                                  .extra = EXTRA_HEAD,
                                  .head_n = 3};
        memset(m->err.head, 7, sizeof m->err.head);
        break;
    case MSG_JOIN:
        m->join = (struct msg_join){
            .versions = {1, {1}},
              .body = SPAN_OF(blob)
        };
        memset(m->join.possession, 1, sizeof m->join.possession);
        memset(m->join.mac, 2, sizeof m->join.mac);
        break;
    case MSG_JOIN_STATE:
        m->join_state = (struct msg_join_state){JOIN_ENROLLED, 0, SPAN_OF(blob), id_span()};
        break;
    default:
        sample_of_attachments(m);
    }
}

/* One of each type, every field set to something of its own. */
static void sample(size_t i, struct message *m)
{
    static const enum message_type types[EACH_MESSAGE] = {
        MSG_HELLO,   MSG_WELCOME,    MSG_PUT,      MSG_RECEIPT,     MSG_DELIVER,
        MSG_ACK,     MSG_REPORT,     MSG_DECLARE,  MSG_CHAIN,       MSG_CHAIN_PAGE,
        MSG_KEYS,    MSG_KEYS_PAGE,  MSG_PING,     MSG_KEYS_PUT,    MSG_ERR,
        MSG_JOIN,    MSG_JOIN_STATE, MSG_HEADS,    MSG_CONSISTENCY, MSG_CONSISTENCY_PROOF,
        MSG_COSIGN,  MSG_RECALL,     MSG_ATT_OPEN, MSG_ATT_STATE,   MSG_ATT_PUT,
        MSG_ATT_GET, MSG_ATT_CHUNK,  MSG_ATT_DONE,
    };

    memset(m, 0, sizeof *m);
    m->type = types[i];
    switch (m->type) {
    case MSG_HELLO:
        m->hello = (struct msg_hello){
            .versions = {2, {1, 7}},
            .session = 9,
            .last_seq = 70000,
            .credit_messages = 64,
            .credit_bytes = 1 << 22,
            .keys = head(3),
            .epoch = 2026,
            .audit = head(4)
        };
        memset(m->hello.incarnation, 3, ID_BYTES);
        memset(m->hello.nonce, 4, ID_BYTES);
        memset(m->hello.hub, 5, ID_BYTES);
        break;
    case MSG_WELCOME:
        m->welcome = (struct msg_welcome){.version = 1,
                                          .head_seq = UINT64_MAX,
                                          .keys = head(1),
                                          .epoch = 2026,
                                          .audit = head(2),
                                          .opening = SPAN_OF(blob),
                                          .time_ms = 1800000000000,
                                          .acked_seq = 12};
        memset(m->welcome.federation, 6, ID_BYTES);
        memset(m->welcome.hub, 7, ID_BYTES);
        break;
    case MSG_PUT:
        m->put = (struct msg_put){5, SPAN_OF(blob)};
        break;
    case MSG_RECEIPT:
        m->receipt = (struct msg_receipt){5, SPAN_OF(blob)};
        break;
    case MSG_DELIVER:
        m->deliver = (struct msg_deliver){8, 7, DELIVER_STATEMENT, SPAN_OF(blob), id_span()};
        break;
    case MSG_ACK:
        m->ack = (struct msg_ack){
            .upto = 8, .count = 2, .credit_messages = 1, .credit_bytes = 2, .is_signed = true};
        memset(m->ack.root, 8, sizeof m->ack.root);
        memset(m->ack.sig, 9, sizeof m->ack.sig);
        break;
    default:
        sample_rest(m);
    }
}

static enum message_sender sender_of(enum message_type t)
{
    switch (t) {
    case MSG_WELCOME:
    case MSG_RECEIPT:
    case MSG_DELIVER:
    case MSG_CHAIN_PAGE:
    case MSG_KEYS_PAGE:
    case MSG_ERR:
    case MSG_JOIN_STATE:
    case MSG_HEADS:
    case MSG_CONSISTENCY_PROOF:
    case MSG_ATT_STATE:
    case MSG_ATT_CHUNK:
        return SENT_BY_HUB;
    default:
        return SENT_BY_NODE;
    }
}

static void every_message_comes_back_as_it_was_sent(void **state)
{
    (void)state;
    for (size_t i = 0; i < EACH_MESSAGE; i++) {
        struct bytes once = {0}, twice = {0};
        struct message in;
        struct message out;

        sample(i, &in);
        assert_int_equal(message_encode(&in, &once), ERR_OK);
        assert_int_equal(message_decode(bytes_span(&once), sender_of(in.type), &out), ERR_OK);
        assert_int_equal(out.type, in.type);
        assert_int_equal(message_encode(&out, &twice), ERR_OK);
        assert_true(span_equal(bytes_span(&once), bytes_span(&twice)));
        bytes_free(&once);
        bytes_free(&twice);
    }
}

static void a_message_of_the_other_side_is_refused(void **state)
{
    size_t refused = 0;

    (void)state;
    for (size_t i = 0; i < EACH_MESSAGE; i++) {
        struct bytes frame = {0};
        struct message in;
        struct message out;

        sample(i, &in);
        if (in.type == MSG_PING || in.type == MSG_KEYS || in.type == MSG_KEYS_PAGE)
            continue; /* both may */
        assert_int_equal(message_encode(&in, &frame), ERR_OK);
        assert_int_equal(
            message_decode(bytes_span(&frame),
                           sender_of(in.type) == SENT_BY_HUB ? SENT_BY_NODE : SENT_BY_HUB, &out),
            ERR_MESSAGE_STATE);
        bytes_free(&frame);
        refused++;
    }
    assert_int_equal(refused, EACH_MESSAGE - BOTH_MAY);
}

static void a_cut_or_longer_message_is_refused(void **state)
{
    (void)state;
    for (size_t i = 0; i < EACH_MESSAGE; i++) {
        struct bytes frame = {0};
        struct message in;
        struct message out;

        sample(i, &in);
        assert_int_equal(message_encode(&in, &frame), ERR_OK);
        for (size_t n = 0; n < frame.len; n++)
            assert_int_not_equal(message_decode(span_of(frame.ptr, n), sender_of(in.type), &out),
                                 ERR_OK);
        assert_int_equal(bytes_append(&frame, SPAN_STR("\xc0")), ERR_OK);
        assert_int_equal(message_decode(bytes_span(&frame), sender_of(in.type), &out),
                         ERR_TRAILING);
        bytes_free(&frame);
    }
}

static void an_unknown_type_is_refused_by_name(void **state)
{
    static const uint8_t unknown[] = {0x92, 0x63, 0xc0}; /* 99 */
    struct message out;

    (void)state;
    assert_int_equal(message_decode(SPAN_OF(unknown), SENT_BY_NODE, &out), ERR_MESSAGE_UNKNOWN);
    assert_string_equal(message_name((enum message_type)99), "?");
    assert_string_equal(message_name(MSG_PUT), "PUT");
}

static void a_message_over_its_largest_size_is_refused_before_its_fields(void **state)
{
    struct message in = {.type = MSG_DECLARE};
    struct bytes big = {0};
    struct bytes frame = {0};
    struct message out;

    (void)state;
    assert_int_equal(bytes_reserve(&big, FRAME_MAX + 1), ERR_OK);
    memset(big.ptr, 0, FRAME_MAX + 1);
    big.ptr[0] = 0x93;
    big.ptr[1] = MSG_DECLARE;
    assert_int_equal(message_decode(span_of(big.ptr, 8193), SENT_BY_NODE, &out), ERR_SIZE);
    assert_int_equal(message_decode(span_of(big.ptr, FRAME_MAX + 1), SENT_BY_NODE, &out), ERR_SIZE);
    in.statement.ss = span_of(big.ptr, 9000);
    assert_int_equal(message_encode(&in, &frame), ERR_SIZE);
    assert_null(frame.ptr);
    bytes_free(&big);
}

static void the_request_number_of_a_damaged_message_is_still_told(void **state)
{
    static const uint8_t put[] = {0x93, MSG_PUT, 0x2a, 0xa1, 'x'}; /* text where bytes belong */
    struct message out;

    (void)state;
    assert_int_equal(message_decode(SPAN_OF(put), SENT_BY_NODE, &out), ERR_TYPE);
    assert_int_equal(message_req(SPAN_OF(put)), 42);
    assert_int_equal(message_req(SPAN_STR("\xc0")), 0);
}

static void the_extra_of_an_error_fits_its_code(void **state)
{
    struct message in = {
        .type = MSG_ERR,
        .err = {.code = ERR_VERSION, .extra = EXTRA_SUPPORTED, .supported = {1, {WIRE_VERSION}}}
    };
    struct bytes frame = {0};
    struct message out;

    (void)state;
    assert_int_equal(message_encode(&in, &frame), ERR_OK);
    assert_int_equal(message_decode(bytes_span(&frame), SENT_BY_HUB, &out), ERR_OK);
    assert_int_equal(out.err.extra, EXTRA_SUPPORTED);
    assert_int_equal(out.err.supported.v[0], WIRE_VERSION);
    in.err = (struct msg_err){.code = ERR_QUOTA, .about = span_of(blob, 3)};
    assert_int_equal(message_encode(&in, &frame), ERR_OK);
    assert_int_equal(message_decode(bytes_span(&frame), SENT_BY_HUB, &out), ERR_SIZE);
    bytes_free(&frame);
}

static void a_log_is_named_with_its_epoch_and_the_keys_log_without(void **state)
{
    static const struct log_name wrong[] = {
        {0, 0   },
        {1, 2026},
        {2, 0   },
        {3, 1   }
    };
    size_t refused = 0;

    (void)state;
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        struct message in = {
            .type = MSG_CONSISTENCY, .consistency = {.req = 1, .of = wrong[i]}
        };
        struct bytes frame = {0};
        struct message out;

        assert_int_equal(message_encode(&in, &frame), ERR_OK);
        assert_int_equal(message_decode(bytes_span(&frame), SENT_BY_NODE, &out), ERR_FIELD_VALUE);
        bytes_free(&frame);
        refused++;
    }
    assert_int_equal(refused, 4);
}

static void a_signature_of_an_ack_is_whole_or_absent(void **state)
{
    struct message in = {.type = MSG_ACK, .ack = {.upto = 1}};
    struct bytes frame = {0};
    struct message out;

    (void)state;
    assert_int_equal(message_encode(&in, &frame), ERR_OK);
    assert_int_equal(message_decode(bytes_span(&frame), SENT_BY_NODE, &out), ERR_OK);
    assert_false(out.ack.is_signed);
    frame.ptr[frame.len - 1] = 1; /* bin of one byte */
    assert_int_equal(bytes_append(&frame, SPAN_STR("x")), ERR_OK);
    assert_int_equal(message_decode(bytes_span(&frame), SENT_BY_NODE, &out), ERR_SIZE);
    bytes_free(&frame);
}

static void the_highest_common_version_is_found(void **state)
{
    struct versions both = {
        2, {9, WIRE_VERSION}
    };
    struct versions newer = {1, {9}};

    (void)state;
    assert_int_equal(versions_common(&both), WIRE_VERSION);
    assert_int_equal(versions_common(&newer), 0);
}

static void encoding_fails_cleanly_without_memory(void **state)
{
    size_t failed = 0;

    (void)state;
    for (size_t i = 0; i < EACH_MESSAGE; i++) {
        for (long n = 1;; n++) {
            struct bytes frame = {0};
            struct message in;
            enum err e;

            sample(i, &in);
            alloc_fail_after(n);
            e = message_encode(&in, &frame);
            alloc_fail_after(-1);
            bytes_free(&frame);
            if (e == ERR_OK)
                break;
            assert_int_equal(e, ERR_NOMEM);
            failed++;
        }
    }
    assert_true(failed >= EACH_MESSAGE);
}

/* PROTOCOL.md 11 says: | id | name | from | largest | ... */
static void the_specification_lists_every_message_of_the_table(void **state)
{
    static const char *const senders[] = {"?", "node", "hub", "both"};
    struct bytes page = {0};
    size_t found = 0;

    (void)state;
    assert_int_equal(file_read("proto/PROTOCOL.md", 1 << 20, &page), ERR_OK);
    assert_int_equal(bytes_append(&page, span_of("", 1)), ERR_OK);
#define MESSAGE(name, id, by, largest, meaning)                                                    \
    {                                                                                              \
        char row[80];                                                                              \
                                                                                                   \
        if (largest % 1000 == 0)                                                                   \
            snprintf(row, sizeof row, "| %d | %s | %s | %d,000 |", id, #name,                      \
                     senders[SENT_BY_##by], largest / 1000);                                       \
        else                                                                                       \
            snprintf(row, sizeof row, "| %d | %s | %s | %d |", id, #name, senders[SENT_BY_##by],   \
                     largest);                                                                     \
        if (!strstr((const char *)page.ptr, row))                                                  \
            fail_msg("PROTOCOL.md has no row \"%s\"", row);                                        \
        found++;                                                                                   \
    }
#include "messages.def"
#undef MESSAGE
    assert_int_equal(found, EACH_MESSAGE);
    bytes_free(&page);
}

/* PROTOCOL.md 11, PUT: these are not final, all others are, those that no row has included. */
static void what_is_offered_again_is_what_the_protocol_names(void **state)
{
    static const enum err later[] = {ERR_BUSY,
                                     ERR_RATE,
                                     ERR_UNKNOWN,
                                     ERR_STOPPING,
                                     ERR_FULL,
                                     ERR_RECOVERING,
                                     ERR_READONLY,
                                     ERR_NOMEM,
                                     ERR_IO,
                                     ERR_INTERNAL,
                                     ERR_ATTACHMENT_MISSING,
                                     ERR_ATTACHMENT_QUOTA,
                                     ERR_SENDER_QUOTA,
                                     ERR_HUB_QUOTA,
                                     ERR_LOG_DAY,
                                     ERR_LOG_TOTAL,
                                     ERR_CIRCLES_QUOTA,
                                     ERR_MESSAGE_STATE,
                                     ERR_HUB_KEY,
                                     ERR_BEHIND};
    size_t n = 0;

    (void)state;
    for (size_t i = 0; i < sizeof later / sizeof *later; i++)
        assert_false(refusal_is_final(later[i]));
    for (uint32_t code = 0; code < 1000; code++)
        n += !refusal_is_final(code);
    assert_int_equal(n, sizeof later / sizeof *later);
    assert_true(refusal_is_final(UINT32_MAX));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_message_comes_back_as_it_was_sent),
        cmocka_unit_test(a_message_of_the_other_side_is_refused),
        cmocka_unit_test(a_cut_or_longer_message_is_refused),
        cmocka_unit_test(an_unknown_type_is_refused_by_name),
        cmocka_unit_test(a_message_over_its_largest_size_is_refused_before_its_fields),
        cmocka_unit_test(the_request_number_of_a_damaged_message_is_still_told),
        cmocka_unit_test(the_extra_of_an_error_fits_its_code),
        cmocka_unit_test(a_log_is_named_with_its_epoch_and_the_keys_log_without),
        cmocka_unit_test(a_signature_of_an_ack_is_whole_or_absent),
        cmocka_unit_test(the_highest_common_version_is_found),
        cmocka_unit_test(encoding_fails_cleanly_without_memory),
        cmocka_unit_test(the_specification_lists_every_message_of_the_table),
        cmocka_unit_test(what_is_offered_again_is_what_the_protocol_names),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
