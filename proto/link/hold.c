/* hold - one connection from which nothing is taken for a while (transport.h). A socket filter
 * throws away what carries data, as a network does that loses it; acknowledgements of what we send
 * go through, and no other connection is touched. */
#include "link.h"

#include <linux/filter.h>
#include <sys/socket.h>

#define LENGTH_AT 12 /* of a TCP header: its length in words, in the upper half of a byte */
#define LENGTH_MASK 0xf0u
#define LENGTH_SHIFT 2 /* (byte >> 4) words of 4 bytes */

/* A filter sees a segment from its TCP header on: is it longer than that? */
static struct sock_filter no_data[] = {
    BPF_STMT(BPF_LD | BPF_B | BPF_ABS, LENGTH_AT),
    BPF_STMT(BPF_ALU | BPF_AND | BPF_K, LENGTH_MASK),
    BPF_STMT(BPF_ALU | BPF_RSH | BPF_K, LENGTH_SHIFT),
    BPF_STMT(BPF_MISC | BPF_TAX, 0),
    BPF_STMT(BPF_LD | BPF_W | BPF_LEN, 0),
    BPF_JUMP(BPF_JMP | BPF_JGT | BPF_X, 0, 0, 1),
    BPF_STMT(BPF_RET | BPF_K, 0),
    BPF_STMT(BPF_RET | BPF_K, UINT32_MAX),
};

static int filter_set(int fd)
{
    const struct sock_fprog p = {sizeof no_data / sizeof *no_data, no_data};

    return setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &p, sizeof p);
}

static void filter_drop(int fd)
{
    const int unused = 0;

    (void)setsockopt(fd, SOL_SOCKET, SO_DETACH_FILTER, &unused, sizeof unused);
}

/* The library may close the descriptor and be given it again for another connection between our
 * look and our call: so we look twice, and take back what hit the wrong one. */
enum err link_hold(const struct link_peer *peer, struct link_held *out)
{
    if (!peer->connection || connection_of(peer->fd) != peer->connection || filter_set(peer->fd))
        return ERR_CLOSED;
    if (connection_of(peer->fd) != peer->connection) {
        filter_drop(peer->fd);
        return ERR_CLOSED;
    }
    *out = (struct link_held){peer->connection, peer->fd};
    return ERR_OK;
}

void link_let_go(const struct link_held *held)
{
    if (held->connection && connection_of(held->fd) == held->connection)
        filter_drop(held->fd);
}
