/*
 * relais-verify: checks a receipt with no network, no hub and no node. What it trusts stands in a
 * policy file that its owner holds (include/trust.h). It links libsodium and libc alone and is
 * meant to be read in one sitting, with PROTOCOL.md 9 and 10 beside it.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "file.h"
#include "messages.h"
#include "random.h"
#include "receipt.h"
#include "sign.h"
#include "statement.h"
#include "tlogproof.h"
#include "trust.h"
#include "verify.h"
#include "version.h"

enum status {
    PROVEN = 0,
    NOT_PROVEN = 1,
    BAD_USAGE = 2,
    BAD_FILE = 3,
    BAD_POLICY = 4,
    MEMBER_UNKNOWN = 5
};

#define EARLY_S 600 /* a witness's clock may be that far behind the hub's */

struct check {
    struct trust *policy;
    unsigned early; /* witnesses whose time lies before the entry that they cosigned */
    struct tlog_proof proof;
    struct receipt receipt;
    struct receipt_facts facts;
    struct trust_verdict verdict;
};

/* "2 témoins sur 5, le dernier le …": those that the policy knows, each once. */
static void witnesses_say(const struct check *c)
{
    size_t of = trust_witness_count(c->policy);

    if (of == 0)
        return;
    printf("Témoins : %u témoin%s sur %zu", c->verdict.cosigned, c->verdict.cosigned > 1 ? "s" : "",
           of);
    if (c->verdict.cosigned > 0) {
        printf(", le dernier ");
        time_print(c->verdict.newest_s * 1000);
    }
    if (c->early > 0)
        printf(" ; %u cosignature%s datée%s d'avant l'entrée ne compte%s pas", c->early,
               c->early > 1 ? "s" : "", c->early > 1 ? "s" : "", c->early > 1 ? "nt" : "");
    printf(" ; %s\n", c->verdict.quorum_none  ? "la politique n'en demande aucun"
                      : c->verdict.quorum_met ? "le quorum de la politique est atteint"
                                              : "le quorum de la politique n'est pas atteint");
}

/* Who it was for, in the order of the envelope; a deputy, in whose place; whom the hub speaks of.
 */
static void parties_say(const struct check *c)
{
    const struct detail *d = &c->facts.detail;

    for (size_t i = 0; d->has & RD_KEY(DETAIL_TO) && i < d->to_count; i++) {
        printf(i ? ", " : ", pour ");
        org_print(c->policy, d->to[i]);
    }
    if (d->has & RD_KEY(DETAIL_INSTEAD)) {
        printf(" à la place de ");
        org_print(c->policy, d->instead);
    }
    if (d->has & RD_KEY(DETAIL_BY_ORG)) {
        printf(d->has & RD_KEY(DETAIL_SIG) ? ", signé par " : " : ");
        org_print(c->policy, d->by_org);
    }
}

static void motive_say(const struct check *c)
{
    uint64_t code = c->facts.detail.code;

    if (!(c->facts.detail.has & RD_KEY(DETAIL_CODE)) || !code)
        return;
    printf(", motif : %s", motive_words(c->facts.type, code));
    if (c->facts.type != AUDIT_RECALLED)
        printf(" (%s)", err_name((enum err)code));
}

static void say(const struct check *c)
{
    const struct detail *d = &c->facts.detail;
    const uint8_t *mid = c->receipt.has_path           ? c->receipt.path.mid
                         : d->has & RD_KEY(DETAIL_MID) ? d->mid
                                                       : NULL;

    printf("PROUVÉ, degré %s : ",
           c->verdict.quorum_met && !c->verdict.quorum_none ? "attesté" : "journalisé");
    if (mid) {
        printf("message ");
        hex_print(mid, ID_BYTES);
        printf(" ");
    }
    if (d->has & RD_KEY(DETAIL_FROM)) {
        printf("de ");
        org_print(c->policy, d->from);
        printf(" ");
    }
    printf("%s", event_words(c->facts.type, d->has & RD_KEY(DETAIL_CODE) ? d->code : 0));
    parties_say(c);
    motive_say(c);
    printf(", ");
    time_print(c->facts.time_ms);
    printf(" ; entrée %" PRIu64 " sur %" PRIu64 " du journal %.*s, clé %s\n", c->proof.index,
           c->proof.checkpoint.size, (int)c->proof.checkpoint.origin.len,
           (const char *)c->proof.checkpoint.origin.ptr,
           trust_log(c->policy, c->verdict.log)->name);
}

