#include "links.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "file.h"
#include "hubproc.h"

#define ADDRESSES 250 /* of a site: .2 and so on */

struct links {
    size_t n;
    int base;
    struct site {
        int ns;
        unsigned address;
        char hub[32];
    } site[LINKS_MAX];
};

/* ip with these words. */
__attribute__((format(printf, 1, 2))) static enum err ip(const char *form, ...)
{
    const char *args[24] = {"ip"};
    struct bytes said = {0};
    char *rest = NULL;
    char text[256];
    va_list list;
    size_t n = 1;
    enum err e = ERR_OK;

    va_start(list, form);
    vsnprintf(text, sizeof text, form, list);
    va_end(list);
    for (char *w = strtok_r(text, " ", &rest); w && n < 23; w = strtok_r(NULL, " ", &rest))
        args[n++] = w;
    if (hubproc_run("/usr/bin/env", args, &said)) {
        fprintf(stderr, "ip %s: %.*s\n", form, (int)said.len, (const char *)said.ptr);
        e = ERR_IO;
    }
    bytes_free(&said);
    return e;
}

static int ns_here(void)
{
    return open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC);
}

static bool write_to(const char *path, const char *text)
{
    int fd = open(path, O_WRONLY | O_CLOEXEC);
    bool done = fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text);

    if (fd >= 0)
        close(fd);
    return done;
}

/* Who is not root becomes root of a namespace of users. */
static enum err rights(void)
{
    char map[64];
    unsigned uid = getuid();
    unsigned gid = getgid();

    if (geteuid() == 0)
        return ERR_OK;
    if (unshare(CLONE_NEWUSER))
        return ERR_PERMISSION;
    snprintf(map, sizeof map, "0 %u 1\n", uid);
    if (!write_to("/proc/self/setgroups", "deny") || !write_to("/proc/self/uid_map", map))
        return ERR_PERMISSION;
    snprintf(map, sizeof map, "0 %u 1\n", gid);
    return write_to("/proc/self/gid_map", map) ? ERR_OK : ERR_PERMISSION;
}

static enum err inside(struct links *l, size_t site, unsigned address)
{
    enum err e = links_enter(l, site);

    if (e)
        return e;
    if ((e = ip("link set lo up")) || (e = ip("addr add 10.77.%zu.%u/24 dev eth", site, address)) ||
        (e = ip("link set eth up")))
        goto out;
out:
    if (links_leave(l))
        abort(); /* we would go on in the wrong place */
    return e;
}

static enum err site_make(struct links *l, size_t i)
{
    struct site *s = &l->site[i];
    enum err e;

    if (unshare(CLONE_NEWNET))
        return ERR_PERMISSION;
    s->ns = ns_here();
    if (links_leave(l) || s->ns < 0)
        return ERR_IO;
    s->address = 2;
    snprintf(s->hub, sizeof s->hub, "10.77.%zu.1", i);
    if ((e = ip("link add v%zu type veth peer name eth netns /proc/%d/fd/%d", i, (int)getpid(),
                s->ns)) ||
        (e = ip("addr add 10.77.%zu.1/24 dev v%zu", i, i)) || (e = ip("link set v%zu up", i)))
        return e;
    return inside(l, i, s->address);
}

enum err links_open(size_t sites, struct links **out)
{
    struct links *l = calloc(1, sizeof *l);
    enum err e = ERR_NOMEM;

    if (!l || sites > LINKS_MAX)
        goto out;
    l->base = -1;
    if ((e = rights()))
        goto out;
    e = ERR_PERMISSION;
    if (unshare(CLONE_NEWNET) || (l->base = ns_here()) < 0)
        goto out;
    if ((e = ip("link set lo up")))
        goto out;
    for (; l->n < sites; l->n++)
        if ((e = site_make(l, l->n)))
            goto out;
    *out = l;
    l = NULL;
out:
    links_close(l);
    return e;
}

void links_close(struct links *l)
{
    if (!l)
        return;
    for (size_t i = 0; i < l->n; i++)
        close(l->site[i].ns);
    if (l->base >= 0)
        close(l->base);
    free(l);
}

enum err links_enter(struct links *l, size_t site)
{
    return setns(l->site[site].ns, CLONE_NEWNET) ? err_from_errno(errno) : ERR_OK;
}

enum err links_leave(struct links *l)
{
    return setns(l->base, CLONE_NEWNET) ? err_from_errno(errno) : ERR_OK;
}

enum err links_cut(struct links *l, size_t site)
{
    (void)l;
    return ip("link set v%zu down", site);
}

enum err links_mend(struct links *l, size_t site)
{
    (void)l;
    return ip("link set v%zu up", site);
}

enum err links_move(struct links *l, size_t site)
{
    struct site *s = &l->site[site];
    unsigned old = s->address;
    enum err e = links_enter(l, site);

    if (e)
        return e;
    s->address = 2 + (s->address - 1) % ADDRESSES;
    if ((e = ip("addr del 10.77.%zu.%u/24 dev eth", site, old)) == ERR_OK)
        e = ip("addr add 10.77.%zu.%u/24 dev eth", site, s->address);
    if (links_leave(l))
        abort();
    return e;
}

const char *links_hub(const struct links *l, size_t site)
{
    return l->site[site].hub;
}
