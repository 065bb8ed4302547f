/*
 * search: looks through files and folders for texts that must not be there, in every form a program
 * might keep them (search.h); and writes the memory of a process to a file, to be looked through.
 */
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "file.h"
#include "image.h"
#include "search.h"

enum status {
    NOTHING = 0,
    FOUND = 1,
    BAD_USAGE = 2,
    BROKEN = 3
};

static const char help[] =
    "search --needles AIGUILLES CHEMIN...           cherche dans fichiers et dossiers\n"
    "search --needles AIGUILLES --all CHEMIN...     témoin : tout doit s'y trouver, en clair\n"
    "search --image PID FICHIER                     image de la mémoire d'un processus\n"
    "\n"
    "AIGUILLES : un texte par ligne (UTF-8) ; les lignes vides ou commençant par # sont sautées.\n"
    "Chaque texte est cherché tel quel, en minuscules, en majuscules, sans accents, décomposé, en\n"
    "clé de recherche ; en UTF-8, Latin-1, UTF-16, UTF-32, échappement JSON, hexadécimal, base64.\n"
    "Une ligne par trouvaille : nombre, forme, texte, séparés par des tabulations ; puis un "
    "total.\n"
    "Sortie : 0 rien (avec --all : tout), 1 trouvé (avec --all : il manque), 2 usage, 3 panne.\n";

#define NEEDLES_FILE_MAX (1024 * 1024)
#define OPEN_FILES 16

/* nftw() takes no argument for its visitor. */
static struct {
    struct search *s;
    uint64_t files;
    uint64_t bytes;
} walk;

static int broken(const char *what, const char *why)
{
    fprintf(stderr, "search : %s : %s.\n", what, why);
    return BROKEN;
}

static enum err look_into(const char *path, size_t size)
{
    enum err e = ERR_OK;
    void *p = NULL;
    int fd = open(path, O_RDONLY | O_CLOEXEC);

    if (fd < 0)
        return err_from_errno(errno);
    if (size > 0 && (p = mmap(NULL, size, PROT_READ, MAP_PRIVATE, fd, 0)) == MAP_FAILED) {
        e = err_from_errno(errno);
    } else if (size > 0) {
        e = search_run(walk.s, span_of(p, size));
        munmap(p, size);
    }
    close(fd);
    return e;
}

/* Names are looked at too; sockets and links have nothing else. What cannot be read is a failure,
 * never a file in which nothing was found. */
static int visit(const char *path, const struct stat *st, int type, struct FTW *at)
{
    enum err e = search_run(walk.s, span_text(path + at->base));

    if (!e && (type == FTW_DNR || type == FTW_NS))
        e = ERR_PERMISSION;
    if (!e && type == FTW_F && S_ISREG(st->st_mode)) {
        e = look_into(path, (size_t)st->st_size);
        walk.files++;
        walk.bytes += (uint64_t)st->st_size;
    }
    return e ? broken(path, err_text(e)) : 0;
}

static enum err read_needles(const char *path)
{
    struct bytes text = {0};
    enum err e = file_read(path, NEEDLES_FILE_MAX, &text);

    for (size_t at = 0; at < text.len && !e;) {
        const uint8_t *line = text.ptr + at;
        const uint8_t *end = memchr(line, '\n', text.len - at);
        size_t len = end ? (size_t)(end - line) : text.len - at;

        if (len > 0 && line[0] != '#')
            e = search_add(walk.s, span_of(line, len));
        at += len + 1;
    }
    if (!e && search_needles(walk.s) == 0)
        e = ERR_NOT_FOUND;
    bytes_free(&text);
    return e;
}

static void show(size_t i, uint64_t count, const char *form)
{
    struct span text = search_needle(walk.s, i);

    printf("%" PRIu64 "\t%s\t%.*s\n", count, form, (int)text.len, (const char *)text.ptr);
}

static int report(int all)
{
    size_t missing = 0;

    for (size_t i = 0; i < search_needles(walk.s); i++) {
        for (enum search_form f = 0; f < SEARCH_FORMS; f++)
            if (search_count(walk.s, i, f))
                show(i, search_count(walk.s, i, f), search_form_name(f));
        if (all && search_as_typed(walk.s, i) == 0) {
            show(i, 0, "ABSENT");
            missing++;
        }
    }
    printf("total : %" PRIu64 " trouvaille(s), %zu texte(s), %d formes, %" PRIu64
           " fichier(s), %" PRIu64 " octets\n",
           search_total(walk.s), search_needles(walk.s), SEARCH_FORMS, walk.files, walk.bytes);
    if (all)
        return missing ? FOUND : NOTHING;
    return search_total(walk.s) ? FOUND : NOTHING;
}

static int search_paths(const char *needles, char **paths, int n, int all)
{
    int status = NOTHING;
    enum err e;

    if ((e = search_new(&walk.s)))
        return broken("mémoire", err_text(e));
    if ((e = read_needles(needles)))
        status = broken(needles, err_text(e));
    for (int i = 0; i < n && status == NOTHING; i++)
        if (nftw(paths[i], visit, OPEN_FILES, FTW_PHYS) != 0)
            status = broken(paths[i], "non parcouru");
    if (status == NOTHING && walk.files == 0)
        status = broken("chemins", "aucun fichier");
    if (status == NOTHING)
        status = report(all);
    search_free(walk.s);
    return status;
}

static int write_image(const char *pid, const char *out)
{
    struct image_facts facts;
    char *end;
    long number = strtol(pid, &end, 10);
    enum err e;

    if (*end || number <= 0) {
        fputs(help, stderr);
        return BAD_USAGE;
    }
    if ((e = image_write((pid_t)number, out, &facts)))
        return broken(pid, err_text(e));
    printf("image : %" PRIu64 " zones, %" PRIu64 " octets lus, %" PRIu64 " écrits\n",
           facts.mappings, facts.bytes, facts.written);
    return NOTHING;
}

int main(int argc, char **argv)
{
    if (argc == 2 && strcmp(argv[1], "--help") == 0) {
        fputs(help, stdout);
        return NOTHING;
    }
    if (argc == 4 && strcmp(argv[1], "--image") == 0)
        return write_image(argv[2], argv[3]);
    if (argc > 4 && strcmp(argv[1], "--needles") == 0 && strcmp(argv[3], "--all") == 0)
        return search_paths(argv[2], argv + 4, argc - 4, 1);
    if (argc > 3 && strcmp(argv[1], "--needles") == 0)
        return search_paths(argv[2], argv + 3, argc - 3, 0);
    fputs(help, stderr);
    return BAD_USAGE;
}
