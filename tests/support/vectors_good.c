/* envelope-good.json: what a receiver must open, with every value on the way. */
#include <stdlib.h>
#include <string.h>

#include "vectors.h"
#include "vectors_chain.h"
#include "vectors_payload.h"

/* ---- the scenes ---- */

static void from_ehpad(struct forge *f, enum vec_member to)
{
    f->sender = EHPAD;
    f->signer = "ehpad signing";
    f->receiver = to;
    vec_org(EHPAD, f->h.from);
    vec_skid(EHPAD, f->h.skid);
    vec_id("ehpad actor", f->h.actor);
    f->h.scat = CATEGORY_SOCIAL;
    forge_address(f, &to, 1);
}

static void one_recipient(struct forge *f)
{
    struct vec_sheet sheet = vec_short_sheet;

    sheet.function = "IDE de nuit";
    payload_sheet(f, &sheet);
}

static void three_recipients(struct forge *f)
{
    static const enum vec_member to[] = {DAC, EHPAD, SAMU};
    struct vec_sheet sheet = vec_short_sheet;

    sheet.note = 4;
    sheet.lengthen_by = 6000;
    sheet.answer_by_ms = f->h.ts + 2 * VEC_DAY;
    forge_address(f, to, 3);
    f->h.basis = BASIS_CONSENTI;
    f->h.has_consent = true;
    f->h.consent = 5;
    f->h.has_notice = false;
    f->h.purpose = 1;
    payload_sheet(f, &sheet);
}

static void three_recipients_last(struct forge *f)
{
    three_recipients(f);
    f->receiver = SAMU;
}

static void urgent_answer(struct forge *f)
{
    struct vec_sheet sheet = vec_short_sheet;

    from_ehpad(f, HOSPITAL);
    f->prekey[0] = vec_box_pk("hospital prekey 1"); /* an older one, still live */
    f->h.prio = 1;
    f->h.has_re = true;
    vec_id("the mid answered", f->h.re);
    sheet.note = 5;
    sheet.subject = "Ré-hospitalisation souhaitée : fièvre à 39,4 °C depuis l'aube";
    payload_sheet(f, &sheet);
}

static void same_team(struct forge *f)
{
    from_ehpad(f, DAC);
    f->h.basis = BASIS_EQUIPE;
    f->h.has_notice = false;
    f->h.purpose = 4;
    payload_sheet(f, &(struct vec_sheet){
                         .note = 2,
                         .subject = "Intervention à domicile",
                         .sections = {{CLASS_SOCIAL, "Aide au repas mise en place dès lundi."}},
                         .section_count = 1,
                         .poor = true});
}

static void emergency(struct forge *f)
{
    static const enum vec_member to[] = {SAMU};

    forge_address(f, to, 1);
    f->receiver = SAMU;
    f->h.basis = BASIS_URGENCE;
    f->h.purpose = 5;
    f->h.prio = 1;
    f->h.has_notice = false;
    payload_sheet(f, &vec_short_sheet);
}

static void invitation(struct forge *f)
{
    static const enum vec_member to[] = {DAC};

    forge_address(f, to, 1);
    f->receiver = DAC;
    f->h.purpose = 1;
    f->h.has_notice = false;
    payload_invitation(f, bytes_span(&vec_chain()->offer_dac));
}

static void attachment(struct forge *f)
{
    struct vec_sheet sheet = vec_short_sheet;

    sheet.with_attachment = true;
    payload_sheet(f, &sheet);
}

/* A body of `past` bytes beyond a multiple of 256. */
static void body_ending_at(struct forge *f, size_t past)
{
    struct vec_sheet sheet = vec_short_sheet;

    payload_sheet(f, &sheet);
    for (size_t tries = 0; f->body.len % 256 != past && tries < 3; tries++) {
        sheet.lengthen_by += (past + 256 - f->body.len % 256) % 256;
        payload_sheet(f, &sheet);
    }
    if (f->body.len % 256 != past)
        abort();
}

static void padding_of_one_byte(struct forge *f)
{
    body_ending_at(f, 255);
}

static void padding_of_a_block(struct forge *f)
{
    body_ending_at(f, 0);
}

static void sixty_four_recipients(struct forge *f)
{
    forge_address(f, (enum vec_member[]){EHPAD}, 1);
    f->h.to_count = RECIPIENTS_MAX;
    for (unsigned i = 0; i < RECIPIENTS_MAX; i++) {
        char name[64];

        vec_numbered_id("crowd org", i, f->h.to[i]);
        snprintf(name, sizeof name, "crowd prekey %u", i);
        f->prekey[i] = vec_box_pk(name);
        f->h.rcat[i] = 1 + i % 3;
    }
    vec_org(EHPAD, f->h.to[63]);
    f->prekey[63] = vec_box_pk("ehpad prekey 2");
    payload_sheet(f, &vec_short_sheet);
}

