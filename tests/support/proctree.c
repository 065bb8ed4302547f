#include "proctree.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "file.h"

#define ARGS_MAX 64
#define PRINT_MAX 16384

/* --- reading what it says --------------------------------------------------------------------- */

static void *read_all(void *arg)
{
    struct child *c = arg;
    char piece[4096];
    ssize_t n;

    for (;;) {
        if (poll(&(struct pollfd){c->out, POLLIN, 0}, 1, -1) < 0)
            continue; /* EINTR */
        /* read and kept in one piece: who holds the lock and finds the pipe empty has seen all
         * that was written before */
        pthread_mutex_lock(&c->lock);
        n = read(c->out, piece, sizeof piece);
        if (n <= 0 || bytes_append(&c->text, span_of(piece, (size_t)n)))
            c->ended = true;
        pthread_cond_broadcast(&c->more);
        pthread_mutex_unlock(&c->lock);
        if (n <= 0)
            return NULL;
        if (c->copy >= 0 && write(c->copy, piece, (size_t)n) < 0)
            return NULL;
    }
}

static enum err reader_start(struct child *c, int out, const char *copy)
{
    if (!c->ready) {
        pthread_condattr_t attr;

        pthread_condattr_init(&attr);
        pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
        pthread_mutex_init(&c->lock, NULL);
        pthread_cond_init(&c->more, &attr);
        pthread_condattr_destroy(&attr);
        c->ready = true;
    }
    c->out = out;
    c->ended = false;
    c->copy = copy ? open(copy, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600) : -1;
    if (pthread_create(&c->reader, NULL, read_all, c))
        return ERR_NOMEM;
    c->reading = true;
    return ERR_OK;
}

static void reader_stop(struct child *c)
{
    if (!c->reading)
        return;
    pthread_join(c->reader, NULL);
    close(c->out);
    if (c->copy >= 0)
        close(c->copy);
    c->reading = false;
}

/* --- the process ------------------------------------------------------------------------------ */

static _Noreturn void become(const char *program, const char *const *args, const char *const *env,
                             int out, pid_t parent)
{
    const char *argv[ARGS_MAX + 2] = {program};
    sigset_t none;
    int null;

    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent)
        _exit(126);
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    null = open("/dev/null", O_RDONLY);
    if (null < 0 || dup2(null, STDIN_FILENO) < 0 || dup2(out, STDOUT_FILENO) < 0 ||
        dup2(out, STDERR_FILENO) < 0)
        _exit(126);
    for (size_t i = 0; args[i] && i < ARGS_MAX; i++)
        argv[i + 1] = args[i];
    for (size_t i = 0; env && env[i]; i++)
        if (putenv((char *)(uintptr_t)env[i]))
            _exit(126);
    execv(program, (char *const *)(uintptr_t)argv);
    perror(program);
    _exit(127);
}

enum err child_start(struct child *c, const char *program, const char *const *args,
                     const char *const *env, const char *copy)
{
    pid_t parent = getpid();
    int ends[2];
    enum err e;

    if (c->pid > 0)
        return ERR_STATE;
    reader_stop(c);
    if (pipe2(ends, O_CLOEXEC))
        return err_from_errno(errno);
    fflush(NULL);
    c->pid = fork();
    if (c->pid == 0)
        become(program, args, env, ends[1], parent);
    close(ends[1]);
    if (c->pid < 0) {
        c->pid = 0;
        close(ends[0]);
        return err_from_errno(errno);
    }
    if ((e = reader_start(c, ends[0], copy)))
        close(ends[0]);
    return e;
}

/* A pidfd is readable when its process has ended: no polling in between. */
enum err child_wait(struct child *c, uint64_t within_ms, int *status)
{
    struct pollfd p = {.events = POLLIN};
    int ready;

    if (c->pid <= 0)
        return ERR_STATE;
    p.fd = (int)syscall(SYS_pidfd_open, c->pid, 0);
    if (p.fd < 0)
        return err_from_errno(errno);
    do
        ready = poll(&p, 1, (int)within_ms);
    while (ready < 0 && errno == EINTR);
    close(p.fd);
    if (ready <= 0)
        return ERR_TIMEOUT;
    while (waitpid(c->pid, &c->status, 0) < 0 && errno == EINTR)
        ;
    c->pid = 0;
    if (status)
        *status = c->status;
    reader_stop(c);
    return ERR_OK;
}

void child_drain(struct child *c)
{
    reader_stop(c);
}

void child_end(struct child *c)
{
    if (c->pid > 0) {
        kill(c->pid, SIGKILL);
        while (waitpid(c->pid, NULL, 0) < 0 && errno == EINTR)
            ;
    }
    reader_stop(c);
    if (c->ready) {
        pthread_mutex_destroy(&c->lock);
        pthread_cond_destroy(&c->more);
    }
    bytes_free(&c->text);
    *c = (struct child){0};
}

