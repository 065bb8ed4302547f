#include "vectors_payload.h"

const struct vec_sheet vec_short_sheet = {
    .note = 1,
    .subject = "Retour d'hospitalisation : chute du 3 janvier",
    .sections = {{CLASS_AUTONOMY, "Marche avec déambulateur, aide d'une personne pour les "
                                  "transferts. Appétit conservé, sommeil agité."},
                 {CLASS_MEDICAL, "Fracture du col fémoral gauche opérée le 4/01. Paracétamol 1 g × "
                                 "3/j. Ablation des agrafes à J15 (« cicatrice propre »)."}},
    .section_count = 2,
};

static void key_text(struct writer *w, uint64_t key, const char *text)
{
    wr_key(w, key);
    wr_text(w, span_text(text));
}

static void key_uint(struct writer *w, uint64_t key, uint64_t value)
{
    wr_key(w, key);
    wr_uint(w, value);
}

static void key_bin(struct writer *w, uint64_t key, struct span value)
{
    wr_key(w, key);
    wr_bin(w, value);
}

static void write_ins(struct writer *w)
{
    wr_map(w, 3);
    key_text(w, 1, "238054410941733");
    key_text(w, 2, "1.2.250.1.213.1.4.10"); /* the test OID: exercise mode */
    key_uint(w, 3, 4);                      /* QUAL */
}

static void write_representation(struct writer *w)
{
    wr_map(w, 4);
    key_uint(w, 1, 3); /* curatelle renforcée */
    key_uint(w, 2, 3); /* biens, personne */
    key_text(w, 3, "2024-03-01");
    key_text(w, 5, "Association tutélaire d'exercice, Mme Ève Château");
}

static void write_person(struct writer *w, bool poor)
{
    wr_map(w, poor ? 2 : 9);
    key_text(w, 1, poor ? "HSA-2026-00418" : "HSA-2026-00417");
    if (poor) {
        key_text(w, 3, "N'Guyên-Brûlé");
        return;
    }
    wr_key(w, 2);
    write_ins(w);
    key_text(w, 3, "Œuvrard-D'Almeïda");
    wr_key(w, 4);
    wr_array(w, 2);
    wr_text(w, SPAN_STR("Zoé"));
    wr_text(w, SPAN_STR("Marie-Thérèse"));
    key_text(w, 5, "1938-05-17");
    key_uint(w, 6, 2);
    key_text(w, 7, "44109");
    key_text(w, 8, "Le Goff");
    wr_key(w, 10);
    write_representation(w);
}

static void write_author(struct writer *w, enum vec_member m)
{
    bool has_rpps = vec_cast[m].category == CATEGORY_HEALTH;

    wr_map(w, has_rpps ? 5 : 4);
    key_text(w, 1, vec_cast[m].author);
    key_text(w, 2, vec_cast[m].profession);
    key_uint(w, 3, vec_cast[m].category);
    if (has_rpps)
        key_text(w, 4, "99700012345");
    key_text(w, 5, vec_cast[m].name);
}

static void write_audience(struct writer *w, const struct env_header *h, const char *function)
{
    wr_array(w, h->to_count);
    for (size_t i = 0; i < h->to_count; i++) {
        bool named = function && i == 0;

        wr_map(w, named ? 4 : 3);
        key_bin(w, 1, SPAN_OF(h->to[i]));
        key_uint(w, 2, named ? 3 : 1);
        if (named)
            key_text(w, 3, function);
        key_uint(w, 4, h->rcat[i]);
    }
}

/* The last section grows by sentences, and by spaces for what is left. */
static void write_text(struct writer *w, const struct vec_section *s, size_t lengthen_by)
{
    static const char sentence[] = " Nuit calme, « bien installée » ; à réévaluer avec l'équipe.";
    struct bytes text = {0};

    MUST(bytes_append(&text, span_text(s->text)));
    for (; lengthen_by >= sizeof sentence - 1; lengthen_by -= sizeof sentence - 1)
        MUST(bytes_append(&text, SPAN_STR(sentence)));
    for (; lengthen_by > 0; lengthen_by--)
        MUST(bytes_append(&text, SPAN_STR(".")));
    wr_text(w, bytes_span(&text));
    bytes_free(&text);
}

