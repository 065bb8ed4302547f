#include "statement.h"

#include <assert.h>
#include <string.h>

#include "reader.h"
#include "writer.h"

#define SS_PARTS 2
#define SIGNATURE_PARTS 4
#define SIGNATURE_ENCODED 104 /* array, role, org, kid, sig with their heads */

static_assert(SS_MAX == 1 + 3 + STMT_MAX + 3 + SS_SIGNATURES_MAX * SIGNATURE_ENCODED,
              "the largest SS");

static const struct family {
    enum sign_context context;
    const char *label;
} families[] = {
    [STATEMENT_KEYS] = {SIGN_KEYS,      "relais/keys1/stmt"  },
    [STATEMENT_CHAIN] = {SIGN_STATEMENT, "relais/chain1/stmt" },
    [STATEMENT_REPORT] = {SIGN_REPORT,    "relais/report1/stmt"},
    [STATEMENT_RECALL] = {SIGN_RECALL,    "relais/recall1/stmt"},
};

static const uint8_t no_org[ID_BYTES];

static bool role_has_org(unsigned role)
{
    return role != ROLE_REGISTRAR && role != ROLE_HUB;
}

static int sig_compare(const struct statement_sig *a, const struct statement_sig *b)
{
    if (a->role != b->role)
        return a->role < b->role ? -1 : 1;
    return memcmp(a->org, b->org, ID_BYTES);
}

static void sig_encode(struct writer *w, const struct statement_sig *s)
{
    wr_array(w, SIGNATURE_PARTS);
    wr_uint(w, s->role);
    wr_bin(w, SPAN_OF(s->org));
    wr_bin(w, SPAN_OF(s->kid));
    wr_bin(w, SPAN_OF(s->sig));
}

static void sig_decode(struct reader *r, struct statement_sig *s)
{
    rd_array(r, SIGNATURE_PARTS);
    s->role = rd_u8(r, UINT8_MAX);
    rd_fixed(r, s->org, sizeof s->org);
    rd_fixed(r, s->kid, sizeof s->kid);
    rd_fixed(r, s->sig, sizeof s->sig);
    if (rd_error(r))
        return;
    if (s->role < ROLE_REGISTRAR || s->role > ROLE_SUCCESSOR)
        rd_fail(r, ERR_FIELD_VALUE);
    else if (!role_has_org(s->role) && memcmp(s->org, no_org, ID_BYTES) != 0)
        rd_fail(r, ERR_FIELD_VALUE);
}

static enum err stmt_check(struct span stmt)
{
    struct reader r = reader_over(stmt);

    if (rd_peek(&r) != MP_MAP)
        return rd_error(&r) ? rd_error(&r) : ERR_TYPE;
    return mp_check(stmt);
}

static enum err parse(struct span ss, uint32_t fewest, struct statement *out)
{
    struct statement s = {0};
    struct reader r = reader_over(ss);
    enum err e;

    if (ss.len > SS_MAX)
        return ERR_SIZE;
    rd_array(&r, SS_PARTS);
    s.stmt = rd_blob(&r, 1, STMT_MAX);
    s.count = rd_array_between(&r, fewest, SS_SIGNATURES_MAX);
    for (size_t i = 0; i < s.count && !rd_error(&r); i++) {
        sig_decode(&r, &s.sig[i]);
        if (i == 0 || rd_error(&r))
            continue;
        int order = sig_compare(&s.sig[i - 1], &s.sig[i]);
        if (order >= 0)
            rd_fail(&r, order == 0 ? ERR_DUPLICATE_KEY : ERR_KEY_ORDER);
    }
    if ((e = rd_end(&r)))
        return e;
    if ((e = stmt_check(s.stmt)))
        return e;
    *out = s;
    return ERR_OK;
}

enum err statement_parse(struct span ss, struct statement *out)
{
    return parse(ss, 1, out);
}

enum err statement_parse_request(struct span ss, struct statement *out)
{
    return parse(ss, 0, out);
}

enum err statement_join(struct span stmt, const struct statement_sig *sigs, size_t count,
                        struct bytes *out)
{
    const struct statement_sig *order[SS_SIGNATURES_MAX];
    struct statement back;
    struct bytes made = {0};
    struct writer w;
    enum err e;

    if (count > SS_SIGNATURES_MAX)
        return ERR_ITEMS;
    for (size_t i = 0; i < count; i++) { /* insertion: there are at most sixteen */
        size_t at = i;
        for (; at > 0 && sig_compare(&sigs[i], order[at - 1]) < 0; at--)
            order[at] = order[at - 1];
        if (at > 0 && sig_compare(&sigs[i], order[at - 1]) == 0)
            return ERR_EXISTS;
        order[at] = &sigs[i];
    }
    wr_init(&w);
    wr_array(&w, SS_PARTS);
    wr_bin(&w, stmt);
    wr_array(&w, count);
    for (size_t i = 0; i < count; i++)
        sig_encode(&w, order[i]);
    if ((e = wr_take(&w, &made)))
        goto out;
    if ((e = statement_parse_request(bytes_span(&made), &back)))
        goto out;
    *out = made;
    made = (struct bytes){0};
out:
    bytes_free(&made);
    return e;
}

