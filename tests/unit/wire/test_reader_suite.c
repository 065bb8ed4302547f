/* link: -Wl,--wrap=malloc,--wrap=calloc,--wrap=realloc */
/* The reader against foreign encodings: kawanet's suite, and msgpack-c as an oracle. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <msgpack.h>

#include "../../vectors/msgpack-suite.h"
#include "failing_alloc.h"
#include "reader.h"

enum {
    ROWS = sizeof suite_rows / sizeof suite_rows[0],
    RANDOM_RUNS = 200000,
    RANDOM_MAX = 48
};

static struct bytes from_hex(const char *text)
{
    struct bytes b = {0};

    assert_int_equal(hex_read(&b, span_text(text)), ERR_OK);
    return b;
}

/* What msgpack-c makes of the bytes, packed again. */
static struct bytes repacked(struct span in)
{
    msgpack_unpacked u;
    msgpack_sbuffer sb;
    msgpack_packer p;
    struct bytes out = {0};
    size_t used = 0;

    msgpack_unpacked_init(&u);
    assert_int_equal(msgpack_unpack_next(&u, (const char *)in.ptr, in.len, &used),
                     MSGPACK_UNPACK_SUCCESS);
    assert_int_equal(used, in.len);
    msgpack_sbuffer_init(&sb);
    msgpack_packer_init(&p, &sb, msgpack_sbuffer_write);
    assert_int_equal(msgpack_pack_object(&p, u.data), 0);
    assert_int_equal(bytes_copy(&out, span_of(sb.data, sb.size)), ERR_OK);
    msgpack_sbuffer_destroy(&sb);
    msgpack_unpacked_destroy(&u);
    return out;
}

static void the_canonical_encoding_of_every_value_is_accepted(void **state)
{
    size_t checked = 0;

    (void)state;
    for (size_t i = 0; i < ROWS; i++) {
        struct bytes b;

        if (!suite_rows[i].canonical)
            continue;
        b = from_hex(suite_rows[i].canonical);
        assert_int_equal(mp_check(bytes_span(&b)), ERR_OK);
        bytes_free(&b);
        checked++;
    }
    assert_int_equal(checked, 53);
}

static void every_other_encoding_is_refused_by_its_own_name(void **state)
{
    (void)state;
    for (size_t i = 0; i < ROWS; i++) {
        for (const char *const *text = suite_rows[i].refused; *text; text++) {
            struct bytes b = from_hex(*text);
            enum err e = mp_check(bytes_span(&b));
            int lead = b.ptr[0];
            int outside = suite_rows[i].type == MP_NONE || lead == 0xca || lead == 0xcb;

            if (outside) {
                assert_int_equal(e, ERR_TYPE);
            } else if (suite_rows[i].canonical) {
                assert_int_equal(e, ERR_NOT_CANONICAL);
            } else { /* text as a map key: in the shortest form it is the key's type */
                assert_true(e == (lead == 0x81 ? ERR_TYPE : ERR_NOT_CANONICAL));
            }
            bytes_free(&b);
        }
    }
}

static void the_getters_return_the_values_of_the_suite(void **state)
{
    (void)state;
    for (size_t i = 0; i < ROWS; i++) {
        const struct suite_row *row = &suite_rows[i];
        struct bytes b;
        struct bytes value = {0};
        struct reader r;

        if (!row->canonical)
            continue;
        b = from_hex(row->canonical);
        if (row->type == MP_TEXT || row->type == MP_BIN)
            value = from_hex(row->value);
        r = reader_over(bytes_span(&b));
        assert_int_equal(rd_peek(&r), row->type);
        if (row->type == MP_NIL)
            rd_nil(&r);
        else if (row->type == MP_BOOL)
            assert_int_equal(rd_bool(&r), row->value[0] == '1');
        else if (row->type == MP_UINT)
            assert_true(rd_uint(&r, UINT64_MAX) == strtoull(row->value, NULL, 10));
        else if (row->type == MP_INT)
            assert_true(rd_int(&r) == strtoll(row->value, NULL, 10));
        else if (row->type == MP_TEXT)
            assert_true(span_equal(rd_text(&r, 64), bytes_span(&value)));
        else if (row->type == MP_BIN)
            assert_true(span_equal(rd_blob(&r, 0, 64), bytes_span(&value)));
        else
            rd_skip(&r);
        assert_int_equal(rd_end(&r), ERR_OK);
        bytes_free(&value);
        bytes_free(&b);
    }
}

