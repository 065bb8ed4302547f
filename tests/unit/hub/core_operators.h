/*
 * core_operators - named persons at a core_world, who sign acts as `relais-hub operator` does.
 */
#ifndef TESTS_CORE_OPERATORS_H
#define TESTS_CORE_OPERATORS_H

#include "core_world.h"
#include "operator_act.h"
#include "operators.h"
#include "serve.h"

#define PERSONS 3

static struct secret_sign *person[PERSONS];
static const char *const names[PERSONS] = {"Alice", "Bruno", "Claire"};
static struct hub_conf conf;

static inline enum err persons_born(void)
{
    struct entropy source = entropy_system();
    char why[200];
    enum err e = hub_conf_read("/nowhere", &conf, why, sizeof why); /* all as by default */

    if (!e)
        e = seal_init();

    for (size_t i = 0; i < PERSONS && !e; i++)
        e = secret_sign_generate(&source, &person[i]);
    return e;
}

static inline void persons_gone(void)
{
    for (size_t i = 0; i < PERSONS; i++)
        secret_sign_free(person[i]);
}

static inline json_t *who_is(const char *name, const struct sign_public *pk)
{
    struct bytes hex = {0};
    json_t *args;

    assert_ok(hex_write(&hex, SPAN_OF(pk->b)));
    args = json_pack("{s:s,s:s}", "name", name, "key", (const char *)hex.ptr);
    bytes_free(&hex);
    return args;
}

static inline json_t *who(size_t i)
{
    return who_is(names[i], secret_sign_public(person[i]));
}

static inline void name_persons(struct world *w, size_t n)
{
    for (size_t i = 0; i < n; i++)
        assert_ok(world_command(w, "operator.add", who(i), NULL));
}

/* What the hub prepares: data.act and data.request. */
static inline json_t *prepare(struct world *w, const char *command, json_t *args)
{
    json_t *data = NULL;

    assert_ok(world_command(w, "operator.prepare",
                            json_pack("{s:s,s:o}", "cmd", command, "args", args), &data));
    return data;
}

static inline enum err sign_as(struct world *w, const json_t *act, size_t i, size_t claims,
                               json_t **data)
{
    struct bytes raw = {0}, kid_hex = {0}, sig_hex = {0};
    uint8_t sig[SIG_BYTES], kid[KID_BYTES];
    json_t *args;

    assert_ok(hex_read(&raw, span_text(json_string_value(json_object_get(act, "act")))));
    assert_ok(operator_act_sign(bytes_span(&raw), person[i], sig));
    sign_kid(secret_sign_public(person[claims]), kid);
    assert_ok(hex_write(&kid_hex, SPAN_OF(kid)));
    assert_ok(hex_write(&sig_hex, SPAN_OF(sig)));
    args = json_pack("{s:O,s:O,s:s,s:s}", "act", json_object_get(act, "act"), "request",
                     json_object_get(act, "request"), "operator", (const char *)kid_hex.ptr, "sig",
                     (const char *)sig_hex.ptr);
    bytes_free(&raw);
    bytes_free(&kid_hex);
    bytes_free(&sig_hex);
    return world_command(w, "operator.sign", args, data);
}

static inline enum err sign(struct world *w, const json_t *act, size_t i)
{
    return sign_as(w, act, i, i, NULL);
}

static inline json_t *of_org(struct world *w, size_t m)
{
    char hex[33];

    hex_id(member_org(w->m[m]), hex);
    return json_pack("{s:s}", "org", hex);
}

static inline void set_conf(struct world *w, enum mode mode)
{
    w->core->conf = &conf;
    conf.operators_required = 2;
    w->id.federation.mode = mode;
}

#endif
