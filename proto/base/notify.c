#include "notify.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "file.h"

enum err notify_send(const char *name, const char *states)
{
    struct sockaddr_un to = {.sun_family = AF_UNIX};
    size_t len = name ? strlen(name) : 0;
    enum err e = ERR_OK;
    int fd;

    if (len == 0)
        return ERR_OK;
    if ((name[0] != '/' && name[0] != '@') || len >= sizeof to.sun_path)
        return ERR_USAGE;
    memcpy(to.sun_path, name, len);
    if (name[0] == '@')
        to.sun_path[0] = '\0';
    fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return err_from_errno(errno);
    if (sendto(fd, states, strlen(states), MSG_NOSIGNAL, (const struct sockaddr *)&to,
               (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len)) < 0)
        e = err_from_errno(errno);
    close(fd);
    return e;
}
