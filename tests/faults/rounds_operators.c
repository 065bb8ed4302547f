/* The rounds about named operators: an act wants two of them, and the hub dies at either signature
 * and between the two. What one has signed waits; what both have signed is done, once. */
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "rounds_internal.h"

#define KEY_TEXT 80
#define ACTS_MAX 24    /* a hub remembers so many for a day, and some more */
#define AGREE_MS 60000 /* for a restored hub to be asked */
#define WORDS_MAX 16

static const char *const first = "Alice", *const second = "Bruno";

int operate(const struct campaign *c, const char *const *words, struct bytes *said)
{
    const char *args[WORDS_MAX] = {"--dir", hubproc_dir(c->scene.hub), "--passphrase-file",
                                   hubproc_passphrase_file(c->scene.hub), "--light"};
    struct bytes mine = {0};
    char program[1024];
    size_t n = 5;
    int status;

    while (*words && n < WORDS_MAX - 1)
        args[n++] = *words++;
    status = hubproc_run(hubproc_program("relais-hub", program), args, said ? said : &mine);
    bytes_free(&mine);
    return status;
}

/* --- persons -----------------------------------------------------------------------------------
 */

/* His key file, beside the hub's directory. */
static const char *key_file(const struct campaign *c, const char *name, char out[PATH_MAX])
{
    snprintf(out, PATH_MAX, "%.1000s/../%s.key", hubproc_dir(c->scene.hub), name);
    return out;
}

static void key_make(const struct campaign *c, const char *name, char pk[KEY_TEXT])
{
    char path[PATH_MAX];
    const char *const words[] = {"operator", "key", "--output", key_file(c, name, path), NULL};
    struct bytes said = {0};

    if (operate(c, words, &said))
        abort();
    snprintf(pk, KEY_TEXT, "%.*s", (int)strcspn((const char *)said.ptr, "\n"),
             (const char *)said.ptr);
    bytes_free(&said);
}

static bool name_alone(const struct campaign *c, const char *name)
{
    char pk[KEY_TEXT];

    key_make(c, name, pk);
    return operate(c, (const char *[]){"operator", "add", name, "--key", pk, NULL}, NULL) == 0;
}

struct known {
    bool named;    /* who the act is about */
    char wait[40]; /* the act that waits; empty: none */
};

/* What the hub holds, as an operator sees it. */
static bool look(struct campaign *c, const char *name, struct known *out)
{
    json_t *data = NULL;
    size_t i;
    const json_t *row;

    *out = (struct known){0};
    if (hubproc_command(c->scene.hub, "operator.list", NULL, &data))
        return false;
    json_array_foreach(json_object_get(data, "operators"), i, row)
    {
        const char *one = json_string_value(json_object_get(row, "name"));

        out->named |=
            one && strcmp(one, name) == 0 && !json_is_true(json_object_get(row, "removed"));
    }
    row = json_array_get(json_object_get(data, "acts_waiting"), 0);
    if (row)
        snprintf(out->wait, sizeof out->wait, "%s", json_string_value(json_object_get(row, "id")));
    json_decref(data);
    return true;
}

/* --- an act ------------------------------------------------------------------------------------
 */

struct act {
    char name[32];
    char key[KEY_TEXT];
    bool add; /* names him; or he is removed again */
};

static int sign(const struct campaign *c, const struct act *a)
{
    char path[PATH_MAX];
    const char *as = key_file(c, first, path);

    if (a->add)
        return operate(
            c, (const char *[]){"operator", "add", a->name, "--key", a->key, "--as", as, NULL},
            NULL);
    return operate(c, (const char *[]){"operator", "remove", a->name, "--as", as, NULL}, NULL);
}

static int confirm(const struct campaign *c, const char *id)
{
    char path[PATH_MAX];

    return operate(
        c, (const char *[]){"operator", "confirm", id, "--as", key_file(c, second, path), NULL},
        NULL);
}

