/*
 * dossier - the commands about persons: enter, show, list, propose, link, unlink, export. Rows of
 * care_commands (commands_care.c).
 *
 * person.add     local?, birth_name, birth_first_names? [..], birth_date?, sex?, birth_place?,
 *                used_name?, used_first_name?, ins? {matricule?, status, oid?},
 *                representation? {measure, scope, from, until?, representative}
 *                -> id, matches [..]
 * person.show    person       -> person {...}, linked_to | linked_from [..]
 * person.list    name?, most? -> persons [...], total
 * person.matches person       -> matches [{person, grade, ...}]
 * person.link    person (provisional), to             person.unlink  person
 * person.export  person       -> person, provisional [..], documents [{mid, direction, type}]
 * Thread rule: the loop's.
 */
#ifndef CARE_DOSSIER_H
#define CARE_DOSSIER_H

#include "commands.h"
#include "identity.h"

enum err run_person_add(struct node *n, struct call *c);
enum err run_person_show(struct node *n, struct call *c);
enum err run_person_list(struct node *n, struct call *c);
enum err run_person_matches(struct node *n, struct call *c);
enum err run_person_link(struct node *n, struct call *c);
enum err run_person_unlink(struct node *n, struct call *c);
enum err run_person_export(struct node *n, struct call *c);

/* The argument `name` as a person. ERR_NOT_FOUND and ERR_USAGE say in c->text what was typed, and
 * list who fits. */
enum err person_asked(struct node *n, struct txn *t, struct call *c, const char *name,
                      uint8_t id[ID_BYTES]);

/* The identity that arguments describe, texts composed; no judgement but of forms. mode: the
 * federation's, for the OID of a matricule given without. Spaces around and doubled ones go; dates
 * may be DD/MM/YYYY. now_ms: no date of birth is later; 0: not looked at. why gets a sentence that
 * names the field, for most refusals. */
enum err identity_read(const json_t *args, uint64_t mode, uint64_t now_ms, struct identity *out,
                       struct bytes *why);

#endif