/* --- what an entry may say -------------------------------------------------------------------- */

#define KEYS(first, last) ((RD_KEY(last) << 1) - RD_KEY(first))
#define ABOUT_ONE (KEYS(1, 3) | KEYS(5, 7)) /* which message, in which circle */
#define REPORTED (ABOUT_ONE | RD_KEY(9) | RD_KEY(14) | RD_KEY(16) | RD_KEY(17) | RD_KEY(20))

/* The keys of each type's detail, by their numbers (PROTOCOL.md 9). More than those would be said
 * in one breath with what a member has signed, and he has not signed it. */
static enum err listed(const struct receipt_facts *f)
{
    static const uint64_t keys[] = {
        [AUDIT_ACCEPTED] = KEYS(1, 8) | RD_KEY(13),
        [AUDIT_DELIVERED] = KEYS(10, 11) | KEYS(14, 18) | RD_KEY(20),
        [AUDIT_OPENED] = REPORTED,
        [AUDIT_REFUSED] = REPORTED,
        [AUDIT_UNREADABLE] = REPORTED,
        [AUDIT_MISLABELLED] = REPORTED,
        [AUDIT_EXPIRED] = ABOUT_ONE | KEYS(8, 9),
        [AUDIT_RECALLED] = REPORTED | RD_KEY(8),
        [AUDIT_STATEMENT] = KEYS(3, 7) | KEYS(12, 13),
        [AUDIT_REJECTED] = RD_KEY(1) | RD_KEY(3) | KEYS(5, 7) | RD_KEY(9) | RD_KEY(18) | RD_KEY(20),
        [AUDIT_HELD] = ABOUT_ONE | KEYS(8, 9),
        [AUDIT_ACT] = RD_KEY(9) | RD_KEY(14) | KEYS(19, 20),
        [AUDIT_ALARM] = KEYS(14, 15) | RD_KEY(19),
        [AUDIT_DEPUTY] = ABOUT_ONE | KEYS(8, 9) | RD_KEY(13) | KEYS(23, 24),
        [AUDIT_SILENT] = RD_KEY(8) | KEYS(14, 15) | RD_KEY(18) | RD_KEY(21),
        [AUDIT_ESCALATED] = KEYS(5, 7) | RD_KEY(9) | RD_KEY(14) | RD_KEY(22),
        [AUDIT_EPOCH] = KEYS(26, 29),
        [AUDIT_OPERATORS] = RD_KEY(9) | KEYS(19, 20) | KEYS(34, 37),
        [AUDIT_ATTACHMENT_REMOVED] = RD_KEY(3) | RD_KEY(8) | KEYS(30, 31),
    };

    if (f->type >= sizeof keys / sizeof keys[0] || f->detail.has & ~keys[f->type])
        return ERR_PROOF;
    return ERR_OK;
}

/* --- the member's own signature -------------------------------------------------------------- */

static enum err ack_signature(const struct detail *d, const struct sign_public *pk)
{
    struct ack_claim a = {.upto = d->upto, .count = (uint32_t)d->count};
    uint8_t digest[DIGEST_BYTES];
    enum err e;

