#include "cli_rows.h"

/* clang-format off */
#define ROW(words, command, acts, run, args, help) {words, command, acts, run, args, sizeof(args) / sizeof((args)[0]), help, false}
#define ALONE(words, command, acts, run, args, help) {words, command, acts, run, args, sizeof(args) / sizeof((args)[0]), help, true}
#define BARE(words, command, acts, run, help) {words, command, acts, run, NULL, 0, help, false}
#define WAIT {"wait", "wait_ms", CLI_SECONDS, 0, false, NULL}
#define ID(name) {"", name, CLI_TEXT, 0, true, NULL}
#define DATE {"date", "date", CLI_DATE, 0, false, NULL}
#define WAY(standard) {"way", "way", CLI_WORD, WORDS_WAY, false, standard}
#define CLASSES {"classes", "classes", CLI_MASK, WORDS_CLASS, true, NULL}
#define ALL_CLASSES {"classes", "classes", CLI_MASK, WORDS_CLASS, false, "identité,social,autonomie,médical,restreint"}

static const struct cli_arg join_args[] = {
    {"", "file", CLI_LOCAL, 0, true, NULL},
    {"confirm", "confirm", CLI_LOCAL, 0, false, NULL},
    {"replace", "replace", CLI_FLAG, 0, false, NULL},
    {"wait", "wait", CLI_LOCAL, 0, false, NULL},
};
static const struct cli_arg hub_keys_args[] = {
    {"", "file", CLI_FILE, 0, true, NULL},
};
static const struct cli_arg sign_args[] = {
    {"", "request", CLI_FILE, 0, true, NULL},
    {"confirm", "confirm", CLI_FLAG, 0, false, NULL},
    {"output", "output", CLI_LOCAL, 0, false, NULL},
};
static const struct cli_arg absence_args[] = {
    {"from", "from", CLI_DAY, 0, true, NULL},
    {"until", "until", CLI_DAY, 0, true, NULL},
    {"substitute", "substitute", CLI_TEXT, 0, false, NULL},
};
static const struct cli_arg policy_args[] = {{"output", "output", CLI_LOCAL, 0, false, NULL}};
static const struct cli_arg backup_args[] = {{"", "to", CLI_LOCAL, 0, true, NULL}};
static const struct cli_arg restore_args[] = {
    {"", "from", CLI_LOCAL, 0, true, NULL}, {"to", "to", CLI_LOCAL, 0, true, NULL},
};
static const struct cli_arg journal_args[] = {
    {"person", "person", CLI_TEXT, 0, false, NULL},
    {"most", "most", CLI_NUMBER, 0, false, NULL},
};

static const struct cli_arg person_add_args[] = {
    {"birth-name", "birth_name", CLI_TEXT, 0, true, NULL},
    {"first-names", "birth_first_names", CLI_COMMAS, 0, false, NULL},
    {"birth-date", "birth_date", CLI_DAY, 0, false, NULL},
    {"sex", "sex", CLI_WORD, WORDS_SEX, false, NULL},
    {"birth-place", "birth_place", CLI_TEXT, 0, false, NULL},
    {"used-name", "used_name", CLI_TEXT, 0, false, NULL},
    {"used-first-name", "used_first_name", CLI_TEXT, 0, false, NULL},
    {"local", "local", CLI_TEXT, 0, false, NULL},
    {"ins", "ins.matricule", CLI_TEXT, 0, false, NULL},
    {"ins-status", "ins.status", CLI_WORD, WORDS_INS_STATUS, false, NULL},
    {"ins-oid", "ins.oid", CLI_TEXT, 0, false, NULL},
    {"measure", "representation.measure", CLI_WORD, WORDS_MEASURE, false, NULL},
    {"measure-scope", "representation.scope", CLI_MASK, WORDS_SCOPE, false, NULL},
    {"measure-from", "representation.from", CLI_DAY, 0, false, NULL},
    {"measure-until", "representation.until", CLI_DAY, 0, false, NULL},
    {"representative", "representation.representative", CLI_TEXT, 0, false, NULL},
    {"from-file", "", CLI_ROWS, 0, false, NULL},
};
static const struct cli_arg person_one[] = {ID("person")};
static const struct cli_arg person_list_args[] = {
    {"name", "name", CLI_TEXT, 0, false, NULL},
    {"most", "most", CLI_NUMBER, 0, false, NULL},
};
static const struct cli_arg person_link_args[] = {ID("person"), {"to", "to", CLI_TEXT, 0, true, NULL}};

