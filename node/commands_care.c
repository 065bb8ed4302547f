/* The rows about persons and documents; their functions are in care/. */
#include "attaching.h"
#include "commands.h"
#include "dossier.h"
#include "sheet.h"

/* clang-format off */
const struct command care_commands[] = {
    {"person.add",       RIGHT_WRITE, true, run_person_add,       "ouvre un dossier, et signale ceux qui lui ressemblent"},
    {"person.show",      RIGHT_READ,  true, run_person_show,      "montre un dossier et ses liens"},
    {"person.list",      RIGHT_READ,  true, run_person_list,      "liste les dossiers et les personnes à identifier"},
    {"person.matches",   RIGHT_READ,  true, run_person_matches,   "propose qui pourrait être la même personne"},
    {"person.link",      RIGHT_WRITE, true, run_person_link,      "relie une personne à identifier à un dossier"},
    {"person.unlink",    RIGHT_WRITE, true, run_person_unlink,    "défait ce lien"},
    {"person.export",    RIGHT_READ,  true, run_person_export,    "dit tout ce qui est gardé d'une personne"},
    {"sheet.send",       RIGHT_WRITE, true, run_sheet_send,       "écrit une fiche de liaison et l'envoie"},
    {"sheet.list",       RIGHT_READ,  true, run_sheet_list,       "liste les fiches reçues et envoyées"},
    {"sheet.show",       RIGHT_READ,  true, run_sheet_show,       "ouvre une fiche"},
    {"sheet.recall",     RIGHT_WRITE, true, run_sheet_recall,     "rappelle une fiche chez ceux qui ne l'ont pas encore reçue"},
    {"sheet.attachment", RIGHT_READ,  true, run_sheet_attachment, "écrit une pièce jointe dans un fichier"},
    {"attachment.take",  RIGHT_WRITE, true, run_attachment_take,  "prend un grand fichier, à joindre à une fiche"},
    {"inbox.list",       RIGHT_READ,  true, run_inbox_list,       "liste ce qui est arrivé"},
};
/* clang-format on */
const size_t care_command_count = sizeof care_commands / sizeof care_commands[0];
