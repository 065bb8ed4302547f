#include "spawned.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/pidfd.h>
#include <sys/wait.h>
#include <unistd.h>

#define FIRST_FD_OF_OTHERS 3

/* Nothing of ours goes along: not the environment, a descriptor, a blocked signal, the directory.
 */
static int prepare(posix_spawn_file_actions_t *files, posix_spawnattr_t *how, int input)
{
    sigset_t none, all;

    sigemptyset(&none);
    sigfillset(&all);
    if ((input < 0 ? posix_spawn_file_actions_addopen(files, STDIN_FILENO, "/dev/null", O_RDONLY, 0)
                   : posix_spawn_file_actions_adddup2(files, input, STDIN_FILENO)) ||
        posix_spawn_file_actions_addopen(files, STDOUT_FILENO, "/dev/null", O_WRONLY, 0) ||
        posix_spawn_file_actions_addopen(files, STDERR_FILENO, "/dev/null", O_WRONLY, 0) ||
        posix_spawn_file_actions_addclosefrom_np(files, FIRST_FD_OF_OTHERS) ||
        posix_spawn_file_actions_addchdir_np(files, "/"))
        return ENOMEM;
    posix_spawnattr_setpgroup(how, 0);
    posix_spawnattr_setsigmask(how, &none);
    posix_spawnattr_setsigdefault(how, &all);
    return posix_spawnattr_setflags(how, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK |
                                             POSIX_SPAWN_SETSIGDEF);
}

/* 0, or errno. posix_spawn() copies nothing of this process, whose store may be large, and answers
 * for the execve() too. */
static int spawn(char *const argv[], char *const env[], int input, pid_t *pid)
{
    posix_spawn_file_actions_t files;
    posix_spawnattr_t how;
    int failed;

    if (posix_spawn_file_actions_init(&files))
        return ENOMEM;
    if (posix_spawnattr_init(&how)) {
        posix_spawn_file_actions_destroy(&files);
        return ENOMEM;
    }
    failed = prepare(&files, &how, input);
    if (!failed)
        failed = posix_spawn(pid, argv[0], &files, &how, argv, env);
    posix_spawnattr_destroy(&how);
    posix_spawn_file_actions_destroy(&files);
    return failed;
}

enum err spawned_start(char *const argv[], char *const env[], int input, struct spawned *out)
{
    struct spawned s = {.fd = -1};
    int failed = spawn(argv, env, input, &s.pid);

    if (failed)
        return failed == ENOMEM || failed == EAGAIN ? ERR_NOMEM : ERR_NOT_FOUND;
    if ((s.fd = pidfd_open(s.pid, 0)) < 0) {
        spawned_drop(&s);
        return ERR_FULL;
    }
    *out = s;
    return ERR_OK;
}

bool spawned_ended(struct spawned *s, int *status)
{
    if (waitpid(s->pid, status, WNOHANG) != s->pid)
        return false;
    close(s->fd);
    s->fd = -1;
    return true;
}

void spawned_kill(const struct spawned *s)
{
    kill(-s->pid, SIGKILL); /* not reaped yet: the number is still its own */
}

void spawned_drop(struct spawned *s)
{
    if (s->fd >= 0)
        close(s->fd);
    s->fd = -1;
    spawned_kill(s);
    waitpid(s->pid, NULL, 0);
}