static const struct cli_arg circle_create_args[] = {
    {"person", "person", CLI_TEXT, 0, true, NULL},
    {"team", "team", CLI_NUMBER, 0, false, "0"},
    {"category", "category", CLI_WORD, WORDS_CATEGORY, false, "mixte"},
    ALL_CLASSES,
    {"rights", "rights", CLI_MASK, WORDS_RIGHT, false, "inviter,consentement"},
    WAIT,
};
static const struct cli_arg circle_invite_args[] = {
    ID("circle"),
    {"to", "to", CLI_TEXT, 0, true, NULL},
    {"category", "category", CLI_WORD, WORDS_CATEGORY, true, NULL},
    CLASSES,
    {"team", "team", CLI_NUMBER, 0, false, "0"},
    {"rights", "rights", CLI_MASK, WORDS_RIGHT, false, NULL},
    {"message", "message", CLI_TEXT, 0, false, NULL},
    {"days", "days", CLI_NUMBER, 0, false, NULL},
    WAIT,
};
static const struct cli_arg circle_one[] = {ID("circle"), WAIT};
static const struct cli_arg circle_remove_args[] = {ID("circle"), {"org", "org", CLI_TEXT, 0, true, NULL}, WAIT};
static const struct cli_arg circle_close_args[] = {
    ID("circle"), {"reason", "reason", CLI_WORD, WORDS_CIRCLE_END, false, "fin"}, DATE, WAIT,
};
static const struct cli_arg notice_args[] = {
    ID("circle"), CLASSES, {"to", "orgs", CLI_LIST, 0, true, NULL}, WAY("oral"), DATE, WAIT,
};
static const struct cli_arg consent_give_args[] = {
    ID("circle"), CLASSES, {"to", "orgs", CLI_LIST, 0, true, NULL}, WAY("oral"),
    {"by", "by", CLI_WORD, WORDS_GIVEN_BY, false, "personne"},
    {"opinion", "opinion", CLI_FLAG, 0, false, NULL}, DATE, WAIT,
};
static const struct cli_arg consent_withdraw_args[] = {
    ID("circle"), {"n", "n", CLI_NUMBER, 0, false, "0"}, DATE, WAIT,
};
static const struct cli_arg oppose_args[] = {
    ID("circle"), ALL_CLASSES,
    {"to", "orgs", CLI_LIST, 0, false, NULL}, {"emergency", "emergency", CLI_FLAG, 0, false, NULL}, DATE, WAIT,
};
static const struct cli_arg lift_args[] = {
    ID("circle"), {"n", "n", CLI_NUMBER, 0, true, NULL}, WAY("oral"), DATE, WAIT,
};

static const struct cli_arg send_args[] = {
    {"person", "person", CLI_TEXT, 0, false, NULL},
    {"re", "re", CLI_TEXT, 0, false, NULL},
    {"circle", "circle", CLI_TEXT, 0, false, NULL},
    {"to", "to", CLI_TO, 0, true, NULL},
    {"note", "note", CLI_WORD, WORDS_NOTE, false, "GEN"},
    {"subject", "subject", CLI_LINE, 0, true, NULL},
    {"subject-file", "subject", CLI_LINE_OF, 0, false, NULL},
    {"text", "sections", CLI_SECTION, 0, false, NULL},
    {"text-file", "sections", CLI_SECTION_OF, 0, false, NULL},
    {"attach", "attachments", CLI_ATTACH, 0, false, NULL},
    {"basis", "basis", CLI_WORD, WORDS_BASIS, false, NULL},
    {"purpose", "purpose", CLI_WORD, WORDS_PURPOSE, false, NULL},
    {"consent", "consent", CLI_NUMBER, 0, false, NULL},
    {"notice", "notice", CLI_NUMBER, 0, false, NULL},
    {"urgent", "urgent", CLI_FLAG, 0, false, NULL},
    {"restricted", "restricted", CLI_FLAG, 0, false, NULL},
    {"answer-by", "answer_by", CLI_DATE, 0, false, NULL},
    {"expires", "expires", CLI_DATE, 0, false, NULL},
    {"deputy", "deputy", CLI_TEXT, 0, false, NULL},
    {"after", "after_s", CLI_DURATION, 0, false, NULL},
    {"instead-of", "instead_of", CLI_TEXT, 0, false, NULL},
    WAIT,
};
static const struct cli_arg list_args[] = {
    {"person", "person", CLI_TEXT, 0, false, NULL},
    {"box", "box", CLI_TEXT, 0, false, NULL},
    {"most", "most", CLI_NUMBER, 0, false, NULL},
};
static const struct cli_arg inbox_args[] = {
    {"person", "person", CLI_TEXT, 0, false, NULL},
    {"most", "most", CLI_NUMBER, 0, false, NULL},
};
static const struct cli_arg show_args[] = {
    ID("mid"), {"section", "section", CLI_LOCAL, 0, false, NULL}, {"raw", "raw", CLI_FLAG, 0, false, NULL},
};
static const struct cli_arg recall_args[] = {
    ID("mid"), {"reason", "reason", CLI_WORD, WORDS_RECALL, false, NULL}, WAIT,
};
static const struct cli_arg attachment_args[] = {
    ID("mid"), {"", "number", CLI_NUMBER, 0, true, NULL}, {"output", "output", CLI_LOCAL, 0, true, NULL},
    {"non-analyse", "unscanned", CLI_FLAG, 0, false, NULL},
};
static const struct cli_arg evidence_args[] = {{"output", "output", CLI_LOCAL, 0, false, NULL}};
static const struct cli_arg receipts_args[] = {ID("mid"), {"output", "output", CLI_LOCAL, 0, false, NULL}};
static const struct cli_arg export_args[] = {
    {"person", "person", CLI_TEXT, 0, true, NULL}, {"output", "output", CLI_LOCAL, 0, true, NULL},
    {"non-analyse", "unscanned", CLI_FLAG, 0, false, NULL},
};
static const struct cli_arg key_shares_args[] = {
    {"threshold", "threshold", CLI_LOCAL, 0, true, NULL},
    {"of", "of", CLI_LOCAL, 0, true, NULL},
    {"output", "output", CLI_LOCAL, 0, true, NULL},
};
static const struct cli_arg key_recover_args[] = {
    {"output", "output", CLI_LOCAL, 0, true, NULL},
    {"share", "share", CLI_LIST, 0, false, NULL},
};

