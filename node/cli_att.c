/* Attachments between the command line and the daemon: an open file is handed over, and the daemon
 * reads or writes it itself, so that no byte of it passes as text. */
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "cli_rows.h"
#include "file.h"

/* --- up ------------------------------------------------------------------------------------- */

static int one_up(const struct cli *c, json_t *attachment)
{
    const char *path = json_string_value(json_object_get(attachment, "path"));
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
    json_t *args = json_object();
    json_t *answer = NULL;
    json_t *upload;
    int status;

    if (fd < 0)
        status = cli_fail(c, err_from_errno(errno), NULL);
    else
        status = cli_ask_file(c, "attachment.take", args, fd, &answer);
    upload = json_object_get(json_object_get(answer, "data"), "upload");
    if (status == EXIT_DONE &&
        (json_object_set(attachment, "upload", upload) || json_object_del(attachment, "path")))
        status = cli_fail(c, ERR_NOMEM, NULL);
    if (fd >= 0)
        close(fd);
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

int cli_attachment_save(const struct cli *c, json_t *args, const char *path, json_t **answer)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    json_t *got = NULL;
    int status;

    if (fd < 0)
        return cli_fail_path(c, err_from_errno(errno), path);
    status = cli_ask_file(c, "sheet.attachment", args, fd, &got);
    if (status == EXIT_DONE && fsync(fd) < 0)
        status = cli_fail_path(c, err_from_errno(errno), path);
    close(fd);
    if (status == EXIT_DONE)
        *answer = json_incref(got);
    else
        unlink(path); /* half a file is none */
    json_decref(got);
    return status;
}
