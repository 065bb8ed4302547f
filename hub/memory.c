#include "memory.h"

#define BASE (UINT64_C(24) << 20)
#define A_NODE (UINT64_C(48) << 10)
#define AN_ENTRY 48 /* a ring of entries of 16 bytes, half empty, while it is copied */
#define SHARES 8    /* of memory_max, one for each of the three that grow with the load */
#define BRAKE 16    /* one is left: there the door closes everything */

enum err memory_plan(const struct hub_conf *conf, struct memory_plan *out, const char **why)
{
    uint64_t share = conf->memory_max / SHARES;
    struct memory_plan p = {.base = BASE,
                            .nodes = conf->nodes_max * A_NODE,
                            .index = conf->waiting_max * AN_ENTRY,
                            .work = share,
                            .deliver = share,
                            .transport = share};

    p.bound = p.base + p.nodes + p.index + p.work + p.deliver + p.transport;
    if (p.bound > conf->memory_max - conf->memory_max / BRAKE) {
        *why = p.nodes > p.index
                   ? "nodes_max demande plus que memory_max ne permet (48 Kio par nœud)"
                   : "waiting_max demande plus que memory_max ne permet (48 octets par message)";
        return ERR_CONF;
    }
    *out = p;
    return ERR_OK;
}
