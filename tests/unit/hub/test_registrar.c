/* What the registrar reads of a request, and signs: he believes nobody, the hub neither. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "directory.h"
#include "file.h"
#include "random.h"
#include "registrar.h"
#include "statement.h"

#define assert_ok(call) assert_int_equal((call), ERR_OK)
#define PHRASE SPAN_STR("une phrase de passe")

static char dir[] = "/tmp/relais-registrar-XXXXXX";
static const uint8_t federation[ID_BYTES] = {0xfe};

static int registrar_up(void **state)
{
    const struct keyfile_cost cost = {8, 1};
    struct entropy entropy = entropy_system();
    struct sign_public pk;

    (void)state;
    assert_ok(seal_init());
    assert_non_null(mkdtemp(dir));
    assert_ok(registrar_make(dir, PHRASE, cost, &entropy, &pk));
    return 0;
}

static int registrar_down(void **state)
{
    static const char *const files[] = {"registrar.key", "organisations"};
    char path[128];

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        snprintf(path, sizeof path, "%s/%s", dir, files[i]);
        unlink(path);
    }
    return rmdir(dir);
}

/* To enrol this node, of this organisation, under that name: a request, armoured. */
static void asks(uint8_t org, uint8_t node, const char *name, struct bytes *request)
{
    static const uint8_t possession[SIG_BYTES];
    struct enrolment en = {.name = span_text(name), .kind = ORG_LIBERAL, .prekey = SPAN_STR("-")};
    struct bytes body = {0}, stmt = {0}, file = {0};

    memset(en.org, org, ID_BYTES);
    memset(en.node, node, ID_BYTES);
    assert_ok(enrolment_encode(&en, &body));
    assert_ok(enrol_encode(KEYS_ENROL, federation, 5, bytes_span(&body), possession, 5, &stmt));
    assert_ok(statement_join(bytes_span(&stmt), NULL, 0, &file));
    bytes_free(request);
    assert_ok(armour_write(ARMOUR_REQUEST, bytes_span(&file), request));
    bytes_free(&body);
    bytes_free(&stmt);
    bytes_free(&file);
}

static enum err signs(const struct bytes *request)
{
    struct bytes signature = {0};
    enum err e = registrar_sign(dir, PHRASE, bytes_span(request), &signature);

    assert_int_equal(signature.len > 0, e == ERR_OK);
    bytes_free(&signature);
    return e;
}

static void reads(const struct bytes *request, const char *wanted)
{
    const struct request_names names = registrar_names(dir);
    struct bytes text = {0};

    assert_ok(request_describe(bytes_span(request), &names, &text));
    assert_non_null(memmem(text.ptr, text.len, wanted, strlen(wanted)));
    bytes_free(&text);
}

static void another_name_for_who_was_signed_for_is_refused(void **state)
{
    struct bytes request = {0};

    (void)state;
    asks(1, 1, "SAMU 62", &request);
    reads(&request, "Enrôlement de « SAMU 62 »");
    assert_ok(signs(&request));
    assert_ok(signs(&request)); /* its signature was lost */
    asks(1, 2, "Cabinet Martin", &request);
    assert_int_equal(signs(&request), ERR_EXISTS);
    asks(3, 1, "Cabinet Martin", &request);
    assert_int_equal(signs(&request), ERR_EXISTS);
    asks(3, 3, "Cabinet Martin", &request);
    assert_ok(signs(&request));
    bytes_free(&request);
}

static void other_keys_for_who_has_some_are_no_newcomer(void **state)
{
    struct bytes request = {0};

    (void)state;
    asks(4, 4, "EHPAD", &request);
    assert_ok(signs(&request));
    reads(&request, "Enrôlement de « EHPAD »"); /* the same again */
    asks(4, 5, "EHPAD", &request);
    reads(&request, "Enrôlement d'un AUTRE nœud, avec d'autres clés, de « EHPAD »");
    assert_ok(signs(&request));
    bytes_free(&request);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(another_name_for_who_was_signed_for_is_refused),
        cmocka_unit_test(other_keys_for_who_has_some_are_no_newcomer),
    };

    return cmocka_run_group_tests(tests, registrar_up, registrar_down);
}