static void stand_in(struct forge *f, uint64_t instead, uint64_t after_s)
{
    f->h.has_deputy = true;
    f->h.deputy[f->h.deputy_count++] = (struct env_deputy){instead, after_s};
}

static void deputy(struct forge *f)
{
    static const enum vec_member to[] = {EHPAD, DAC};

    forge_address(f, to, 2);
    stand_in(f, 0, 4 * 3600);
    payload_sheet(f, &vec_short_sheet);
}

static void deputy_receives(struct forge *f)
{
    deputy(f);
    f->receiver = DAC;
}

/* Of three, the second has none; the shortest time, and one that is never due. */
static void two_deputies(struct forge *f)
{
    static const enum vec_member to[] = {EHPAD, DAC, SAMU, HOSPITAL, SSIAD};

    forge_address(f, to, 5);
    f->receiver = SAMU;
    stand_in(f, 0, 60);
    stand_in(f, 2, 30 * 24 * 3600);
    payload_sheet(f, &vec_short_sheet);
}

static void thirty_two_deputies(struct forge *f)
{
    sixty_four_recipients(f);
    f->h.exp = f->h.ts + 30 * VEC_DAY;
    for (unsigned i = 0; i < DEPUTIES_MAX; i++)
        stand_in(f, i, 30 * 24 * 3600 - 1 - i);
}

static void ignorable_keys(struct forge *f)
{
    payload_sheet(f, &vec_short_sheet);
}

/* As deep as MP1 allows: the map is depth 1, seven arrays inside are 8. */
static void add_ignorable(struct forge *f, const struct forge_edit *how)
{
    (void)how;
    forge_insert_pair(f, f->pair_count, SPAN_STR("\x40"),
                      SPAN_STR("\x91\x91\x91\x91\x91\x91\x92\x07\xa3\xe2\x82\xac"));
    forge_insert_pair(f, f->pair_count, SPAN_STR("\xcc\xff"), SPAN_STR("\x81\x05\xd0\x80"));
}

static void widest_numbers(struct forge *f)
{
    f->h.seq = UINT64_MAX;
    f->h.notice = (UINT64_C(1) << 32) + 1;
    payload_sheet(f, &vec_short_sheet);
}

static void ten_minutes_ahead(struct forge *f)
{
    f->now_ms = f->h.ts - 10 * VEC_MINUTE;
    payload_sheet(f, &vec_short_sheet);
}

static void last_moment(struct forge *f)
{
    f->h.exp = f->h.ts + 30 * VEC_DAY;
    f->now_ms = f->h.exp;
    payload_sheet(f, &vec_short_sheet);
}

static void mid_of_another_sender(struct forge *f)
{
    f->seen = SEEN_OTHER_SENDER;
    payload_sheet(f, &vec_short_sheet);
}

/* Fits its commitment for the first recipient only: the first cannot know, the second refuses. */
static void split_content(struct forge *f)
{
    static const enum vec_member to[] = {EHPAD, DAC};

    forge_address(f, to, 2);
    payload_sheet(f, &vec_short_sheet);
}

static void other_key_for_the_second(struct forge *f, const struct forge_edit *how)
{
    (void)how;
    vec_secret("another mk", f->mk[1]);
}

static void batch(struct forge *f, size_t index, size_t count)
{
    f->h.sign = ENVELOPE_SIGN_BATCH;
    f->context = SIGN_BATCH;
    f->batch_index = index;
    f->batch_count = count;
    payload_sheet(f, &vec_short_sheet);
}

static void first_of_two(struct forge *f)
{
    batch(f, 0, 2);
}

static void last_of_seven(struct forge *f)
{
    batch(f, 6, 7);
}

static void fourth_of_six(struct forge *f)
{
    batch(f, 3, 6);
}

static void last_of_the_most(struct forge *f)
{
    batch(f, 1023, 1024);
}

struct good {
    const char *name;
    const char *what;
    void (*scene)(struct forge *f);
    struct forge_edit edit;
};

