/* The command that takes back a sheet that was sent (sheet.h). */
#include <string.h>

#include "courier.h"
#include "reading_internal.h"
#include "sheet.h"
#include "show.h"
#include "words.h"

#define WAIT_MS 2000
#define WAIT_MAX_MS 60000

static enum err received_not_sent(struct call *c)
{
    c->done = !bytes_printf(&c->text, "Cette fiche a été reçue, pas envoyée : seul son expéditeur "
                                      "peut la rappeler. Rien n'a été modifié.\n");
    return ERR_RIGHT;
}

static enum err went_nowhere(struct call *c)
{
    c->done = !bytes_printf(&c->text, "Cette fiche n'est arrivée nulle part : il n'y a rien à "
                                      "rappeler. Rien n'a été modifié.\n");
    return ERR_STATE;
}

/* One who has it keeps it: whoever recalls must know that a telephone call is left to make. */
static bool somebody_has_it(const struct out_status *s)
{
    for (size_t i = 0; i < s->count; i++)
        if (s->to[i].marks & OUT_DELIVERED)
            return true;
    return false;
}

/* What is known now, of each recipient. */
static enum err state_say(struct node *n, struct call *c, const uint8_t mid[ID_BYTES])
{
    struct out_status s = {0};
    struct txn *t = NULL;
    enum err e = store_begin(n->store, TXN_READ, &t);

    if (!e)
        e = outbox_get(n, t, mid, &s);
    store_abort(&t);
    if (e || (e = bytes_printf(&c->text, "Fiche ")) || (e = short_id(mid, &c->text)) ||
        (e = bytes_printf(&c->text,
                          s.state == OUT_WITHDRAWN ? " : retirée, elle n'est jamais partie.\n"
                          : s.recall == OUT_RECALL_ASKED
                              ? " : rappel enregistré, le hub n'a pas encore répondu.\n"
                          : s.recall == OUT_RECALL_LATE ? " : trop tard, tous l'avaient reçue.\n"
                          : somebody_has_it(&s)
                              ? " : rappelée, mais pas chez tous : elle reste chez ceux qui "
                                "l'avaient reçue. Appelez-les si elle ne doit pas servir.\n"
                              : " : rappelée.\n")))
        return e;
    if (json_object_set_new(c->data, "mid", json_hex(mid, ID_BYTES)) ||
        json_object_set_new(c->data, "state", json_integer(s.state)) ||
        json_object_set_new(c->data, "recall", json_integer(s.recall)))
        return ERR_NOMEM;
    return recipients_say(n, c, &s);
}

static void recall_settled(struct node *n, struct call *c, const uint8_t id[ID_BYTES], enum err why)
{
    uint8_t mid[ID_BYTES];

    outbox_recall_id(id, mid);
    if ((why && why != ERR_OFFLINE) || state_say(n, c, mid))
        bytes_free(&c->text); /* the code speaks for itself */
}

static enum err decide(struct node *n, struct txn *t, struct call *c, uint8_t mid[ID_BYTES])
{
    uint8_t actor[ID_BYTES];
    uint64_t reason;
    struct mail m;
    enum err e;

    if ((e = arg_uint(c, "reason", RECALL_NO_REASON, RECALL_REPLACED, &reason)) ||
        (e = mail_asked(n, t, c, &m)))
        return e;
    if (m.incoming)
        return received_not_sent(c);
    if ((e = journal_read(n, t, c, JOURNAL_WRITE, mail_person(&m), mail_mid(&m), actor)))
        return e;
    memcpy(mid, mail_mid(&m), ID_BYTES);
    e = outbox_recall(n, t, mid, (enum recall_reason)reason, actor);
    return e == ERR_STATE ? went_nowhere(c) : e;
}

static bool is_decided(struct node *n, const uint8_t mid[ID_BYTES])
{
    struct out_status s;
    struct txn *t = NULL;
    bool decided = true;

    if (store_begin(n->store, TXN_READ, &t) == ERR_OK && outbox_get(n, t, mid, &s) == ERR_OK)
        decided = s.recall != OUT_RECALL_ASKED;
    store_abort(&t);
    return decided;
}

enum err run_sheet_recall(struct node *n, struct call *c)
{
    bool ready = n->courier && courier_state(n->courier) == COURIER_READY;
    uint8_t mid[ID_BYTES];
    uint8_t id[ID_BYTES];
    struct txn *t = NULL;
    uint64_t wait_ms;
    enum err e;

    if ((e = arg_uint(c, "wait_ms", ready ? WAIT_MS : 0, WAIT_MAX_MS, &wait_ms)) ||
        (e = store_begin(n->store, TXN_WRITE, &t)))
        return e;
    if (!(e = decide(n, t, c, mid)))
        e = node_commit(n, &t);
    node_abort(n, &t);
    if (e)
        return e;
    node_kick(n);
    if (c->request && wait_ms > 0 && !is_decided(n, mid)) {
        outbox_recall_id(mid, id);
        return call_wait(n, c, id, wait_ms, recall_settled);
    }
    return state_say(n, c, mid);
}
