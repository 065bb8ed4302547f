/* relais-node join: what the administrator sees of an enrolment (serve.h). */
#include <stdio.h>
#include <string.h>

#include "cli.h"
#include "file.h"
#include "join.h"
#include "random.h"
#include "serve.h"
#include "words.h"

struct joined {
    bool done;
    enum join_state state;
    char fingerprint[FINGERPRINT_TEXT];
};

static const char *state_word(const struct joined *j)
{
    if (j->done)
        return "enrolled";
    switch (j->state) {
    case JOIN_APPROVAL:
        return "approval";
    case JOIN_REGISTRAR:
        return "registrar";
    case JOIN_ENROLLED:
        return "unconfirmed";
    case JOIN_REFUSED:
        return "refused";
    }
    return "unreached";
}

static const char *state_text(const struct joined *j)
{
    if (j->done)
        return "Raccordement terminé : ce nœud est inscrit. Lancez « serve ».";
    switch (j->state) {
    case JOIN_APPROVAL:
        return "Demande reçue par le hub. Téléphonez à son opérateur et comparez l'empreinte ; il "
               "approuvera, le registraire signera. Ensuite répétez la commande avec --confirm et "
               "l'empreinte qu'il vous a lue.";
    case JOIN_REGISTRAR:
        return "L'opérateur a approuvé. La signature du registraire est attendue ; répétez la "
               "commande "
               "quand il a signé.";
    case JOIN_ENROLLED:
        return "Le registraire a signé, mais vous n'avez pas encore confirmé l'empreinte : répétez "
               "la "
               "commande avec --confirm et l'empreinte que l'opérateur vous lit.";
    case JOIN_REFUSED:
        return "Le hub a refusé cette demande.";
    }
    return "Le hub ne répond pas. La demande est conservée ; répétez la commande. Si cela dure : "
           "la "
           "liaison est coupée, ou cette invitation a déjà servi ou a expiré (demandez à "
           "l'opérateur "
           "du hub ; une autre la remplace).";
}

static const char *error_text(enum err e)
{
    if (e != ERR_CONFLICT)
        return word_error(e);
    return "Une autre invitation est déjà en cours pour ce nœud. Rien n'a été modifié. Terminez "
           "celle-là (« join » avec son fichier) ; ou, si elle ne doit plus servir, dites-le à "
           "l'opérateur du hub, qui la refuse (« org refuse »), et répétez avec --replace.";
}

static enum err run(struct node *n, struct span armour, const char *fingerprint, uint64_t wait_ms,
                    struct joined *out)
{
    struct joining j = {0};
    enum err e = join_begin(n, armour, &j);

    if (e == ERR_EXISTS) { /* said again after the end */
        out->done = true;
        return ERR_OK;
    }
    if (e)
        return e;
    memcpy(out->fingerprint, j.fingerprint, sizeof out->fingerprint);
    if (fingerprint)
        e = join_confirm(n, &j, span_text(fingerprint));
    if (!e)
        e = join_run(n, &j, wait_ms, &out->state);
    joining_wipe(&j);
    out->done = e == ERR_OK;
    return e;
}

static int say(enum err e, const struct joined *j, bool as_json)
{
    bool soft = e == ERR_OK || e == ERR_WAITING || e == ERR_TIMEOUT ||
                (e == ERR_FINGERPRINT && j->state == JOIN_ENROLLED);

    if (as_json) {
        json_t *all = json_pack("{s:s, s:s, s:s, s:s}", soft ? "ok" : "error",
                                soft ? "true" : err_name(e), "state", state_word(j), "fingerprint",
                                j->fingerprint, "text", soft ? state_text(j) : error_text(e));

        if (all)
            json_dumpf(all, stdout, JSON_COMPACT);
        printf("\n");
        json_decref(all);
    } else if (soft) {
        if (*j->fingerprint)
            printf("Empreinte à comparer de vive voix : %s\n", j->fingerprint);
        printf("%s\n", state_text(j));
    } else {
        fprintf(stderr, "relais-node join : %s [%s]\n", error_text(e), err_name(e));
    }
    if (soft)
        return e == ERR_TIMEOUT ? EXIT_AWAY : EXIT_DONE;
    return cli_status(e);
}

int join_main(const struct open_flags *flags, const char *file, const char *fingerprint,
              bool replace, uint64_t wait_ms, bool as_json)
{
    struct joined j = {0};
    struct bytes armour = {0};
    struct node *n = NULL;
    int lock = -1;
    enum err e = file_read(file, ARMOUR_TEXT_MAX, &armour);

    if (!e && !(e = node_open_flags(flags, &n, &lock)) && replace)
        e = join_forget(n);
    if (!e)
        e = run(n, bytes_span(&armour), fingerprint, wait_ms, &j);
    node_close(n);
    dir_unlock(&lock);
    seal_bytes_free(&armour);
    return say(e, &j, as_json);
}