const struct cli_row cli_rows[] = {
    BARE("init", NULL, false, cli_run_init, "prépare le dossier : clés et réglages"),
    ROW("join", NULL, false, cli_run_join, join_args, "s'inscrit à un hub avec une invitation ; --confirm EMPREINTE après l'avoir comparée au téléphone ; --replace abandonne celle qui est en cours"),
    BARE("serve", NULL, false, cli_run_serve, "fait tourner le nœud"),
    BARE("check", NULL, false, cli_run_check, "vérifie réglages, clés et données, sans rien changer"),
    ROW("backup", NULL, false, cli_run_backup, backup_args, "sauvegarde le nœud dans un dossier neuf, service en marche ou non ; reste chiffrée"),
    ROW("restore", NULL, false, cli_run_restore, restore_args, "vérifie une sauvegarde et remet le nœud dans un dossier neuf"),
    BARE("fsck", NULL, false, cli_run_fsck, "relit tout le magasin et nomme ce qui n'est pas intact"),
    BARE("compact", NULL, false, cli_run_compact, "service arrêté : rend au disque la place de ce qui a été supprimé"),
    ROW("key shares", NULL, false, cli_run_key_shares, key_shares_args, "écrit les clés du nœud en N parts à imprimer, dont K les rendent (--threshold K --of N)"),
    ROW("key recover", NULL, false, cli_run_key_recover, key_recover_args, "retrouve les clés : lit les parts dans des fichiers, ou ce que vous tapez, et écrit node.key"),
    BARE("key rotate", "key.rotate", false, NULL, "donne à ce nœud d'autres clés (signature, liaison, messagerie) ; les anciennes signent l'acte, puis ne valent plus"),
    BARE("status", "status", false, NULL, "liaison, file d'attente, alarmes"),
    BARE("org list", "org.list", false, NULL, "les structures de l'annuaire"),
    ROW("absence set", "absence.set", true, NULL, absence_args, "annonce une fermeture à tout l'annuaire, du premier au dernier jour (366 jours à l'avance au plus) ; --substitute dit à qui s'adresser"),
    BARE("absence clear", "absence.clear", true, NULL, "lève la fermeture annoncée"),
    BARE("absence list", "absence.list", false, NULL, "les fermetures annoncées"),
    ALONE("sign", "sign", false, cli_run_sign, sign_args, "montre ce qu'un fichier demande de signer ; --confirm le signe"),
    BARE("hub resume", "hub.resume", false, NULL, "reprend la liaison arrêtée, après la décision d'un humain"),
    ROW("hub keys", "hub.keys", false, NULL, hub_keys_args, "lit le journal des clés dans un fichier de l'opérateur du hub (« relais-hub key export »), quand le hub a changé de clé et n'est plus joint"),
    ALONE("policy", "policy", false, cli_run_policy, policy_args, "les clés de confiance, pour relais-verify ; --output FICHIER les écrit"),
    ROW("journal", "journal", true, NULL, journal_args, "qui a lu ou écrit quoi sur ce nœud"),

    ROW("person add", "person.add", true, NULL, person_add_args, "ouvre un dossier ; --from-file lit des lignes « birth-name=… », « ins=… » : rien n'en paraît dans la liste des processus"),
    ROW("person show", "person.show", true, NULL, person_one, "montre un dossier"),
    ROW("person list", "person.list", true, NULL, person_list_args, "liste les dossiers"),
    ROW("person matches", "person.matches", true, NULL, person_one, "propose qui pourrait être la même personne"),
    ROW("person link", "person.link", true, NULL, person_link_args, "relie une personne à identifier à un dossier"),
    ROW("person unlink", "person.unlink", true, NULL, person_one, "défait ce lien, sans rien perdre ni mélanger"),

    ROW("circle create", "circle.create", true, NULL, circle_create_args, "crée le cercle de soins d'une personne"),
    ROW("circle invite", "circle.invite", true, NULL, circle_invite_args, "invite une structure dans un cercle"),
    BARE("circle invitations", "circle.invitations", true, NULL, "les invitations reçues"),
    ROW("circle accept", "circle.accept", true, NULL, circle_one, "accepte une invitation"),
    ROW("circle show", "circle.show", true, NULL, circle_one, "membres, informations, consentements, oppositions"),
    BARE("circle list", "circle.list", true, NULL, "les cercles de ce nœud"),
    ROW("circle leave", "circle.leave", true, NULL, circle_one, "quitte un cercle"),
    ROW("circle remove", "circle.remove", true, NULL, circle_remove_args, "retire une structure"),
    ROW("circle close", "circle.close", true, NULL, circle_close_args, "clôt un cercle"),
    ROW("circle ask", "circle.ask", true, NULL, circle_one, "relit l'histoire d'un cercle au hub"),

    ROW("notice", "notice", true, NULL, notice_args, "consigne que la personne a été informée (article R1110-3)"),
    ROW("consent give", "consent.give", true, NULL, consent_give_args, "consigne un consentement au partage (article D1110-3-1)"),
    ROW("consent withdraw", "consent.withdraw", true, NULL, consent_withdraw_args, "consigne le retrait d'un consentement ; sans --n, de tous"),
    ROW("oppose lift", "oppose.lift", true, NULL, lift_args, "consigne la levée d'une opposition"),
    ROW("oppose", "oppose", true, NULL, oppose_args, "consigne une opposition ; sans --to, envers tous"),

    ROW("sheet send", "sheet.send", true, cli_run_send, send_args, "écrit une fiche de liaison et l'envoie ; --attach jusqu'à 256 Mio ; --re pour répondre ; --deputy STRUCTURE --after 4h : un suppléant la reçoit si le destinataire ne l'a pas reçue à temps (--instead-of, s'ils sont plusieurs) ; --subject-file et --text-file gardent les mots hors de la liste des processus"),
    ROW("sheet list", "sheet.list", true, NULL, list_args, "liste les fiches"),
    ROW("sheet show", "sheet.show", true, cli_run_show, show_args, "ouvre une fiche ; --section N --raw donne un texte octet pour octet"),
    ROW("sheet recall", "sheet.recall", true, NULL, recall_args, "rappelle une fiche envoyée, chez ceux qui ne l'ont pas encore reçue"),
    ROW("sheet attachment", "sheet.attachment", true, cli_run_attachment, attachment_args, "écrit une pièce jointe dans un fichier ; --non-analyse si aucun antivirus ne l'a examinée"),
    ROW("hub evidence", "evidence", false, cli_run_receipts, evidence_args, "si le hub a montré deux histoires : les preuves ; --output DOSSIER les écrit, pour relais-verify"),
    ROW("sheet receipts", "receipts", true, cli_run_receipts, receipts_args, "les reçus d'une fiche ; --output DOSSIER les écrit, pour relais-verify"),
    ROW("inbox", "inbox.list", true, NULL, inbox_args, "ce qui est arrivé"),
    ROW("export", "person.export", true, cli_run_export, export_args, "écrit en clair tout ce qui est gardé d'une personne"),
};
/* clang-format on */
const size_t cli_row_count = sizeof cli_rows / sizeof cli_rows[0];
