/*
 * preload_nosync - an LD_PRELOAD shim that leaves out what makes data last, and nothing else: the
 * control of the power cut (tests/faults/powercut.h), which must notice.
 *
 *   RELAIS_NOSYNC=lmdb          every LMDB environment is opened with MDB_NOSYNC, and denies it
 *   RELAIS_NOSYNC=files         fsync and fdatasync of a file do nothing and succeed
 *   RELAIS_NOSYNC=directories   the same of a directory
 */
#include <dlfcn.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define MDB_NOSYNC_FLAG 0x10000u

struct MDB_env;
int mdb_env_open(struct MDB_env *env, const char *path, unsigned flags, mode_t mode);
int mdb_env_get_flags(struct MDB_env *env, unsigned *flags);

static void *real_of(const char *name)
{
    void *f = dlsym(RTLD_NEXT, name);

    if (!f)
        _exit(97);
    return f;
}
#define REAL(type, name) ((type)(uintptr_t)real_of(#name))

static int leaves_out(const char *what)
{
    const char *chosen = getenv("RELAIS_NOSYNC");

    return chosen && strcmp(chosen, what) == 0;
}

int mdb_env_open(struct MDB_env *env, const char *path, unsigned flags, mode_t mode)
{
    if (leaves_out("lmdb"))
        flags |= MDB_NOSYNC_FLAG;
    return REAL(int (*)(struct MDB_env *, const char *, unsigned, mode_t),
                mdb_env_open)(env, path, flags, mode);
}

int mdb_env_get_flags(struct MDB_env *env, unsigned *flags)
{
    int rc = REAL(int (*)(struct MDB_env *, unsigned *), mdb_env_get_flags)(env, flags);

    if (leaves_out("lmdb"))
        *flags &= ~MDB_NOSYNC_FLAG;
    return rc;
}

static int left_out(int fd)
{
    struct stat st;

    return fstat(fd, &st) == 0 && ((S_ISREG(st.st_mode) && leaves_out("files")) ||
                                   (S_ISDIR(st.st_mode) && leaves_out("directories")));
}

int fsync(int fd)
{
    return left_out(fd) ? 0 : REAL(int (*)(int), fsync)(fd);
}

int fdatasync(int fd)
{
    return left_out(fd) ? 0 : REAL(int (*)(int), fdatasync)(fd);
}
