#include "vectors.h"

#include <stdlib.h>
#include <string.h>

#include "vectors_payload.h"

const struct vectors_file vectors_files[] = {
    {"envelope-good.json", vectors_envelope_good},
    {"envelope-bad.json",  vectors_envelope_bad },
    {"mp1.json",           vectors_mp1          },
    {"hashes.json",        vectors_hashes       },
    {"statements.json",    vectors_statements   },
    {"receipts.json",      vectors_receipts     },
    {"shares.json",        vectors_shares       },
    {"witnesses.json",     vectors_witnesses    },
    {"attachments.json",   vectors_attachments  },
};
const size_t vectors_file_count = sizeof vectors_files / sizeof vectors_files[0];

char *vectors_text(const struct vectors_file *f)
{
    json_t *file = f->make();
    char *text = json_dumps(file, JSON_INDENT(1));
    char *line;
    size_t len;

    if (!text)
        abort();
    len = strlen(text);
    if (!(line = realloc(text, len + 2)))
        abort();
    line[len] = '\n';
    line[len + 1] = '\0';
    json_decref(file);
    return line;
}

/* Small, because there are two hundred of them. */
static const struct vec_sheet tiny_sheet = {
    .note = 1,
    .subject = "Bien arrivée",
    .sections = {{CLASS_SOCIAL, "Accueillie à 14 h, chambre « Mésange »."}},
    .section_count = 1,
    .poor = true,
};

void vectors_plain_envelope(struct forge *f, const char *name, const struct forge_edit *how)
{
    forge_init(f, name);
    if (how && how->before)
        how->before(f);
    payload_sheet(f, &tiny_sheet);
    forge_seal(f, how);
}

static void put_bad(json_t *list, const struct bad_envelope *bad, size_t count)
{
    static struct forge f;

    for (size_t i = 0; i < count; i++) {
        json_t *v = add_object(list);
        json_t *expect;

        vectors_plain_envelope(&f, bad[i].name, &bad[i].edit);
        put_text(v, "name", bad[i].name);
        put_text(v, "what", bad[i].what);
        vectors_put_scene(v, &f);
        expect = put_object(v, "expect");
        put_uint(expect, "step", (uint64_t)bad[i].step);
        put_text(expect, "error", vec_err(bad[i].err));
        forge_free(&f);
    }
}

json_t *vectors_envelope_bad(void)
{
    json_t *file = json_object();
    json_t *list;

    put_text(file, "about",
             "Envelopes that a receiver refuses, and the first step that does (PROTOCOL.md 5.4)");
    vectors_put_world(file);
    list = put_array(file, "vectors");
    put_bad(list, bad_outer, bad_outer_count);
    put_bad(list, bad_header, bad_header_count);
    put_bad(list, bad_trust, bad_trust_count);
    put_bad(list, bad_batch, bad_batch_count);
    put_bad(list, bad_content, bad_content_count);
    return file;
}
