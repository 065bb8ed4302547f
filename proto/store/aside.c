/* A store in use is looked at in a copy: what is checked must stand still. The copy goes with who
 * made it, or with the next one. */
#include <errno.h>
#include <glob.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "backup.h"

#define FILE_ROOM (BACKUP_PATH_MAX + 16)

void look_over(const char *to)
{
    char file[FILE_ROOM];

    snprintf(file, sizeof file, "%s/" BACKUP_STORE, to);
    unlink(file);
    snprintf(file, sizeof file, "%s/lock.mdb", to);
    unlink(file);
    rmdir(to);
}

static bool is_dead(const char *number)
{
    unsigned long pid = strtoul(number, NULL, 10);

    return pid > 0 && pid <= INT_MAX && kill((pid_t)pid, 0) && errno == ESRCH;
}

enum err look_aside(const char *dir, char to[BACKUP_PATH_MAX])
{
    char pattern[BACKUP_PATH_MAX];
    glob_t left;
    int n = snprintf(pattern, sizeof pattern, "%s/fsck.*", dir);
    int m = snprintf(to, BACKUP_PATH_MAX, "%s/fsck.%ld", dir, (long)getpid());

    if (n < 0 || m < 0 || m >= BACKUP_PATH_MAX)
        return ERR_RANGE;
    if (glob(pattern, GLOB_NOSORT, NULL, &left) == 0) {
        for (size_t i = 0; i < left.gl_pathc; i++)
            if (is_dead(strrchr(left.gl_pathv[i], '.') + 1))
                look_over(left.gl_pathv[i]);
        globfree(&left);
    }
    return ERR_OK;
}