static enum err digest_stmt(enum statement_family family, struct span stmt,
                            uint8_t digest[DIGEST_512])
{
    return digest_of(families[family].label, stmt, digest, DIGEST_512);
}

enum err statement_sign(enum statement_family family, struct span stmt, enum statement_role role,
                        const uint8_t *org, const struct secret_sign *key,
                        struct statement_sig *out)
{
    struct statement_sig s = {.role = (uint8_t)role};
    uint8_t digest[DIGEST_512];
    enum err e;

    if (role_has_org(role) != (org != NULL))
        return ERR_USAGE;
    if (org)
        memcpy(s.org, org, ID_BYTES);
    sign_kid(secret_sign_public(key), s.kid);
    if ((e = digest_stmt(family, stmt, digest)))
        return e;
    if ((e = sign_digest(families[family].context, key, digest, s.sig)))
        return e;
    *out = s;
    return ERR_OK;
}

enum err statement_sign_alone(enum statement_family family, struct span stmt,
                              enum statement_role role, const uint8_t *org,
                              const struct secret_sign *key, struct bytes *out)
{
    struct statement_sig s;
    enum err e;

    if ((e = statement_sign(family, stmt, role, org, key, &s)))
        return e;
    return statement_join(stmt, &s, 1, out);
}

enum err statement_verify(enum statement_family family, struct span stmt,
                          const struct statement_sig *sig, const struct sign_public *pk)
{
    uint8_t digest[DIGEST_512];
    uint8_t kid[KID_BYTES];
    enum err e;

    sign_kid(pk, kid);
    if (memcmp(kid, sig->kid, KID_BYTES) != 0)
        return ERR_KEY_UNKNOWN;
    if ((e = digest_stmt(family, stmt, digest)))
        return e;
    return verify_digest(families[family].context, pk, digest, sig->sig);
}

const struct statement_sig *statement_find(const struct statement *s, enum statement_role role,
                                           const uint8_t *org)
{
    for (size_t i = 0; i < s->count; i++) {
        if (s->sig[i].role == role && memcmp(s->sig[i].org, org ? org : no_org, ID_BYTES) == 0)
            return &s->sig[i];
    }
    return NULL;
}

enum err statement_link(struct span stmt, uint8_t link[STMT_LINK_BYTES])
{
    return digest_of("relais/chain1/link", stmt, link, STMT_LINK_BYTES);
}

enum err signature_encode(struct span stmt, const struct statement_sig *sig, struct bytes *out)
{
    uint8_t about[DIGEST_256];
    struct writer w;
    enum err e;

    if ((e = digest_of("relais/file1", stmt, about, sizeof about)))
        return e;
    wr_init(&w);
    wr_array(&w, 3);
    wr_uint(&w, SIGNATURE_FILE_KEYS);
    wr_bin(&w, SPAN_OF(about));
    sig_encode(&w, sig);
    return wr_take(&w, out);
}

enum err signature_decode(struct span data, uint8_t about[32], struct statement_sig *sig)
{
    struct statement_sig s = {0};
    uint8_t hash[DIGEST_256];
    struct reader r = reader_over(data);
    enum err e;

    if (data.len > SIGNATURE_FILE_MAX)
        return ERR_SIZE;
    rd_array(&r, 3);
    (void)rd_uint_between(&r, SIGNATURE_FILE_KEYS, SIGNATURE_FILE_KEYS);
    rd_fixed(&r, hash, sizeof hash);
    sig_decode(&r, &s);
    if ((e = rd_end(&r)))
        return e;
    memcpy(about, hash, sizeof hash);
    *sig = s;
    return ERR_OK;
}

enum err request_merge(struct span request, struct span signature, struct bytes *out)
{
    struct statement s;
    struct statement_sig more;
    const struct statement_sig *there;
    uint8_t about[DIGEST_256];
    uint8_t hash[DIGEST_256];
    enum err e;

    if ((e = statement_parse_request(request, &s)))
        return e;
    if ((e = signature_decode(signature, about, &more)))
        return e;
    if ((e = digest_of("relais/file1", s.stmt, hash, sizeof hash)))
        return e;
    if (memcmp(about, hash, sizeof hash) != 0)
        return ERR_CONFLICT;
    there = statement_find(&s, more.role, more.org);
    if (there)
        return memcmp(there, &more, sizeof more) == 0 ? bytes_copy(out, request) : ERR_EXISTS;
    if (s.count == SS_SIGNATURES_MAX)
        return ERR_ITEMS;
    s.sig[s.count] = more;
    return statement_join(s.stmt, s.sig, s.count + 1, out);
}
