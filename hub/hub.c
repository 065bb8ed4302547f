#include "hub.h"

#include <string.h>

#include "control.h"

#define MEMBER_PREFIX "node:"
#define INVITE_PREFIX "invite:"
#define HEX_ID (2 * ID_BYTES)

void job_free(struct job *j)
{
    if (!j)
        return;
    bytes_free(&j->frame);
    json_decref(j->door);
    free(j);
}

void parcel_free(struct parcel *p)
{
    if (!p)
        return;
    bytes_free(&p->frame);
    if (p->answer)
        json_decref(p->answer);
    free(p);
}

enum err user_member(const char *user, struct member *out)
{
    struct member m = {0};
    size_t at = sizeof MEMBER_PREFIX - 1;

    if (strncmp(user, MEMBER_PREFIX, at) != 0 || strlen(user) != at + 2 * HEX_ID + 1 ||
        user[at + HEX_ID] != ':')
        return ERR_NOT_ENROLLED;
    if (hex_read_fixed(m.org, sizeof m.org, span_of(user + at, HEX_ID)) ||
        hex_read_fixed(m.node, sizeof m.node, span_of(user + at + HEX_ID + 1, HEX_ID)))
        return ERR_NOT_ENROLLED;
    *out = m;
    return ERR_OK;
}

enum err user_invite(const char *user, char id[33])
{
    size_t at = sizeof INVITE_PREFIX - 1;

    if (strncmp(user, INVITE_PREFIX, at) != 0 || strlen(user) != at + HEX_ID)
        return ERR_NOT_ENROLLED;
    memcpy(id, user + at, HEX_ID + 1);
    return ERR_OK;
}
