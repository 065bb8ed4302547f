/* The rows of notifications, and what is said of them. */
#include "bell.h"

#include <inttypes.h>
#include <string.h>

#include "bell_internal.h"
#include "commands.h"
#include "inbox.h"
#include "meta.h"
#include "vault.h"

#define BELL_FIELDS 8

/* --- rows ------------------------------------------------------------------------------------ */

static enum err bell_decode(struct span key, struct span row, struct bell *out)
{
    struct reader r = reader_over(row);
    struct bell b = {0};
    struct span label;
    enum err e;

    rd_array(&r, BELL_FIELDS);
    b.state = (enum bell_state)rd_uint_between(&r, BELL_TO_RUN, BELL_DROPPED);
    b.why = (enum bell_failure)rd_uint(&r, BELL_INTERRUPTED);
    b.value = rd_u32(&r, UINT32_MAX);
    b.tries = rd_u32(&r, UINT32_MAX);
    b.urgent = rd_bool(&r);
    b.due_ms = rd_uint(&r, UINT64_MAX);
    b.exp_ms = rd_uint(&r, UINT64_MAX);
    label = rd_blob(&r, 1, BELL_LABEL_MAX);
    if ((e = row_end(&r)))
        return e;
    if (key.len != IN_KEY_BYTES)
        return ERR_CORRUPT;
    memcpy(b.label, label.ptr, label.len);
    memcpy(b.mid, key.ptr, ID_BYTES);
    memcpy(b.from, key.ptr + ID_BYTES, ID_BYTES);
    *out = b;
    return ERR_OK;
}

enum err bell_get(struct node *n, struct txn *t, const uint8_t mid[ID_BYTES],
                  const uint8_t from[ID_BYTES], struct bell *out)
{
    uint8_t key[IN_KEY_BYTES];
    struct bytes row = {0};
    enum err e;

    in_key(mid, from, key);
    if (!(e = vault_get(n->vault, t, TABLE_BELL, NULL, SPAN_OF(key), &row)))
        e = bell_decode(SPAN_OF(key), bytes_span(&row), out);
    seal_bytes_free(&row);
    return e;
}

static enum err live_set(struct txn *t, enum bell_live which, const struct bell *b, bool live)
{
    uint8_t key[BELL_LIVE_BYTES];
    enum err e;

    key[0] = (uint8_t)which;
    in_key(b->mid, b->from, key + 1);
    if (live)
        return store_put(t, TABLE_BELL_LIVE, SPAN_OF(key), span_text(""));
    e = store_del(t, TABLE_BELL_LIVE, SPAN_OF(key));
    return e == ERR_NOT_FOUND ? ERR_OK : e;
}

enum err bell_put(struct node *n, struct txn *t, const struct bell *b)
{
    uint8_t key[IN_KEY_BYTES];
    struct writer w;
    enum err e;

    if ((e = live_set(t, b->urgent ? BELL_LIVE_URGENT : BELL_LIVE_TO_DO, b,
                      b->state == BELL_TO_RUN || b->state == BELL_RUNNING)) ||
        (e = live_set(t, BELL_LIVE_FAILED, b, b->state == BELL_FAILED)))
        return e;
    in_key(b->mid, b->from, key);
    wr_init(&w);
    wr_array(&w, BELL_FIELDS);
    wr_uint(&w, (uint64_t)b->state);
    wr_uint(&w, (uint64_t)b->why);
    wr_uint(&w, b->value);
    wr_uint(&w, b->tries);
    wr_bool(&w, b->urgent);
    wr_uint(&w, b->due_ms);
    wr_uint(&w, b->exp_ms);
    wr_bin(&w, span_text(b->label));
    return row_put(n, t, TABLE_BELL, NULL, SPAN_OF(key), &w);
}

enum err bell_hang(struct node *n, struct txn *t, const struct in_status *s,
                   const struct care_payload *p)
{
    struct bell b = {
        .state = BELL_TO_RUN, .urgent = s->urgent, .due_ms = node_now_ms(n), .exp_ms = s->exp_ms};
    const char *label = bells_label(n->bells, p->to_kind, p->to_name);

    if (!label)
        return ERR_OK;
    memcpy(b.mid, s->mid, ID_BYTES);
    memcpy(b.from, s->from, ID_BYTES);
    memcpy(b.label, label, strlen(label) + 1);
    bells_look(n->bells);
    return bell_put(n, t, &b);
}

enum err bell_over(struct node *n, struct txn *t, const struct in_status *s)
{
    struct bell b;
    enum err e = bell_get(n, t, s->mid, s->from, &b);

