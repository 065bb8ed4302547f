/* control_socket - see control_socket.h. */
#include "control_socket.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#define BACKLOG 16

enum err control_address(const char *path, struct sockaddr_un *out)
{
    size_t n = path ? strlen(path) : 0;

    memset(out, 0, sizeof *out);
    if (n == 0 || n >= sizeof out->sun_path)
        return ERR_SIZE;
    out->sun_family = AF_UNIX;
    memcpy(out->sun_path, path, n);
    return ERR_OK;
}

/* Nobody else may come near: whoever could write here could put a socket of his own in place. */
static enum err directory_check(const struct sockaddr_un *address)
{
    char directory[sizeof address->sun_path + 2];
    struct stat st;
    char *slash;

    snprintf(directory, sizeof directory, "%s", address->sun_path);
    if (!(slash = strrchr(directory, '/')))
        snprintf(directory, sizeof directory, ".");
    else
        slash[slash == directory] = '\0'; /* "/control" lies in "/" */
    if (stat(directory, &st))
        return errno == ENOENT ? ERR_NOT_FOUND : ERR_IO;
    if (st.st_uid != geteuid() || (st.st_mode & 077))
        return ERR_PERMISSION;
    return ERR_OK;
}

static enum err lock_take(const char *path, int *out)
{
    char name[sizeof((struct sockaddr_un *)0)->sun_path + sizeof ".lock"];
    int fd;

    snprintf(name, sizeof name, "%s.lock", path);
    if ((fd = open(name, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600)) < 0)
        return ERR_IO;
    if (flock(fd, LOCK_EX | LOCK_NB)) {
        close(fd);
        return errno == EWOULDBLOCK ? ERR_LOCKED : ERR_IO;
    }
    *out = fd;
    return ERR_OK;
}

/* Called with the lock: makes place for our socket, unless somebody answers at it or it is none. */
static enum err stale_remove(const char *path, const struct sockaddr_un *address)
{
    struct stat st;
    int probe, rc;

    if (lstat(path, &st))
        return errno == ENOENT ? ERR_OK : ERR_IO;
    if (!S_ISSOCK(st.st_mode))
        return ERR_EXISTS;
    if ((probe = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)) < 0)
        return ERR_IO;
    rc = connect(probe, (const struct sockaddr *)address, sizeof *address);
    int refused = rc && errno == ECONNREFUSED;
    close(probe);
    if (!refused)
        return ERR_LOCKED;
    return unlink(path) ? ERR_IO : ERR_OK;
}

enum err control_socket_open(const char *path, int *listener, int *lock)
{
    struct sockaddr_un address;
    int locked = -1, fd = -1;
    enum err e;

    if ((e = control_address(path, &address)))
        return e;
    if ((e = directory_check(&address)))
        return e;
    if ((e = lock_take(path, &locked)))
        goto out;
    if ((e = stale_remove(path, &address)))
        goto out;
    e = ERR_IO;
    if ((fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)) < 0)
        goto out;
    /* Before bind: the file is then born with this mode, whatever the umask is. */
    if (fchmod(fd, 0600) || bind(fd, (struct sockaddr *)&address, sizeof address) ||
        listen(fd, BACKLOG))
        goto out;
    *listener = fd;
    *lock = locked;
    return ERR_OK;
out:
    if (fd >= 0)
        close(fd);
    if (locked >= 0)
        close(locked);
    return e;
}

enum err control_caller(int fd, uint32_t *uid)
{
    struct ucred who;
    socklen_t n = sizeof who;

    if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &who, &n))
        return ERR_IO;
    if (who.uid != geteuid() && who.uid != 0)
        return ERR_PERMISSION;
    *uid = who.uid;
    return ERR_OK;
}

/* One descriptor; the union is for its alignment. */
union one_file {
    struct cmsghdr head;
    char room[CMSG_SPACE(sizeof(int))];
};

ssize_t control_send(int fd, const void *bytes, size_t len, const int *file)
{
    union one_file one = {0};
    struct iovec io = {.iov_base = (void *)(uintptr_t)bytes, .iov_len = len};
    struct msghdr m = {.msg_iov = &io, .msg_iovlen = 1};

    if (file) {
        one.head.cmsg_level = SOL_SOCKET;
        one.head.cmsg_type = SCM_RIGHTS;
        one.head.cmsg_len = CMSG_LEN(sizeof *file);
        memcpy(CMSG_DATA(&one.head), file, sizeof *file);
        m.msg_control = one.room;
        m.msg_controllen = sizeof one.room;
    }
    return sendmsg(fd, &m, MSG_NOSIGNAL);
}

/* Every descriptor of the message is kept or closed. False: more than one. */
static bool files_take(struct msghdr *m, int *file)
{
    bool sole = !(m->msg_flags & MSG_CTRUNC);

    for (struct cmsghdr *c = CMSG_FIRSTHDR(m); c; c = CMSG_NXTHDR(m, c)) {
        if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
            continue;
        for (size_t at = 0; CMSG_LEN(at + sizeof *file) <= c->cmsg_len; at += sizeof *file) {
            int got;

            memcpy(&got, CMSG_DATA(c) + at, sizeof got);
            if (*file < 0) {
                *file = got;
            } else {
                close(got);
                sole = false;
            }
        }
    }
    return sole;
}

ssize_t control_recv(int fd, void *room, size_t len, int *file)
{
    union one_file one = {0};
    struct iovec io = {.iov_base = room, .iov_len = len};
    struct msghdr m = {.msg_iov = &io,
                       .msg_iovlen = 1,
                       .msg_control = one.room,
                       .msg_controllen = sizeof one.room};
    ssize_t n = recvmsg(fd, &m, MSG_CMSG_CLOEXEC | MSG_DONTWAIT);

    if (n < 0 || files_take(&m, file))
        return n;
    if (*file >= 0)
        close(*file);
    *file = -1;
    errno = EMFILE;
    return -1;
}
