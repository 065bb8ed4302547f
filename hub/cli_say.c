/* What an operator is told when something is refused: French sentences, and with --json an object
 * that carries the same sentence. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <jansson.h>

#include "cli.h"

#define SENTENCE_BYTES 2048

struct sentence {
    enum err code;
    int status;
    const char *text;
};

/* One row for everything a command, the store, the keys or the control socket can answer. */
static const struct sentence sentences[] = {
    {ERR_NOMEM,         EXIT_BROKEN,  "plus de mémoire ; rien n'a changé. Libérez-en et recommencez"      },
    {ERR_RANGE,         EXIT_INPUT,   "une valeur sort de ses limites ; rien n'a changé"                    },
    {ERR_USAGE,         EXIT_USAGE,   "commande inconnue du service, ou arguments qui ne vont pas ensemble"  },
    {ERR_IO,            EXIT_BROKEN,
     "erreur de lecture ou d'écriture ; rien n'a été confirmé. Vérifiez le disque et le journal"        },
    {ERR_NOT_FOUND,     EXIT_REFUSED,
     "introuvable ; rien n'a changé. Vérifiez l'identifiant ou le nom"                                     },
    {ERR_EXISTS,        EXIT_REFUSED, "existe déjà ; rien n'a été remplacé"                             },
    {ERR_STATE,         EXIT_REFUSED,
     "pas possible dans l'état présent (« org list » et « status » le donnent) ; rien n'a changé"     },
    {ERR_BUSY,          EXIT_AWAY,    "le service est occupé ; relancez la commande dans un instant"        },
    {ERR_TIMEOUT,       EXIT_AWAY,    "le service ne répond pas à temps ; relancez la commande"            },
    {ERR_LOCKED,        EXIT_REFUSED,
     "un autre processus sert déjà ce dossier. Arrêtez-le d'abord (son numéro est dans le fichier "
     "lock)"                                                                                                 },
    {ERR_FULL,          EXIT_BROKEN,
     "plus de place ; rien n'a été écrit. Libérez de la place et recommencez"                            },
    {ERR_READONLY,      EXIT_BROKEN,  "système de fichiers en lecture seule ; rien n'a été écrit"        },
    {ERR_CORRUPT,       EXIT_BROKEN,
     "des données gardées ne sont pas intactes ; rien n'a changé. N'effacez rien : lancez "
     "« relais-hub fsck », et au besoin « relais-hub restore »"                                          },
    {ERR_UNSUPPORTED,   EXIT_BROKEN,  "cette version du programme ne sait pas le faire"                      },
    {ERR_INTERNAL,      EXIT_BROKEN,
     "erreur interne du programme ; gardez le journal et prévenez qui le maintient"                         },
    {ERR_CONF,          EXIT_INPUT,   "la configuration (hub.conf) n'est pas valide"                         },
    {ERR_CLOSED,        EXIT_AWAY,    "le service s'est arrêté avant de répondre ; relancez la commande"  },
    {ERR_AGAIN,         EXIT_AWAY,    "rien à faire pour l'instant ; relancez la commande plus tard"        },
    {ERR_FILESYSTEM,    EXIT_BROKEN,
     "ce dossier est sur un disque réseau : un entrepôt n'y est pas sûr. Choisissez un disque "
     "local"                                                                                                 },
    {ERR_CONFLICT,      EXIT_REFUSED, "une autre écriture est passée avant ; relancez la commande"         },
    {ERR_UNKNOWN,       EXIT_BROKEN,
     "l'entrepôt n'a pas confirmé l'écriture ; relancez la commande, elle ne sera pas faite deux "
     "fois"                                                                                                  },
    {ERR_PERMISSION,    EXIT_REFUSED,
     "droits refusés ou trop ouverts : le dossier et les fichiers secrets ne doivent être lisibles "
     "que par le service (chmod 700 et 600)"                                                                 },
    {ERR_STOPPING,      EXIT_AWAY,    "le service s'arrête ; relancez la commande quand il sera revenu"     },
    {ERR_SIZE,          EXIT_INPUT,   "trop grand ou trop petit ; rien n'a changé"                          },
    {ERR_TRUNCATED,     EXIT_INPUT,
     "le fichier s'arrête trop tôt : il est incomplet ; rien n'a changé"                                  },
    {ERR_TRAILING,      EXIT_INPUT,   "il y a quelque chose après la fin du fichier ; rien n'a changé"     },
    {ERR_TYPE,          EXIT_INPUT,   "ce n'est pas le genre de fichier attendu ; rien n'a changé"          },
    {ERR_NOT_CANONICAL, EXIT_INPUT,   "le contenu n'est pas bien formé ; rien n'a changé"                  },
    {ERR_DEPTH,         EXIT_INPUT,   "le contenu est imbriqué trop profondément ; rien n'a changé"       },
    {ERR_ITEMS,         EXIT_REFUSED, "trop d'éléments ; rien n'a changé"                                 },
    {ERR_DUPLICATE_KEY, EXIT_INPUT,   "un champ est donné deux fois ; rien n'a changé"                     },
    {ERR_KEY_ORDER,     EXIT_INPUT,   "les champs ne sont pas dans l'ordre ; rien n'a changé"               },
    {ERR_UTF8,          EXIT_INPUT,   "un texte n'est pas en UTF-8 ; rien n'a changé"                       },
    {ERR_NFC,           EXIT_INPUT,
     "un texte a des accents décomposés (il faut la forme normale NFC) ; rien n'a changé"                 },
    {ERR_FIELD_UNKNOWN, EXIT_INPUT,   "un champ est inconnu de cette version ; rien n'a changé"             },
    {ERR_FIELD_MISSING, EXIT_INPUT,   "il manque un argument ; « relais-hub --help »"                      },
    {ERR_FIELD_VALUE,   EXIT_INPUT,   "une valeur n'est pas admise ; rien n'a changé"                       },
    {ERR_TEXT_FORM,     EXIT_INPUT,
     "texte abîmé, ou identifiant mal formé (hexadécimal ou armure) ; rien n'a changé"                  },
    {ERR_FORGED,        EXIT_REFUSED, "signature fausse ; elle n'a pas été gardée"                        },
    {ERR_OPEN,          EXIT_REFUSED, "le contenu ne s'ouvre pas avec ces clés ; rien n'a changé"          },
    {ERR_PASSPHRASE,    EXIT_REFUSED,
     "phrase de passe fausse, ou fichier de clés modifié. Rien n'a changé ; réessayez, ou "
     "restaurez la sauvegarde du fichier"                                                                    },
    {ERR_KEY_UNKNOWN,   EXIT_REFUSED,
     "la clé qui signe n'est pas connue pour cette organisation ; rien n'a été gardé"                    },
    {ERR_KEY_REVOKED,   EXIT_REFUSED, "la clé qui signe est révoquée ; rien n'a été gardé"             },
    {ERR_VERSION,       EXIT_REFUSED, "version non prise en charge ; mettez le programme à jour"            },
    {ERR_SUITE,         EXIT_REFUSED, "suite cryptographique non prise en charge"                            },
    {ERR_PROOF,         EXIT_BROKEN,  "une preuve du journal ne se vérifie pas ; n'effacez rien"            },
    {ERR_CHECKPOINT,    EXIT_BROKEN,
     "la tête du journal n'est pas signée par sa clé ; n'effacez rien"                                    },
    {ERR_SPLIT_VIEW,    EXIT_BROKEN,
     "deux histoires d'un même journal : les preuves sont gardées, le service est arrêté"                },
    {ERR_FINGERPRINT,   EXIT_REFUSED,
     "l'empreinte diffère de celle que le nœud a envoyée. Rien n'est approuvé : relisez-la au "
     "téléphone ; si elle diffère encore, quelqu'un s'est interposé"                                     },
    {ERR_RANDOM,        EXIT_BROKEN,  "le système ne donne pas d'aléa ; rien n'a été fait"               },
    {ERR_ROLLBACK,      EXIT_BROKEN,
     "l'entrepôt est plus ancien que ce qui a déjà été vu : c'est une vieille copie. Restaurez la "
     "plus récente"                                                                                         },
    {ERR_RECOVERING,    EXIT_REFUSED,
     "le hub vient d'être restauré et rassemble ce que ses membres détiennent ; « status » dit où "
     "il en est"                                                                                             },
    {ERR_BEHIND,        EXIT_BROKEN,
     "ce hub a perdu ce que son journal a signé : il ne sert plus personne ; « status » dit quoi "
     "faire"                                                                                                 },
    {ERR_NOT_ENROLLED,  EXIT_REFUSED, "cette organisation n'est pas enrôlée ; rien n'a changé"            },
    {ERR_SUSPENDED,     EXIT_REFUSED, "cette organisation est suspendue ; rien n'a changé"                  },
    {ERR_REVOKED,       EXIT_REFUSED, "cette organisation ou cette clé est révoquée ; rien n'a changé"   },
    {ERR_FROM,          EXIT_REFUSED, "le signataire n'est pas celui qui est attendu ; rien n'a été gardé"},
    {ERR_INVITATION,    EXIT_REFUSED, "invitation inconnue, déjà utilisée ou expirée"                    },
    {ERR_POSSESSION,    EXIT_REFUSED, "le nœud n'a pas prouvé qu'il tient ses clés"                       },
    {ERR_WAITING,       EXIT_REFUSED,
     "il manque encore quelqu'un : un fondateur invité n'est pas venu ou n'est pas vérifié"               },
    {ERR_COUNTERSIGN,   EXIT_REFUSED,
     "il manque un contreseing (service d'urgence : deux organisations de types différents)"                },
    {ERR_NOT_YET,       EXIT_REFUSED,
     "les signatures sont arrivées trop tard : le délai d'opposition court à partir de la "
     "publication. Rien n'est publié ; recommencez (« relais-hub org approve », ou « key rotate "
     "»), "
     "et faites signer la nouvelle demande"                                                                  },
    {ERR_OPERATOR,      EXIT_REFUSED,
     "cet acte demande l'accord d'opérateurs nommés : recommencez avec --as et le fichier de "
     "votre clé ; rien n'a changé"                                                                         },
    {ERR_OPERATOR_SAME, EXIT_REFUSED,
     "vous avez déjà signé cet acte : un autre opérateur doit le confirmer ; il attend toujours"         },
    {ERR_OPERATORS_FEW, EXIT_REFUSED,
     "trop peu d'opérateurs sont nommés pour cet acte (« operator list ») : une fédération réelle "
     "en demande deux, et hub.conf ne peut pas en demander moins ; rien n'a changé"                         },
    {ERR_HUB_KEY,       EXIT_REFUSED,
     "hub.key n'a pas la clé qu'il faut (« key list » dit laquelle) ; rien n'est publié"                 },
    {ERR_HUB_KEY_HOLD,  EXIT_REFUSED,
     "un journal a une autre clé, dont le délai court encore ; rien n'a changé"                           },
    {ERR_EXPIRED,       EXIT_REFUSED, "la date limite est passée ; rien n'a changé"                        },
    {ERR_SKEW,          EXIT_REFUSED, "les horloges diffèrent de plus de dix minutes ; rien n'a changé"    },
    {ERR_DUPLICATE,     EXIT_REFUSED, "déjà fait ; rien n'a changé"                                       },
    {ERR_QUOTA,         EXIT_REFUSED, "quota atteint ; rien n'a changé"                                     },
    {ERR_MODE,          EXIT_REFUSED, "le réel et l'exercice ne se mélangent pas ; rien n'a changé"       },
    {ERR_RIGHT,         EXIT_REFUSED, "le signataire n'a pas le droit de signer cet acte"                    },
    {ERR_CHAIN,         EXIT_REFUSED, "la suite des déclarations ne se vérifie pas"                        },
    {ERR_SCHEMA,        EXIT_INPUT,   "le contenu ne suit pas sa forme ; rien n'a changé"                   },
};