    if (e)
        return e == ERR_NOT_FOUND ? ERR_OK : e;
    if (b.state == BELL_FAILED) /* the row still tells what happened */
        return live_set(t, BELL_LIVE_FAILED, &b, false);
    if (b.state != BELL_TO_RUN)
        return ERR_OK; /* it runs: bell_run.c looks again when it has ended */
    b.state = BELL_DROPPED;
    return bell_put(n, t, &b);
}

enum err bell_worth(struct node *n, struct txn *t, const struct bell *b, bool *yes)
{
    struct in_status s;
    enum err e = inbox_get(n, t, b->mid, b->from, &s);

    if (e && e != ERR_NOT_FOUND)
        return e;
    *yes = !e && s.state == IN_RECEIVED && !s.opened_ms && node_now_ms(n) < b->exp_ms;
    return ERR_OK;
}

/* --- for people -------------------------------------------------------------------------- */

static enum err count_one(void *arg, struct span key, struct span value)
{
    uint64_t *counts = arg;

    (void)value;
    if (key.len != BELL_LIVE_BYTES || key.ptr[0] >= BELL_LIVES)
        return ERR_CORRUPT;
    counts[key.ptr[0]]++;
    return ERR_OK;
}

enum err bells_count(struct txn *t, uint64_t *waiting, uint64_t *failed)
{
    uint64_t counts[BELL_LIVES] = {0};
    enum err e =
        store_scan(t, TABLE_BELL_LIVE, span_text(""), span_text(""), SIZE_MAX, count_one, counts);

    if (e)
        return e;
    *waiting = counts[BELL_LIVE_URGENT] + counts[BELL_LIVE_TO_DO];
    *failed = counts[BELL_LIVE_FAILED];
    return ERR_OK;
}

enum err bells_say(struct node *n, struct txn *t, struct call *c)
{
    uint64_t waiting, failed;
    enum err e = bells_count(t, &waiting, &failed);

    (void)n;
    if (e)
        return e;
    if (json_object_set_new(
            c->data, "notifications",
            json_pack("{s:I,s:I}", "waiting", (json_int_t)waiting, "failed", (json_int_t)failed)))
        return ERR_NOMEM;
    if (failed == 0)
        return ERR_OK;
    return bytes_printf(&c->text,
                        "NOTIFICATIONS : %" PRIu64 " échouée%s, message%s reçu%s et à lire. "
                        "« inbox » dit lesquels et pourquoi ; vérifiez notify et notify.conf.\n",
                        failed, failed > 1 ? "s" : "", failed > 1 ? "s" : "",
                        failed > 1 ? "s" : "");
}

const char *bell_why(enum bell_failure why)
{
    static const char *const names[] = {"none",    "exit",       "signal",     "timeout",
                                        "not-run", "no-command", "interrupted"};

    return names[why];
}

static enum err why_say(const struct bell *b, struct bytes *out)
{
    switch (b->why) {
    case BELL_EXIT:
        return bytes_printf(out, "code de sortie %" PRIu32, b->value);
    case BELL_SIGNAL:
        return bytes_printf(out, "arrêtée par le signal %" PRIu32, b->value);
    case BELL_TIMEOUT:
        return bytes_printf(out, "délai dépassé");
    case BELL_NOT_RUN:
        return bytes_printf(out, "commande introuvable ou impossible à exécuter");
    case BELL_NO_COMMAND:
        return bytes_printf(out, "aucune commande n'est plus réglée");
    case BELL_INTERRUPTED:
        return bytes_printf(out, "interrompue par l'arrêt du nœud, peut-être exécutée");
    case BELL_NO_FAILURE:
        break;
    }
    return ERR_OK;
}

enum err bell_say(struct node *n, struct txn *t, const struct in_status *s, struct bytes *text,
                  json_t *row)
{
    static const char *const states[] = {"", "to-run", "running", "done", "failed", "dropped"};
    struct bell b;
    enum err e = bell_get(n, t, s->mid, s->from, &b);

    if (e)
        return e == ERR_NOT_FOUND ? ERR_OK : e;
    if (json_object_set_new(row, "notification",
                            json_pack("{s:s,s:s,s:I,s:I}", "state", states[b.state], "why",
                                      bell_why(b.why), "value", (json_int_t)b.value, "tries",
                                      (json_int_t)b.tries)))
        return ERR_NOMEM;
    if (b.state != BELL_FAILED && (b.state != BELL_TO_RUN || b.why == BELL_NO_FAILURE))
        return ERR_OK;
    if ((e = bytes_printf(text, b.state == BELL_FAILED
                                    ? "NOTIFICATION ÉCHOUÉE ("
                                    : "notification échouée, nouvel essai prévu (")) ||
        (e = why_say(&b, text)))
        return e;
    return bytes_printf(text, ")  ");
}
