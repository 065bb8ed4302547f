/* trust - asks a policy that policyfile.c has read; see trust.h. */
#include "trust.h"

#include <stdlib.h>
#include <string.h>

#include "policyfile.h"

void trust_free(struct trust *t)
{
    if (t == NULL)
        return;
    free(t->orgs);
    free(t->keys);
    free(t);
}

size_t trust_log_count(const struct trust *t)
{
    return t->log_count;
}

const struct note_key *trust_log(const struct trust *t, size_t i)
{
    return i < t->log_count ? &t->logs[i] : NULL;
}

size_t trust_witness_count(const struct trust *t)
{
    return t->witness_count;
}

const struct note_key *trust_witness(const struct trust *t, size_t i)
{
    return i < t->witness_count ? &t->witnesses[i] : NULL;
}

const char *trust_witness_name(const struct trust *t, size_t i)
{
    return i < t->witness_count ? t->witness_names[i] : NULL;
}

const char *trust_org_name(const struct trust *t, const uint8_t org[TRUST_ORG_BYTES])
{
    for (size_t i = 0; i < t->org_count; i++)
        if (memcmp(t->orgs[i].id, org, TRUST_ORG_BYTES) == 0)
            return t->orgs[i].name;
    return NULL;
}

enum err trust_org_key(const struct trust *t, const uint8_t org[TRUST_ORG_BYTES],
                       const uint8_t kid[KID_BYTES], struct sign_public *pk)
{
    for (size_t i = 0; i < t->key_count; i++)
        if (memcmp(t->keys[i].org, org, TRUST_ORG_BYTES) == 0 &&
            memcmp(t->keys[i].kid, kid, KID_BYTES) == 0) {
            *pk = t->keys[i].pk;
            return ERR_OK;
        }
    return ERR_KEY_UNKNOWN;
}

static int group_met(const struct group *g, uint32_t witnesses, uint32_t groups)
{
    return (unsigned)__builtin_popcount(g->witnesses & witnesses) +
               (unsigned)__builtin_popcount(g->groups & groups) >=
           g->least;
}

int trust_quorum(const struct trust *t, uint32_t witnesses)
{
    uint32_t met = 0;

    for (size_t i = 0; i < t->group_count; i++) /* members stand before the groups they are in */
        if (group_met(&t->groups[i], witnesses, met))
            met |= (uint32_t)1 << i;
    return group_met(&t->quorum, witnesses, met);
}

/* The first listed key of this origin that signed; all that have a line must verify. */
static enum err log_find(const struct trust *t, const struct checkpoint *c, size_t *log)
{
    enum err answer = ERR_KEY_UNKNOWN;

    for (size_t i = t->log_count; i-- > 0;) {
        enum err e = checkpoint_verify(c, &t->logs[i]);

        if (e == ERR_KEY_UNKNOWN)
            continue;
        if (e != ERR_OK)
            return e;
        if (c->size > t->log_most[i]) {
            answer = answer == ERR_OK ? answer : ERR_KEY_REVOKED;
            continue;
        }
        *log = i;
        answer = ERR_OK;
    }
    return answer;
}

enum err trust_checkpoint(const struct trust *t, const struct checkpoint *c,
                          struct trust_verdict *out)
{
    struct trust_verdict v = {0};
    enum err e;

    if ((e = log_find(t, c, &v.log)))
        return e;
    for (size_t i = 0; i < t->witness_count; i++) {
        uint64_t time_s;

        e = checkpoint_verify_cosigned(c, &t->witnesses[i], &time_s);
        if (e == ERR_KEY_UNKNOWN)
            continue;
        if (e != ERR_OK)
            return e;
        if (v.cosigned == 0 || time_s < v.oldest_s)
            v.oldest_s = time_s;
        if (time_s > v.newest_s)
            v.newest_s = time_s;
        v.witnesses |= (uint32_t)1 << i;
        v.time_s[i] = time_s;
        v.cosigned++;
    }
    v.quorum_met = trust_quorum(t, v.witnesses);
    v.quorum_none = t->quorum.least == 0;
    *out = v;
    return ERR_OK;
}