    if (d->about.len != 2 * ID_BYTES + 8 || d->count > UINT32_MAX)
        return ERR_PROOF;
    memcpy(a.federation, d->about.ptr, ID_BYTES);
    memcpy(a.hub, d->about.ptr + ID_BYTES, ID_BYTES);
    for (int i = 0; i < 8; i++)
        a.after = a.after << 8 | d->about.ptr[2 * ID_BYTES + i];
    memcpy(a.org, d->by_org, ID_BYTES);
    memcpy(a.node, d->by_node, ID_BYTES);
    memcpy(a.root, d->root, sizeof a.root);
    if ((e = ack_digest(&a, digest)))
        return e;
    return verify_digest(SIGN_ACK, pk, digest, d->sig);
}

/* The report or recall that was signed must say what the entry says. */
static enum err report_says(const struct receipt_facts *f)
{
    const struct detail *d = &f->detail;
    struct reader r = reader_over(d->about);
    struct rd_map m = rd_map(&r, 64);
    uint8_t id[DIGEST_BYTES];
    uint64_t key;

    while (rd_map_next(&r, &m, &key)) {
        const uint8_t *want = key == 2 ? d->mid : key == 4 ? d->from : d->by_org;

        if (key == 1 && rd_uint(&r, UINT16_MAX) != f->type)
            return ERR_PROOF;
        if (key == 3) {
            rd_fixed(&r, id, DIGEST_BYTES);
            if (memcmp(id, d->digest, DIGEST_BYTES) != 0)
                return ERR_PROOF;
        }
        if (key == 2 || key == 4 || key == 5) {
            rd_fixed(&r, id, ID_BYTES);
            if (memcmp(id, want, ID_BYTES) != 0)
                return ERR_PROOF;
        }
        if (key == 7 && rd_uint(&r, UINT16_MAX) != d->code) /* the motive is his, not the hub's */
            return ERR_PROOF;
        if (key == 6 || key > 7)
            rd_skip(&r);
    }
    rd_map_require(&r, &m, RD_KEY(1) | RD_KEY(2) | RD_KEY(3) | RD_KEY(4) | RD_KEY(5) | RD_KEY(7));
    return rd_end(&r) ? ERR_PROOF : ERR_OK;
}

static enum err report_signature(const struct receipt_facts *f, const struct sign_public *pk)
{
    struct statement_sig sig = {.role = ROLE_NODE};
    enum err e = report_says(f);

    if (e)
        return e;
    memcpy(sig.org, f->detail.by_org, ID_BYTES);
    memcpy(sig.kid, f->detail.kid, KID_BYTES);
    memcpy(sig.sig, f->detail.sig, sizeof sig.sig);
    return statement_verify(f->type == AUDIT_RECALLED ? STATEMENT_RECALL : STATEMENT_REPORT,
                            f->detail.about, &sig, pk);
}

/* What a member is said to have done, he has signed: ERR_KEY_UNKNOWN when the policy has no key. */
static enum err member_signature(const struct check *c)
{
    const struct detail *d = &c->facts.detail;
    struct sign_public pk;
    enum err e;

    switch (c->facts.type) {
    case AUDIT_DELIVERED:
    case AUDIT_OPENED:
    case AUDIT_REFUSED:
    case AUDIT_UNREADABLE:
    case AUDIT_MISLABELLED:
        break;
    case AUDIT_RECALLED:
        if (memcmp(d->by_org, d->from, ID_BYTES) != 0)
            return ERR_PROOF;
        break;
    default:
        return ERR_OK;
    }
    if (!(d->has & RD_KEY(DETAIL_SIG)) || !(d->has & RD_KEY(DETAIL_BY_ORG)))
        return ERR_PROOF;
    if ((e = trust_org_key(c->policy, d->by_org, d->kid, &pk)))
        return e;
    return c->facts.type == AUDIT_DELIVERED ? ack_signature(d, &pk)
                                            : report_signature(&c->facts, &pk);
}

/* --- witnesses ------------------------------------------------------------------------------- */