static const struct sentence *sentence_of(enum err e)
{
    static const struct sentence other = {ERR_INTERNAL, EXIT_REFUSED,
                                          "refusé ; le code entre parenthèses en dit la raison"};

    for (size_t i = 0; i < sizeof sentences / sizeof sentences[0]; i++)
        if (sentences[i].code == e)
            return &sentences[i];
    return &other;
}

static int tell(const struct cli *c, enum err e, int status, const char *text)
{
    json_t *answer;

    if (c->json) {
        answer = json_pack("{s:s,s:i,s:s}", "error", err_name(e), "code", (int)e, "text", text);
        if (!answer) /* what was typed is not UTF-8 */
            answer = json_pack("{s:s,s:i,s:s}", "error", err_name(e), "code", (int)e, "text",
                               sentence_of(e)->text);
        if (answer)
            json_dumpf(answer, stdout, 0);
        printf("\n");
        json_decref(answer);
    }
    fprintf(stderr, "relais-hub : %s (%s).\n", text, err_name(e));
    return status;
}

int cli_status(enum err e)
{
    return sentence_of(e)->status;
}

int cli_error(const struct cli *c, enum err e)
{
    return tell(c, e, sentence_of(e)->status, sentence_of(e)->text);
}

int cli_error_at(const struct cli *c, enum err e, const char *path)
{
    char text[SENTENCE_BYTES];

    snprintf(text, sizeof text, "%s : %s", path, sentence_of(e)->text);
    return tell(c, e, sentence_of(e)->status, text);
}

int cli_refuse(const struct cli *c, enum err e, int status, const char *format, ...)
{
    char text[SENTENCE_BYTES];
    va_list list;

    va_start(list, format);
    vsnprintf(text, sizeof text, format, list);
    va_end(list);
    return tell(c, e, status, text);
}

int cli_usage(const struct cli *c, const char *what)
{
    return tell(c, ERR_USAGE, EXIT_USAGE, what);
}

/* Which of them is open to others, when the library says that one is. */
int cli_error_keys(const struct cli *c, enum err e, const char *const *names)
{
    char path[SERVE_PATH_MAX + 64];
    struct stat st;

    if (e != ERR_PERMISSION)
        return cli_error(c, e);
    for (; *names; names++) {
        snprintf(path, sizeof path, "%s%s%s", c->dir, **names ? "/" : "", *names);
        if (stat(path, &st) == 0 && (st.st_mode & 077))
            return cli_error_at(c, e, path);
    }
    return cli_error_at(c, e, c->dir);
}
