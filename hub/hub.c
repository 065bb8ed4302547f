#include "hub.h"

#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#include "control.h"

#define MEMBER_PREFIX "node:"
#define INVITE_PREFIX "invite:"
#define HEX_ID (2 * ID_BYTES)

void job_free(struct job *j)
{
    if (!j)
        return;
    charge_drop(j->charge);
    bytes_free(&j->frame);
    json_decref(j->door);
    free(j);
}

void parcel_free(struct parcel *p)
{
    if (!p)
        return;
    parcel_arrived(p);
    charge_answered(p->charge);
    charge_drop(p->charge);
    bytes_free(&p->frame);
    if (p->answer)
        json_decref(p->answer);
    free(p);
}

/* --- deliveries under way to the door -------------------------------------------------------- */

bool outflow_is_full(struct outflow *o)
{
    if (atomic_load(&o->bytes) < OUTFLOW_MAX)
        return false;
    atomic_store(&o->wanted, true);
    if (atomic_load(&o->bytes) > OUTFLOW_MAX / 2)
        return true;
    return !atomic_exchange(&o->wanted, false); /* it was emptied meanwhile: woken, or not full */
}

void outflow_add(struct outflow *o, struct parcel *p)
{
    p->outflow = o;
    p->outflow_bytes = (uint32_t)p->frame.len;
    atomic_fetch_add(&o->bytes, p->outflow_bytes);
}

void parcel_arrived(struct parcel *p)
{
    struct outflow *o = p->outflow;
    uint64_t left;

    if (!o)
        return;
    p->outflow = NULL;
    left = atomic_fetch_sub(&o->bytes, p->outflow_bytes) - p->outflow_bytes;
    if (left <= OUTFLOW_MAX / 2 && atomic_exchange(&o->wanted, false))
        fair_wake(o->wake);
}

/* --- who a ZAP user is ------------------------------------------------------------------------ */

enum err user_member(const char *user, struct member *out)
{
    struct member m = {0};
    size_t at = sizeof MEMBER_PREFIX - 1;
    uint8_t keyed_at[4];

    if (strncmp(user, MEMBER_PREFIX, at) != 0 ||
        strlen(user) != at + 2 * (HEX_ID + 1) + 2 * sizeof keyed_at || user[at + HEX_ID] != ':' ||
        user[at + 2 * HEX_ID + 1] != ':')
        return ERR_NOT_ENROLLED;
    if (hex_read_fixed(m.org, sizeof m.org, span_of(user + at, HEX_ID)) ||
        hex_read_fixed(m.node, sizeof m.node, span_of(user + at + HEX_ID + 1, HEX_ID)) ||
        hex_read_fixed(keyed_at, sizeof keyed_at,
                       span_of(user + at + 2 * (HEX_ID + 1), 2 * sizeof keyed_at)))
        return ERR_NOT_ENROLLED;
    for (size_t i = 0; i < sizeof keyed_at; i++)
        m.keyed_at = m.keyed_at << 8 | keyed_at[i];
    *out = m;
    return ERR_OK;
}

static char *hex_put(char *out, const uint8_t *in, size_t n)
{
    for (size_t i = 0; i < n; i++)
        out += snprintf(out, 3, "%02x", in[i]);
    return out;
}

void user_of_member(const struct member *m, char out[USER_MEMBER_TEXT])
{
    char *at = out + snprintf(out, USER_MEMBER_TEXT, MEMBER_PREFIX);

    at = hex_put(at, m->org, sizeof m->org);
    *at++ = ':';
    at = hex_put(at, m->node, sizeof m->node);
    snprintf(at, (size_t)(out + USER_MEMBER_TEXT - at), ":%08x", (unsigned)m->keyed_at);
}

enum err user_invite(const char *user, char id[33])
{
    size_t at = sizeof INVITE_PREFIX - 1;

    if (strncmp(user, INVITE_PREFIX, at) != 0 || strlen(user) != at + HEX_ID)
        return ERR_NOT_ENROLLED;
    memcpy(id, user + at, HEX_ID + 1);
    return ERR_OK;
}