/* clang-format off */
static const struct good goods[] = {
    {"one-recipient", "hospital to EHPAD, to its night nurse; exchange across categories, on notice 4", one_recipient, {0}},
    {"three-recipients", "shared under consent 5 with three; a body above 4,096 bytes (Padmé)", three_recipients, {0}},
    {"three-recipients-last", "an envelope of the same kind, opened by the last of the three", three_recipients_last, {0}},
    {"urgent-answer", "the EHPAD answers, urgent; sealed to an older prekey of the hospital", urgent_answer, {0}},
    {"same-team", "within one équipe de soins: no notice, no consent", same_team, {0}},
    {"emergency", "basis 4 with purpose 5", emergency, {0}},
    {"invitation", "envelope type 2, with the signed offer inside", invitation, {0}},
    {"attachment", "a document with a file in it", attachment, {0}},
    {"padding-of-one-byte", "body of 256 n - 1 bytes: the mark alone", padding_of_one_byte, {0}},
    {"padding-of-a-block", "body of 256 n bytes: the mark and 255 zeros", padding_of_a_block, {0}},
    {"sixty-four-recipients", "as many as there may be; the receiver is the last", sixty_four_recipients, {0}},
    {"ignorable-keys", "header keys 64 and 255, nested as deep as allowed: ignored but signed", ignorable_keys, {.point = AT_PAIRS, .edit = add_ignorable}},
    {"widest-numbers", "seq 2^64 - 1 and a notice above 2^32", widest_numbers, {0}},
    {"ten-minutes-ahead", "ts exactly ten minutes ahead of the receiver's clock", ten_minutes_ahead, {0}},
    {"last-moment", "exp is thirty days after ts, and now", last_moment, {0}},
    {"mid-of-another-sender", "the same mid was seen from another organisation", mid_of_another_sender, {0}},
    {"split-content-first", "another key is wrapped for the second recipient; the first opens", split_content, {.point = AT_KEYS, .edit = other_key_for_the_second}},
    {"batch-first-of-two", "signed with another under one root", first_of_two, {0}},
    {"batch-last-of-seven", "the last of an uneven level moves up alone: its path is shorter", last_of_seven, {0}},
    {"batch-fourth-of-six", "neighbours on both sides", fourth_of_six, {0}},
    {"batch-last-of-1024", "as many as one signature may cover", last_of_the_most, {0}},
    {"deputy", "to the EHPAD; what it has not acknowledged after four hours goes to the DAC", deputy, {0}},
    {"deputy-receives", "an envelope of the same kind, opened by the deputy", deputy_receives, {0}},
    {"two-deputies", "of three recipients the first and the third have a deputy", two_deputies, {0}},
    {"thirty-two-deputies", "as many as there may be; the receiver is the last of them", thirty_two_deputies, {0}},
};
/* clang-format on */
#define GOODS (sizeof goods / sizeof goods[0])

const char *vectors_good_envelope(size_t i, struct forge *out)
{
    if (i >= GOODS)
        return NULL;
    forge_init(out, goods[i].name);
    goods[i].scene(out);
    forge_seal(out, &goods[i].edit);
    return goods[i].name;
}

/* ---- as JSON ---- */

static void put_list(json_t *o, const char *key, const struct env_header *h)
{
    json_t *list = put_array(o, key);

    for (size_t i = 0; i < h->to_count; i++)
        json_array_append_new(list, vec_json_hex(SPAN_OF(h->to[i])));
}

static void put_head(json_t *list, const struct ckpt *c)
{
    json_t *o = add_object(list);

    put_uint(o, "size", c->size);
    put_span(o, "root", SPAN_OF(c->root));
    put_span(o, "sig", SPAN_OF(c->sig));
}

static void put_deputies(json_t *list, const struct env_header *h)
{
    for (size_t i = 0; i < h->deputy_count; i++) {
        json_t *pair = json_array();

        json_array_append_new(pair, json_number(h->deputy[i].instead));
        json_array_append_new(pair, json_number(h->deputy[i].after_s));
        json_array_append_new(list, pair);
    }
}

static void put_header(json_t *o, const struct env_header *h)
{
    json_t *list;

    put_uint(o, "suite", h->suite);
    put_id(o, "mid", h->mid);
    put_uint(o, "type", h->type);
    put_id(o, "from", h->from);
    put_id(o, "skid", h->skid);
    put_list(o, "to", h);
    put_uint(o, "ts", h->ts);
    put_uint(o, "exp", h->exp);
    put_uint(o, "seq", h->seq);
    put_id(o, "circle", h->circle);
    put_uint(o, "class", h->class_mask);
    put_uint(o, "basis", h->basis);
    put_uint(o, "purpose", h->purpose);
    if (h->has_consent)
        put_uint(o, "consent", h->consent);
    put_uint(o, "status", h->status);
    put_uint(o, "sign", h->sign);
    put_uint(o, "prio", h->prio);
    if (h->has_re)
        put_id(o, "re", h->re);
    if (h->has_deputy)
        put_deputies(put_array(o, "deputy"), h);
    list = put_array(o, "dir");
    put_head(list, &h->keys_head);
    put_head(list, &h->audit_head);
    put_id(o, "actor", h->actor);
    put_uint(o, "scat", h->scat);
    list = put_array(o, "rcat");
    for (size_t i = 0; i < h->to_count; i++)
        json_array_append_new(list, json_number(h->rcat[i]));
    if (h->has_notice)
        put_uint(o, "notice", h->notice);
}