static uint64_t write_sections(struct writer *w, const struct vec_sheet *s)
{
    uint64_t classes = 0;

    wr_array(w, s->section_count);
    for (size_t i = 0; i < s->section_count; i++) {
        classes |= s->sections[i].class_mask;
        wr_map(w, 2);
        key_uint(w, 1, s->sections[i].class_mask);
        wr_key(w, 2);
        write_text(w, &s->sections[i], i + 1 == s->section_count ? s->lengthen_by : 0);
    }
    return classes;
}

static void write_attachment(struct writer *w)
{
    static const char pdf[] = "%PDF-1.4\n1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj\n"
                              "2 0 obj<</Type/Pages/Kids[]/Count 0>>endobj\n"
                              "trailer<</Root 1 0 R>>\n%%EOF\n";

    wr_array(w, 1);
    wr_map(w, 4);
    key_text(w, 1, "Compte rendu opératoire.pdf");
    key_text(w, 2, "application/pdf");
    key_uint(w, 3, CLASS_MEDICAL);
    key_bin(w, 4, SPAN_STR(pdf));
}

void payload_sign(enum vec_member author, struct span doc, struct bytes *out)
{
    uint8_t org[ID_BYTES];
    uint8_t skid[KID_BYTES];
    uint8_t digest[64];
    uint8_t sig[64];
    struct writer w;

    vec_org(author, org);
    vec_skid(author, skid);
    MUST(digest_of("relais/doc1/doc", doc, digest, 64));
    vec_sign_as(vec_key(author, "signing"), SIGN_DOCUMENT, digest, sig);
    wr_init(&w);
    wr_array(&w, 5);
    wr_uint(&w, 1);
    wr_bin(&w, doc);
    wr_bin(&w, SPAN_OF(org));
    wr_bin(&w, SPAN_OF(skid));
    wr_bin(&w, SPAN_OF(sig));
    MUST(wr_take(&w, out));
}

static void finish(struct forge *f, struct writer *w)
{
    struct bytes doc = vec_take(w);

    payload_sign(f->sender, bytes_span(&doc), &f->body);
    bytes_free(&doc);
}

void payload_sheet(struct forge *f, const struct vec_sheet *s)
{
    const struct env_header *h = &f->h;
    uint64_t classes;
    struct writer w;

    wr_init(&w);
    wr_map(&w, (size_t)9 + h->has_re + s->with_attachment + (s->answer_by_ms != 0));
    key_uint(&w, 1, 1);
    wr_key(&w, 2);
    write_person(&w, s->poor);
    key_uint(&w, 3, s->note);
    key_text(&w, 4, s->subject);
    wr_key(&w, 5);
    classes = write_sections(&w, s);
    wr_key(&w, 6);
    wr_bool(&w, h->prio == 1);
    wr_key(&w, 7);
    write_audience(&w, h, s->function);
    wr_key(&w, 8);
    write_author(&w, f->sender);
    key_uint(&w, 9, h->ts - VEC_MINUTE);
    if (h->has_re)
        key_bin(&w, 10, SPAN_OF(h->re));
    if (s->with_attachment) {
        wr_key(&w, 11);
        write_attachment(&w);
    }
    if (s->answer_by_ms)
        key_uint(&w, 13, s->answer_by_ms);
    finish(f, &w);
    f->h.class_mask = CLASS_IDENTITY | classes | (s->with_attachment ? CLASS_MEDICAL : 0);
}

void payload_invitation(struct forge *f, struct span offer)
{
    struct writer w;

    wr_init(&w);
    wr_map(&w, 6);
    key_uint(&w, 1, 1);
    wr_key(&w, 2);
    write_person(&w, false);
    key_bin(&w, 3, offer);
    wr_key(&w, 4);
    write_author(&w, f->sender);
    key_text(&w, 5, "Madame Œuvrard rentre chez vous jeudi : rejoignez son cercle.");
    key_uint(&w, 6, f->h.ts - VEC_MINUTE);
    finish(f, &w);
    f->h.type = ENVELOPE_INVITATION;
    f->h.class_mask = CLASS_IDENTITY;
}