/* The hub anew, and it dies at one of its next commits or writes. */
static void under(struct campaign *c, uint64_t n)
{
    static const char *const points[] = {"before-commit", "after-commit", "kill-write",
                                         "kill-sync"};
    static const unsigned deep[] = {3, 3, 12, 8};
    char fault[64];

    hub_stop(c);
    snprintf(fault, sizeof fault, "%s:%u", points[n % 4],
             1 + (unsigned)dice_draw(&c->dice, deep[n % 4]));
    hub_start(c, fault);
}

/* What was answered is there; what was not may be, or is signed again. */
static bool signed_once(struct campaign *c, uint64_t n, const struct act *a, struct known *known)
{
    bool said;

    under(c, n);
    said = sign(c, a) == 0;
    hub_ensure(c);
    if (!look(c, a->name, known))
        return false;
    if (said && !known->wait[0])
        history_say(c->history, "bad hub forgets-what-an-operator-signed");
    if (!known->wait[0] && (sign(c, a) || !look(c, a->name, known)))
        return false;
    return known->wait[0] && known->named != a->add;
}

static bool agreed(struct campaign *c, uint64_t n, const struct act *a, struct known *known)
{
    char id[sizeof known->wait];
    bool said;

    memcpy(id, known->wait, sizeof id);
    under(c, n);
    said = confirm(c, id) == 0;
    hub_ensure(c);
    if (!look(c, a->name, known))
        return false;
    if (said && known->named != a->add)
        history_say(c->history, "bad hub forgets-what-two-operators-decided");
    if (known->named != a->add &&
        (strcmp(known->wait, id) != 0 || confirm(c, id) || !look(c, a->name, known)))
        return false;
    return known->named == a->add && !known->wait[0];
}

/* Somebody is named, and removed by the next: a signature of each of two, and a hub that is killed
 * at the one, between them, and at the other. */
void round_operator(struct campaign *c, const struct round_kind *k, uint64_t n)
{
    struct act a = {.add = c->operators % 2 == 0};
    struct known known;

    if (c->operators == ACTS_MAX)
        return;
    hub_ensure(c);
    if (c->operators == 0 && (!name_alone(c, first) || !name_alone(c, second))) {
        history_say(c->history, "bad hub names-no-operators");
        return;
    }
    snprintf(a.name, sizeof a.name, "Claire-%zu", c->operators++ / 2);
    if (a.add)
        key_make(c, a.name, a.key);
    write_some(c, 1);
    if (!signed_once(c, n, &a, &known)) {
        history_say(c->history, "bad hub lets-no-operator-sign");
        goto out;
    }
    hub_kill(c);
    if (agreed(c, n / 4, &a, &known))
        fault_happened(c, k->name);
    else
        history_say(c->history, "bad hub does-not-do-what-two-operators-decided");
out:
    round_end(c);
}

/* --- a node in two places ----------------------------------------------------------------------
 */

bool operators_release(struct campaign *c, const char *org)
{
    char path[PATH_MAX];
    const char *const words[] = {
        "org", "release", org, c->operators ? "--as" : NULL, key_file(c, first, path), NULL};
    struct known known = {0};

    if (operate(c, words, NULL))
        return false;
    if (c->operators == 0)
        return true; /* nobody is named */
    return look(c, "", &known) && known.wait[0] && confirm(c, known.wait) == 0;
}

/* --- a restore ---------------------------------------------------------------------------------
 */

bool operators_agree(struct campaign *c)
{
    char path[PATH_MAX];
    const char *const words[] = {"operator", "accept-restore", "--as", key_file(c, first, path),
                                 NULL};
    uint64_t until = clock_mono_ms(clock_system()) + AGREE_MS;
    struct known known = {0};

    if (c->operators == 0)
        return true; /* nobody is named */
    while (operate(c, words, NULL)) {
        if (clock_mono_ms(clock_system()) > until)
            return false;
        world_run(c, 100);
    }
    hub_kill(c);
    return hub_start(c, NULL) && look(c, "", &known) && known.wait[0] &&
           confirm(c, known.wait) == 0;
}
