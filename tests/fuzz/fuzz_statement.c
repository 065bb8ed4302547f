/*
 * Everything that is signed by somebody and read from outside: signed statements, their files, and
 * what stands in them. The first byte says which reader is meant. What is accepted must come out of
 * its encoder as it went in: one value, one encoding.
 */
#include <string.h>

#include "circle.h"
#include "directory.h"
#include "fuzz.h"
#include "random.h"
#include "statement.h"

static void must(bool so)
{
    if (!so)
        __builtin_trap();
}

static void must_equal(struct bytes *made, struct span given)
{
    must(span_equal(bytes_span(made), given));
    fuzz_accepted++;
    bytes_free(made);
}

static void read_ss(struct span in)
{
    struct statement s;
    struct bytes again = {0};

    if (statement_parse_request(in, &s))
        return;
    must(s.count <= SS_SIGNATURES_MAX && in.len <= SS_MAX);
    must(statement_join(s.stmt, s.sig, s.count, &again) == ERR_OK);
    must_equal(&again, in);
}

static void read_armour(struct span in)
{
    enum armour_kind kind;
    struct bytes data = {0};
    struct bytes again = {0};

    if (armour_peek(in, &kind) || armour_read(kind, in, &data))
        return;
    must(armour_write(kind, bytes_span(&data), &again) == ERR_OK);
    again.len--; /* the last newline may be missing, or be other white space */
    must(again.len <= in.len);
    must_equal(&again, span_of(in.ptr, again.len));
    bytes_free(&data);
}

static void read_invitation(struct span in)
{
    struct invitation i;

    if (invitation_decode(in, &i))
        return;
    must(i.secret.len == KEY_BYTES && i.service_count <= INVITATION_SERVICES_MAX);
    fuzz_accepted++;
}

/* A REQUEST that lacks everything, and a SIGNATURE of the fuzzer's making. */
static void read_signature(struct span in)
{
    uint8_t about[32];
    struct statement_sig sig;
    struct bytes request = {0};
    struct bytes merged = {0};
    static const uint8_t stmt[] = {0x81, 0x01, 0x07};

    if (signature_decode(in, about, &sig))
        return;
    fuzz_accepted++;
    must(statement_join(SPAN_OF(stmt), NULL, 0, &request) == ERR_OK);
    if (request_merge(bytes_span(&request), in, &merged) == ERR_OK) {
        struct statement s;
        must(statement_parse(bytes_span(&merged), &s) == ERR_OK && s.count == 1);
    }
    bytes_free(&request);
    bytes_free(&merged);
}

/* Keys from 64 on are read over and not written: then, and only then, less comes out. */
static void read_circle(struct span in)
{
    struct circle_statement s;
    struct bytes again = {0};

    if (circle_decode(in, &s))
        return;
    must(circle_encode(&s, &again) == ERR_OK);
    must(again.len <= in.len);
    if (again.len < in.len) {
        bytes_free(&again);
        return;
    }
    must_equal(&again, in);
}

static void read_offer(struct span in)
{
    struct circle_offer o;

    if (circle_offer_decode(in, &o, NULL) == ERR_OK)
        fuzz_accepted++;
}

static void read_enrolment(struct span in)
{
    struct enrolment en;
    struct bytes again = {0};

    if (enrolment_decode(in, &en))
        return;
    must(enrolment_encode(&en, &again) == ERR_OK);
    must(again.len <= in.len);
    if (again.len < in.len) {
        bytes_free(&again);
        return;
    }
    must_equal(&again, in);
}

static void read_keys_stmt(struct span in)
{
    struct absence_statement absence;
    struct bytes again = {0};
    enum keys_kind kind;
    uint8_t federation[ID_BYTES];
    struct span body;
    uint64_t effect_ms;

    if (keys_stmt_peek(in, &kind, federation) == ERR_OK)
        fuzz_accepted++;
    if (enrol_decode(in, &body, &effect_ms) == ERR_OK)
        must(body.len > 0 && body.len < in.len);
    if (absence_decode(in, &absence) == ERR_OK) {
        must(absence_encode(&absence, &again) == ERR_OK);
        must_equal(&again, in);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static void (*const readers[])(struct span) = {read_ss,        read_armour,   read_invitation,
                                                   read_signature, read_circle,   read_offer,
                                                   read_enrolment, read_keys_stmt};

    if (size == 0 || seal_init())
        return 0;
    readers[data[0] % (sizeof readers / sizeof readers[0])](span_of(data + 1, size - 1));
    return 0;
}