/* All an implementation needs to make the same bytes. */
static void put_seal(json_t *o, const struct forge *f)
{
    uint8_t seed[32];
    json_t *list;

    vec_secret(f->signer, seed);
    put_span(o, "signing_seed", SPAN_OF(seed));
    put_span(o, "mk", SPAN_OF(f->body_mk));
    if (f->batch_count) {
        json_t *batch_o = put_object(o, "batch");

        put_uint(batch_o, "index", f->batch_index);
        put_uint(batch_o, "count", f->batch_count);
        put_span(batch_o, "path", bytes_span(&f->batch_path));
    }
    list = put_array(o, "stanzas");
    for (size_t i = 0; i < f->h.to_count; i++) {
        json_t *s = add_object(list);

        put_span(s, "pk", SPAN_OF(f->prekey[i].b));
        put_span(s, "kid", span_of(f->rcp.ptr + i * FORGE_STANZA, 16));
        put_span(s, "ephemeral_secret", SPAN_OF(f->ephemeral[i]));
        if (memcmp(f->mk[i], f->body_mk, 32) != 0)
            put_span(s, "wrapped_mk", SPAN_OF(f->mk[i]));
    }
}

static size_t own_index(const struct forge *f)
{
    uint8_t org[ID_BYTES];

    vec_org(f->receiver, org);
    for (size_t i = 0; i < f->h.to_count; i++)
        if (memcmp(f->h.to[i], org, ID_BYTES) == 0)
            return i;
    abort();
}

/* The sixth part whole: for a batch also the place and the path. */
static void put_sig(json_t *o, const struct forge *f)
{
    size_t head = f->part[5].len < 2 + 256 ? 2 : 3;

    put_span(o, "sig", span_of(f->part[5].ptr + head, f->part[5].len - head));
}

static void put_expected(json_t *o, const struct forge *f)
{
    size_t index = own_index(f);
    uint8_t aad[34] = {(uint8_t)index, (uint8_t)(index >> 8)};
    uint8_t info[81] = "\x10"
                       "relais/env1/wrap";

    memcpy(info + 17, f->hh, 64);
    memcpy(aad + 2, f->rcp.ptr + index * FORGE_STANZA, 16);
    memcpy(aad + 18, f->h.to[index], 16);
    put_header(put_object(o, "header"), &f->h);
    put_span(o, "hdr", bytes_span(&f->hdr));
    put_span(o, "hh", SPAN_OF(f->hh));
    put_span(o, "rh", SPAN_OF(f->rh));
    put_span(o, "digest", SPAN_OF(f->digest));
    put_sig(o, f);
    put_uint(o, "index", index);
    put_span(o, "wrap_info", SPAN_OF(info));
    put_span(o, "wrap_aad", SPAN_OF(aad));
    put_span(o, "mk", SPAN_OF(f->mk[index]));
    put_span(o, "com", SPAN_OF(f->com));
    put_span(o, "k", span_of(f->body_key, 32));
    put_span(o, "n", span_of(f->body_key + 32, 24));
    put_span(o, "body_aad", SPAN_OF(f->body_aad));
    put_uint(o, "padded_length", f->padded.len);
    put_span(o, "body", bytes_span(&f->body));
}

json_t *vectors_envelope_good(void)
{
    static struct forge f;
    json_t *file = json_object();
    json_t *list;

    put_text(file, "about", "Envelopes that a receiver opens (PROTOCOL.md 5); see README.md");
    vectors_put_world(file);
    list = put_array(file, "vectors");
    for (size_t i = 0; i < GOODS; i++) {
        json_t *v = add_object(list);

        put_text(v, "name", vectors_good_envelope(i, &f));
        put_text(v, "what", goods[i].what);
        vectors_put_scene(v, &f);
        put_seal(put_object(v, "seal"), &f);
        put_expected(put_object(v, "expect"), &f);
        forge_free(&f);
    }
    return file;
}