static void what_the_suite_accepts_msgpack_c_packs_the_same_way(void **state)
{
    (void)state;
    for (size_t i = 0; i < ROWS; i++) {
        struct bytes b;
        struct bytes again;

        if (!suite_rows[i].canonical)
            continue;
        b = from_hex(suite_rows[i].canonical);
        again = repacked(bytes_span(&b));
        assert_true(span_equal(bytes_span(&b), bytes_span(&again)));
        bytes_free(&again);
        bytes_free(&b);
    }
}

/* Marsaglia's xorshift64: the same bytes on every run. */
static uint64_t next_random(uint64_t *x)
{
    *x ^= *x << 13;
    *x ^= *x >> 7;
    *x ^= *x << 17;
    return *x;
}

static void what_is_accepted_of_random_bytes_has_one_encoding(void **state)
{
    static const uint8_t leads[] = {0x00, 0x7f, 0x80, 0x81, 0x82, 0x90, 0x91, 0x93, 0xa0, 0xa2,
                                    0xc0, 0xc2, 0xc3, 0xc4, 0xcc, 0xcd, 0xce, 0xcf, 0xd0, 0xd1,
                                    0xd9, 0xdc, 0xde, 0xe0, 0xff, 0x01, 0x02, 0x41};
    uint64_t x = 88172645463325252U;
    long accepted = 0;

    (void)state;
    for (long run = 0; run < RANDOM_RUNS; run++) {
        uint8_t data[RANDOM_MAX];
        size_t len = 1 + next_random(&x) % (run % 4 ? 8 : RANDOM_MAX);
        struct span in = {data, len};
        struct bytes again;

        for (size_t i = 0; i < len; i++)
            data[i] = next_random(&x) % 8 ? leads[next_random(&x) % sizeof leads]
                                          : (uint8_t)next_random(&x);
        if (mp_check(in))
            continue;
        accepted++;
        again = repacked(in);
        assert_true(span_equal(in, bytes_span(&again)));
        bytes_free(&again);
    }
    assert_true(accepted > RANDOM_RUNS / 200); /* else the test looks at refusals only */
}

static void hostile_heads_are_refused_without_one_allocation(void **state)
{
    static const struct {
        const char *hex;
        enum err e;
    } rows[] = {
        {"dd01000000",         ERR_TRUNCATED    }, /* 16 Mi elements: 384 MB in msgpack-c */
        {"ddff000000",         ERR_TRUNCATED    }, /* 4 Gi elements */
        {"df80000000",         ERR_TRUNCATED    }, /* 2 Gi pairs */
        {"dfffffffff",         ERR_TRUNCATED    },
        {"dcffff",             ERR_TRUNCATED    },
        {"deffff",             ERR_TRUNCATED    },
        {"c6ffffffff",         ERR_TRUNCATED    },
        {"dbffffffff",         ERR_TRUNCATED    },
        {"dd",                 ERR_TRUNCATED    },
        {"c1",                 ERR_TYPE         },
        {"cd0005",             ERR_NOT_CANONICAL},
        {"d90161",             ERR_NOT_CANONICAL},
        {"8201000100",         ERR_DUPLICATE_KEY},
        {"8202000100",         ERR_KEY_ORDER    },
        {"a2c328",             ERR_UTF8         },
        {"a100",               ERR_UTF8         },
        {"c0c0",               ERR_TRAILING     },
        {"",                   ERR_TRUNCATED    },
        {"919191919191919190", ERR_DEPTH        },
    };
    uint8_t nested[31 * 3]; /* 31 nested arrays of 65,535: 48 MB in msgpack-c */
    struct bytes b[sizeof rows / sizeof rows[0]];
    long before;

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        b[i] = from_hex(rows[i].hex);
    for (size_t i = 0; i < sizeof nested; i++)
        nested[i] = i % 3 ? 0xff : 0xdc;
    before = alloc_count();

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        assert_int_equal(mp_check(bytes_span(&b[i])), rows[i].e);
    assert_int_equal(mp_check(SPAN_OF(nested)), ERR_TRUNCATED);
    assert_int_equal(alloc_count() - before, 0);

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        bytes_free(&b[i]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_canonical_encoding_of_every_value_is_accepted),
        cmocka_unit_test(every_other_encoding_is_refused_by_its_own_name),
        cmocka_unit_test(the_getters_return_the_values_of_the_suite),
        cmocka_unit_test(what_the_suite_accepts_msgpack_c_packs_the_same_way),
        cmocka_unit_test(what_is_accepted_of_random_bytes_has_one_encoding),
        cmocka_unit_test(hostile_heads_are_refused_without_one_allocation),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