/* Nobody has cosigned an entry before it was made: who says so has a wrong clock, or lies. */
static void witnesses_count(struct check *c)
{
    struct trust_verdict *v = &c->verdict;

    v->newest_s = 0;
    for (size_t i = 0; i < trust_witness_count(c->policy); i++) {
        if (!(v->witnesses >> i & 1))
            continue;
        if (v->time_s[i] + EARLY_S < c->facts.time_ms / 1000) {
            v->witnesses &= ~((uint32_t)1 << i);
            v->cosigned--;
            c->early++;
        } else if (v->time_s[i] > v->newest_s) {
            v->newest_s = v->time_s[i];
        }
    }
    v->quorum_met = trust_quorum(c->policy, v->witnesses);
}

/* --- checking -------------------------------------------------------------------------------- */

static enum err check(struct check *c, struct span text)
{
    uint8_t leaf[32];
    enum err e;

    if ((e = tlog_proof_read(text, &c->proof)))
        return e;
    if ((e = receipt_extra_decode(bytes_span(&c->proof.extra), &c->receipt)))
        return e;
    merkle_leaf_hash(c->receipt.entry, leaf);
    if ((e = tlog_proof_verify(&c->proof, leaf, c->policy, &c->verdict)))
        return e;
    if ((e = receipt_read(&c->receipt, &c->facts)) || (e = listed(&c->facts)))
        return e;
    witnesses_count(c);
    return member_signature(c);
}

/* Under --witnesses a policy that asks for none proves nothing either. */
static bool too_few(const struct check *c)
{
    return c->verdict.quorum_none || !c->verdict.quorum_met;
}

static int verify(struct span text, struct trust *policy, bool quorum)
{
    struct check c = {.policy = policy};
    int status = NOT_PROVEN;
    enum err e = check(&c, text);

    if (e == ERR_OK && quorum && too_few(&c)) {
        printf("PAS PROUVÉ au degré attesté : le reçu n'a pas le quorum de témoins demandé.\n");
        witnesses_say(&c);
    } else if (e == ERR_OK) {
        say(&c);
        witnesses_say(&c);
        status = PROVEN;
    } else if (e == ERR_KEY_UNKNOWN && c.facts.type != 0) {
        printf("JOURNALISÉ SEULEMENT : la politique n'a pas la clé du membre qui a signé ; "
               "ajoutez-la pour conclure.\n");
        status = MEMBER_UNKNOWN;
    } else {
        printf("PAS PROUVÉ : %s.\n", why_words(e));
    }
    tlog_proof_wipe(&c.proof);
    return status;
}

static enum err policy_open(const char *path, struct trust **policy)
{
    struct bytes file = {0};
    unsigned line = 0;
    enum err e;

    if ((e = file_read(path, TRUST_FILE_MAX, &file)))
        fprintf(stderr, "La politique « %s » %s : rien n'a été vérifié.\n", path, file_words(e));
    else if ((e = trust_read(bytes_span(&file), policy, &line)) && line)
        fprintf(stderr, "Politique « %s », ligne %u : %s ; rien n'a été vérifié.\n", path, line,
                line_words(e));
    else if (e)
        fprintf(stderr, "Politique « %s » : %s ; rien n'a été vérifié.\n", path, line_words(e));
    bytes_free(&file);
    return e;
}

static int receipt_command(const char *path, const char *policy_path, bool quorum)
{
    struct bytes text = {0};
    struct trust *policy = NULL;
    int status = BAD_FILE;
    enum err e;

    if (policy_open(policy_path, &policy))
        return BAD_POLICY;
    if ((e = file_read(path, TLOG_PROOF_MAX, &text)))
        fprintf(stderr, "Reçu illisible : « %s » %s ; rien n'a été vérifié.\n", path,
                file_words(e));
    else
        status = verify(bytes_span(&text), policy, quorum);
    trust_free(policy);
    bytes_free(&text);
    return status;
}

/* --- two histories --------------------------------------------------------------------------- */