/* --- what it said ------------------------------------------------------------------------------
 */

size_t child_mark(struct child *c)
{
    size_t n;

    if (!c->ready)
        return 0;
    pthread_mutex_lock(&c->lock);
    n = c->text.len;
    pthread_mutex_unlock(&c->lock);
    return n;
}

/* The next whole line from *at on; under the lock. */
static bool next_line(const struct child *c, size_t *at, struct span *line)
{
    const uint8_t *start, *end;

    if (*at >= c->text.len)
        return false;
    start = c->text.ptr + *at;
    if (!(end = memchr(start, '\n', c->text.len - *at)))
        return false;
    *line = span_of(start, (size_t)(end - start));
    *at += line->len + 1;
    return true;
}

static bool line_has(struct span line, const char *text)
{
    return memmem(line.ptr, line.len, text, strlen(text)) != NULL;
}

static size_t count_now(const struct child *c, size_t mark, const char *text)
{
    struct span line;
    size_t n = 0;

    while (next_line(c, &mark, &line))
        n += line_has(line, text);
    return n;
}

size_t child_count(struct child *c, size_t mark, const char *text)
{
    size_t n;

    int waiting = 0;

    if (!c->ready)
        return 0;
    pthread_mutex_lock(&c->lock);
    while (c->reading && !c->ended && ioctl(c->out, FIONREAD, &waiting) == 0 && waiting > 0)
        pthread_cond_wait(&c->more, &c->lock);
    n = count_now(c, mark, text);
    pthread_mutex_unlock(&c->lock);
    return n;
}

bool child_line(struct child *c, size_t mark, const char *text, char *out, size_t size)
{
    struct span line;
    bool found = false;

    if (!c->ready)
        return false;
    pthread_mutex_lock(&c->lock);
    while (!found && next_line(c, &mark, &line)) {
        if (!line_has(line, text))
            continue;
        snprintf(out, size, "%.*s\n", (int)line.len, (const char *)line.ptr);
        found = true;
    }
    pthread_mutex_unlock(&c->lock);
    return found;
}

enum err child_await(struct child *c, size_t mark, const char *text, uint64_t within_ms)
{
    return child_await_lines(c, mark, text, 1, within_ms);
}

enum err child_await_lines(struct child *c, size_t mark, const char *text, size_t lines,
                           uint64_t within_ms)
{
    struct timespec until;
    enum err e = ERR_OK;

    if (!c->ready)
        return ERR_STATE;
    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += (time_t)(within_ms / 1000);
    until.tv_nsec += (long)(within_ms % 1000) * 1000000;
    if (until.tv_nsec >= 1000000000) {
        until.tv_sec++;
        until.tv_nsec -= 1000000000;
    }
    pthread_mutex_lock(&c->lock);
    while (!e && count_now(c, mark, text) < lines) {
        if (c->ended)
            e = ERR_CLOSED;
        else if (pthread_cond_timedwait(&c->more, &c->lock, &until))
            e = count_now(c, mark, text) >= lines ? ERR_OK : ERR_TIMEOUT;
    }
    pthread_mutex_unlock(&c->lock);
    return e;
}

enum err child_output(struct child *c, struct bytes *out)
{
    enum err e;

    if (!c->ready)
        return ERR_STATE;
    pthread_mutex_lock(&c->lock);
    e = bytes_copy(out, bytes_span(&c->text));
    pthread_mutex_unlock(&c->lock);
    return e;
}

void child_print(struct child *c)
{
    size_t from;

    if (!c->ready)
        return;
    pthread_mutex_lock(&c->lock);
    from = c->text.len > PRINT_MAX ? c->text.len - PRINT_MAX : 0;
    fprintf(stderr, "%.*s", (int)(c->text.len - from), (const char *)c->text.ptr + from);
    pthread_mutex_unlock(&c->lock);
}

size_t child_resident_kib(const struct child *c)
{
    struct bytes statm = {0};
    char path[64];
    size_t kib = 0;
    char *at;

    snprintf(path, sizeof path, "/proc/%d/statm", (int)c->pid);
    if (c->pid > 0 && file_read(path, 256, &statm) == ERR_OK &&
        bytes_append(&statm, span_of("", 1)) == ERR_OK) {
        strtoul((const char *)statm.ptr, &at, 10); /* the whole size; what is resident follows */
        kib = strtoul(at, NULL, 10) * (size_t)sysconf(_SC_PAGESIZE) / 1024;
    }
    bytes_free(&statm);
    return kib;
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *at)
{
    (void)st;
    (void)type;
    (void)at;
    return remove(path) ? 0 : 0;
}

void tree_remove(const char *path)
{
    if (nftw(path, remove_one, 16, FTW_DEPTH | FTW_PHYS))
        return;
}
