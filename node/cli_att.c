/* Files of any size between the command line and the daemon: in pieces, so that neither side ever
 * holds one whole. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "attachment.h"
#include "cli_rows.h"
#include "file.h"
#include "keys.h"
#include "text.h"

/* --- up ------------------------------------------------------------------------------------- */

static int piece_up(const struct cli *c, const char *id, struct span piece)
{
    struct bytes base64 = {0};
    json_t *answer = NULL;
    json_t *args = NULL;
    int status;

    if (base64_write(&base64, piece) == ERR_OK)
        args =
            json_pack("{s:s, s:s%}", "upload", id, "base64", (const char *)base64.ptr, base64.len);
    status = args ? cli_ask(c, "attachment.add", args, &answer) : cli_fail(c, ERR_NOMEM, NULL);
    seal_bytes_free(&base64);
    json_decref(args);
    json_decref(answer);
    return status;
}

static int pieces_up(const struct cli *c, FILE *file, const char *id, uint64_t size)
{
    uint8_t *room = malloc(ATTACHMENT_PLAIN);
    int status = room ? EXIT_DONE : cli_fail(c, ERR_NOMEM, NULL);

    while (status == EXIT_DONE && size > 0) {
        size_t n = size < ATTACHMENT_PLAIN ? (size_t)size : ATTACHMENT_PLAIN;

        if (fread(room, 1, n, file) != n)
            status = cli_fail(c, ERR_TRUNCATED, NULL); /* it shrank while it was read */
        else
            status = piece_up(c, id, span_of(room, n));
        size -= n;
    }
    if (room)
        seal_wipe(room, ATTACHMENT_PLAIN);
    free(room);
    return status;
}

static int one_up(const struct cli *c, json_t *attachment)
{
    const char *path = json_string_value(json_object_get(attachment, "path"));
    FILE *file = fopen(path, "re");
    json_t *answer = NULL;
    json_t *args = NULL;
    const char *id = NULL;
    off_t size = 0;
    int status;

    if (!file || fseeko(file, 0, SEEK_END) || (size = ftello(file)) < 0 ||
        fseeko(file, 0, SEEK_SET)) {
        status = cli_fail(c, ERR_IO, NULL);
        goto out;
    }
    if (size > (off_t)ATTACHMENT_PLAIN_MAX || size == 0) {
        status = cli_fail(c, ERR_ATTACHMENT_SIZE, NULL);
        goto out;
    }
    args = json_pack("{s:I}", "size", (json_int_t)size);
    if ((status = cli_ask(c, "attachment.begin", args, &answer)))
        goto out;
    id = json_string_value(json_object_get(json_object_get(answer, "data"), "upload"));
    if (!id)
        status = cli_fail(c, ERR_INTERNAL, NULL);
    else if (!(status = pieces_up(c, file, id, (uint64_t)size)) &&
             (json_object_set_new(attachment, "upload", json_string(id)) ||
              json_object_del(attachment, "path")))
        status = cli_fail(c, ERR_NOMEM, NULL);
out:
    if (file)
        fclose(file);
    json_decref(args);
    json_decref(answer);
    return status;
}

int cli_run_send(struct cli *c)
{
    json_t *list = json_object_get(c->args, "attachments");
    json_t *answer = NULL;
    int status = EXIT_DONE;
    json_t *one;
    size_t i;

    json_array_foreach(list, i, one)
    {
        if (status == EXIT_DONE && json_object_get(one, "path"))
            status = one_up(c, one);
    }
    if (status == EXIT_DONE)
        status = cli_ask(c, c->row->command, c->args, &answer);
    if (status == EXIT_DONE)
        cli_show(c, answer);
    json_decref(answer);
    return status;
}

/* --- down ----------------------------------------------------------------------------------- */

static enum err write_all(int fd, struct span bytes)
{
    while (bytes.len > 0) {
        ssize_t n = write(fd, bytes.ptr, bytes.len);

        if (n < 0)
            return ERR_IO;
        bytes = span_of(bytes.ptr + n, bytes.len - (size_t)n);
    }
    return ERR_OK;
}

static int piece_down(const struct cli *c, int fd, json_t *args, json_int_t i)
{
    json_t *answer = NULL;
    struct bytes piece = {0};
    const char *base64;
    int status;
    enum err e;

    if (json_object_set_new(args, "chunk", json_integer(i)))
        return cli_fail(c, ERR_NOMEM, NULL);
    if ((status = cli_ask(c, "attachment.read", args, &answer)) == EXIT_DONE) {
        base64 = json_string_value(json_object_get(json_object_get(answer, "data"), "base64"));
        e = base64 ? base64_read(&piece, span_text(base64), ATTACHMENT_PLAIN) : ERR_INTERNAL;
        if (!e)
            e = write_all(fd, bytes_span(&piece));
        status = e ? cli_fail(c, e, NULL) : EXIT_DONE;
    }
    seal_bytes_free(&piece);
    json_decref(answer);
    return status;
}

int cli_attachment_down(const struct cli *c, const char *path, const json_t *asked,
                        const json_t *data)
{
    json_int_t chunks = json_integer_value(json_object_get(data, "chunks"));
    json_t *args = json_copy((json_t *)(uintptr_t)asked);
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    int status = EXIT_DONE;

    if (fd < 0 || !args) {
        status = cli_fail(c, args ? ERR_EXISTS : ERR_NOMEM, NULL);
        goto out;
    }
    for (json_int_t i = 0; status == EXIT_DONE && i < chunks; i++)
        status = piece_down(c, fd, args, i);
    if (status == EXIT_DONE && fsync(fd) < 0)
        status = cli_fail(c, ERR_IO, NULL);
    if (status != EXIT_DONE)
        unlink(path); /* half a file is none */
out:
    if (fd >= 0)
        close(fd);
    json_decref(args);
    return status;
}