static int head_open(const char *path, struct trust *policy, struct bytes *text,
                     struct checkpoint *head)
{
    struct trust_verdict v;
    enum err e = file_read(path, NOTE_MAX, text);

    if (e) {
        fprintf(stderr, "« %s » %s ; rien n'a été vérifié.\n", path, file_words(e));
        return BAD_FILE;
    }
    if ((e = checkpoint_read(bytes_span(text), head)) || (e = trust_checkpoint(policy, head, &v))) {
        printf("PAS PROUVÉ : « %s » : %s.\n", path,
               e == ERR_KEY_UNKNOWN || e == ERR_CHECKPOINT || e == ERR_KEY_REVOKED
                   ? why_words(e)
                   : "ce n'est pas une tête signée");
        return NOT_PROVEN;
    }
    return PROVEN;
}

static int histories(const struct checkpoint *a, const struct checkpoint *b)
{
    if (!span_equal(a->origin, b->origin))
        printf("PAS PROUVÉ : ces deux têtes sont de deux journaux différents.\n");
    else if (a->size != b->size)
        printf("PAS PROUVÉ PAR ELLES SEULES : deux tailles du même journal %.*s, %" PRIu64
               " et %" PRIu64 ", signées toutes deux. Exigez de l'opérateur du hub la preuve de "
               "cohérence entre elles.\n",
               (int)a->origin.len, (const char *)a->origin.ptr, a->size, b->size);
    else if (memcmp(a->root, b->root, sizeof a->root) == 0)
        printf("PAS PROUVÉ : ces deux têtes disent la même chose.\n");
    else {
        printf(
            "PROUVÉ : deux histoires. Le journal %.*s a été signé deux fois à %" PRIu64
            " entrées, avec deux contenus différents, chaque fois sous une clé que votre fichier "
            "de politique donne à ce journal.\n",
            (int)a->origin.len, (const char *)a->origin.ptr, a->size);
        return PROVEN;
    }
    return NOT_PROVEN;
}

static int histories_command(const char *first, const char *second, const char *policy_path)
{
    struct bytes text[2] = {{0}};
    struct checkpoint head[2];
    struct trust *policy = NULL;
    int status;

    if (policy_open(policy_path, &policy))
        return BAD_POLICY;
    if ((status = head_open(first, policy, &text[0], &head[0])) == PROVEN &&
        (status = head_open(second, policy, &text[1], &head[1])) == PROVEN)
        status = histories(&head[0], &head[1]);
    trust_free(policy);
    bytes_free(&text[0]);
    bytes_free(&text[1]);
    return status;
}

int main(int argc, char **argv)
{
    bool two = argc > 1 && strcmp(argv[1], "histories") == 0;
    size_t wanted = two ? 2 : 1;
    const char *policy = NULL;
    const char *file[2] = {NULL, NULL};
    size_t files = 0;
    bool quorum = false;
    bool bad = argc < 2 || (!two && strcmp(argv[1], "receipt") != 0);

    if (argc == 2 && strcmp(argv[1], "--help") == 0) {
        fputs(verify_help, stdout);
        return EXIT_SUCCESS;
    }
    if (argc == 2 && strcmp(argv[1], "--version") == 0) {
        printf("relais-verify %s, protocole %d\n", RELAIS_VERSION, WIRE_VERSION);
        return EXIT_SUCCESS;
    }
    for (int i = 2; i < argc && !bad; i++) {
        if (strcmp(argv[i], "--policy") == 0 && i + 1 < argc)
            policy = argv[++i];
        else if (!two && strcmp(argv[i], "--witnesses") == 0)
            quorum = true;
        else if (files < wanted && strncmp(argv[i], "--", 2) != 0)
            file[files++] = argv[i];
        else
            bad = true;
    }
    if (bad || files != wanted || !policy || seal_init()) {
        fputs(verify_help, stderr);
        return BAD_USAGE;
    }
    return two ? histories_command(file[0], file[1], policy)
               : receipt_command(file[0], policy, quorum);
}
