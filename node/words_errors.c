/* What a person reads when something was refused: one row per row of err.h. */
#include "words.h"

struct sentence {
    enum err code;
    const char *text;
    const char *article;
};

/* what happened, what was kept, what to do */
/* clang-format off */
#define SAY(code, what, kept, next) {code, what " " kept " " next, ""}
#define LAW(code, article, what, kept, next) {code, what " (" article "). " kept " " next, article}

#define L1110_4 "article L1110-4 du code de la santé publique"
#define L1110_4_III "article L1110-4 III du code de la santé publique"
#define L1110_12 "article L1110-12 du code de la santé publique"
#define R1110_1 "article R1110-1 du code de la santé publique"
#define R1110_2 "article R1110-2 du code de la santé publique"
#define R1110_3 "article R1110-3 du code de la santé publique"
#define D1110_3_1 "article D1110-3-1 du code de la santé publique"

#define NOTHING_SENT "Rien n'est parti et rien n'a été modifié."
#define NOTHING_CHANGED "Rien n'a été modifié."
#define KEPT_ASIDE "Le contenu reçu est gardé de côté comme preuve, il n'est pas montré."
#define IS_KEPT "Ce que vous avez écrit est conservé ici."
#define NOT_SURE "On ne sait pas si c'est enregistré."
#define ASK_ADMIN "Prévenez l'administrateur du nœud."

static const struct sentence sentences[] = {
    SAY(ERR_OK, "C'est fait.", "Tout est enregistré.", "Il n'y a rien à faire."),

    SAY(ERR_NOMEM, "La machine manque de mémoire.", NOTHING_CHANGED,
        "Fermez d'autres programmes et recommencez."),
    SAY(ERR_RANGE, "Une valeur est hors des limites permises.", NOTHING_CHANGED,
        "Corrigez-la et recommencez ; « relais-node --help » donne les valeurs."),
    SAY(ERR_USAGE, "La demande est incomplète ou ambiguë.", NOTHING_CHANGED,
        "Précisez-la et recommencez ; « relais-node --help » montre chaque commande."),
    SAY(ERR_IO, "Le disque n'a pas pu être lu ou écrit.", "Ce qui était enregistré avant l'est toujours.",
        "Vérifiez le disque, puis recommencez."),
    SAY(ERR_NOT_FOUND, "Introuvable.", NOTHING_CHANGED,
        "Vérifiez l'identifiant ; les listes (personnes, cercles, fiches) donnent ceux qui existent."),
    SAY(ERR_EXISTS, "Cela existe déjà.", "L'existant est resté comme il était.",
        "Utilisez l'existant, ou choisissez un autre identifiant."),
    SAY(ERR_STATE, "Ce n'est pas possible dans la situation présente.", NOTHING_CHANGED,
        "Affichez l'état (« relais-node status », « circle show », « person show ») et décidez."),
    SAY(ERR_BUSY, "La file est pleine.", IS_KEPT, "L'envoi sera refait tout seul ; attendez un instant."),
    SAY(ERR_TIMEOUT, "Pas de réponse à temps.", NOT_SURE,
        "Vérifiez avec « relais-node status », puis regardez « sheet list » avant de réécrire."),
    SAY(ERR_LOCKED, "Un autre programme se sert déjà de ce dossier.", NOTHING_CHANGED,
        "Arrêtez-le d'abord ; son numéro est dans le fichier « lock » du dossier."),
    SAY(ERR_FULL, "Il n'y a plus de place.", "Ce qui était enregistré avant l'est toujours ; la demande présente ne l'est pas.",
        "Libérez de la place sur le disque, puis recommencez."),
    SAY(ERR_READONLY, "Le disque ou le fichier est en lecture seule.", NOTHING_CHANGED,
        "Rendez-le accessible en écriture, puis recommencez."),
    SAY(ERR_CORRUPT, "Des données enregistrées sont abîmées ou ont été altérées.", "Elles n'ont pas été montrées et restent telles quelles.",
        "Arrêtez le nœud, ne touchez pas au dossier et restaurez une sauvegarde."),
    SAY(ERR_UNSUPPORTED, "Cette version du programme ne sait pas encore le faire.", NOTHING_CHANGED,
        "Mettez le programme à jour, ou passez par un autre moyen sécurisé."),
    SAY(ERR_INTERNAL, "Une erreur interne s'est produite.", "Ce qui était enregistré avant l'est toujours.",
        "Recommencez une fois ; si elle revient, " "prévenez l'administrateur du nœud avec l'heure et la commande."),
    SAY(ERR_CONF, "Le fichier de réglages n'est pas valable.", NOTHING_CHANGED,
        "Corrigez node.conf ou notify.conf, puis lancez « relais-node check »."),
    SAY(ERR_CLOSED, "L'autre côté a fermé la liaison avant de répondre.", NOT_SURE,
        "Vérifiez avec « relais-node status », puis regardez « sheet list » avant de réécrire."),
    SAY(ERR_AGAIN, "Il n'y a rien à faire pour l'instant.", NOTHING_CHANGED, "Recommencez plus tard."),
    SAY(ERR_FILESYSTEM, "Ce dossier est sur un disque réseau, où les données ne seraient pas en sûreté.", NOTHING_CHANGED,
        "Choisissez un dossier sur un disque de cette machine."),
    SAY(ERR_CONFLICT, "Une autre écriture est passée avant celle-ci.", "L'autre est enregistrée, celle-ci ne l'est pas.",
        "Relisez, puis recommencez."),
    SAY(ERR_UNKNOWN, "On ne sait pas si l'écriture est arrivée sur le disque.", "L'une des deux situations est enregistrée, jamais une moitié.",
        "Recommencez la même demande : elle ne sera pas faite deux fois."),
    SAY(ERR_PERMISSION, "Les droits manquent, ou un fichier secret est ouvert à d'autres.", NOTHING_CHANGED,
        "Donnez le dossier au seul utilisateur du nœud (droits 700, fichiers 600), puis recommencez."),
    SAY(ERR_STOPPING, "Le nœud est en train de s'arrêter.", IS_KEPT,
        "Redémarrez-le (« relais-node serve ») ; ce qui attendait partira."),
    SAY(ERR_ENOUGH, "La recherche a été arrêtée avant la fin.", NOTHING_CHANGED, "Précisez la demande et recommencez."),

    SAY(ERR_SIZE, "C'est plus grand ou plus petit que permis.", NOTHING_CHANGED,
        "Raccourcissez, ou répartissez le contenu sur plusieurs fiches."),
    SAY(ERR_TRUNCATED, "Les données s'arrêtent trop tôt.", "Elles n'ont pas été prises en compte.",
        "Demandez à l'expéditeur de les envoyer de nouveau."),
    SAY(ERR_TRAILING, "Il y a des données en trop à la fin.", "Elles n'ont pas été prises en compte.",
        "Demandez à l'expéditeur de les envoyer de nouveau."),
    SAY(ERR_TYPE, "Une valeur n'est pas de la nature attendue.", "Les données n'ont pas été prises en compte.",
        "Corrigez-la ; si elle vient d'une autre structure, prévenez-la."),
    SAY(ERR_NOT_CANONICAL, "Les données ne sont pas écrites sous leur forme unique.", "Elles n'ont pas été prises en compte.",
        "Prévenez la structure qui les a envoyées : son programme est en défaut."),
    SAY(ERR_DEPTH, "Les données sont trop imbriquées.", "Elles n'ont pas été prises en compte.",
        "Prévenez la structure qui les a envoyées : son programme est en défaut."),
    SAY(ERR_ITEMS, "Il y a trop d'éléments.", "Rien n'a été pris en compte.",
        "Répartissez le contenu sur plusieurs fiches."),
    SAY(ERR_DUPLICATE_KEY, "Une même rubrique figure deux fois.", "Les données n'ont pas été prises en compte.",
        "Prévenez la structure qui les a envoyées : son programme est en défaut."),
    SAY(ERR_KEY_ORDER, "Les rubriques ne sont pas dans l'ordre.", "Les données n'ont pas été prises en compte.",
        "Prévenez la structure qui les a envoyées : son programme est en défaut."),
    SAY(ERR_UTF8, "Un texte n'est pas codé en UTF-8.", "Il n'a pas été pris en compte.",
        "Enregistrez le fichier en UTF-8, puis recommencez."),
    SAY(ERR_NFC, "Un texte n'est pas sous la forme composée d'Unicode.", "Il n'a pas été pris en compte.",
        "Prévenez la structure qui l'a envoyé : son programme doit composer les accents."),
    SAY(ERR_FIELD_UNKNOWN, "Une rubrique est inconnue.", "Les données n'ont pas été prises en compte.",
        "Vérifiez le nom de la rubrique, ou mettez le programme à jour."),
    SAY(ERR_FIELD_MISSING, "Une rubrique obligatoire manque.", NOTHING_CHANGED,
        "Complétez-la et recommencez ; « relais-node --help » dit ce qu'il faut."),
    SAY(ERR_FIELD_VALUE, "Une rubrique a une valeur qui n'est pas admise.", NOTHING_CHANGED,
        "Corrigez-la et recommencez ; « relais-node --help » donne les valeurs."),
    SAY(ERR_TEXT_FORM, "Un texte codé (identifiant, fichier d'échange) est abîmé.", "Il n'a pas été pris en compte.",
        "Copiez-le de nouveau en entier, sans rien changer."),

    SAY(ERR_FORGED, "Une signature est fausse.", "Ce qui était signé est gardé de côté et n'a aucun effet.",
        "N'agissez pas sur ce message ; appelez la structure dont il porte le nom."),
    SAY(ERR_OPEN, "Le contenu n'a pas pu être déchiffré.", "Le message reçu est consigné, rien n'en est montré, et l'expéditeur en est averti.",
        "Attendez un nouvel envoi, ou appelez l'expéditeur."),
    SAY(ERR_PASSPHRASE, "La phrase de passe est fausse, ou le fichier de clés a été modifié.", NOTHING_CHANGED,
        "Réessayez ; sinon restaurez la sauvegarde du fichier de clés."),
    SAY(ERR_KEY_UNKNOWN, "La clé qui signe n'est pas connue pour cette structure.", "Ce qui était signé n'a aucun effet.",
        "Attendez que l'annuaire soit à jour ; sinon appelez l'opérateur du hub."),
    SAY(ERR_KEY_REVOKED, "La clé qui signe a été révoquée.", "Ce qui était signé n'a aucun effet.",
        "N'agissez pas sur ce message ; appelez la structure dont il porte le nom."),
    SAY(ERR_VERSION, "La version n'est pas prise en charge.", IS_KEPT, "Mettez le programme à jour, puis recommencez."),
    SAY(ERR_SUITE, "Le procédé de chiffrement n'est pas pris en charge.", "Le message n'a pas été ouvert.",
        "Mettez le programme à jour, ou prévenez l'expéditeur."),
    SAY(ERR_PROOF, "Une preuve d'inscription au journal ne se vérifie pas.", "Rien n'a été accepté sur sa foi.",
        "Gardez le fichier et prévenez l'opérateur du hub et votre délégué à la protection des données."),
    SAY(ERR_CHECKPOINT, "L'état signé du journal ne se vérifie pas.", "Rien n'a été accepté sur sa foi.",
        "Prévenez l'opérateur du hub et votre délégué à la protection des données."),
    SAY(ERR_SPLIT_VIEW, "Le hub montre deux histoires différentes du même journal.", "Les deux preuves signées sont conservées ; plus rien n'est envoyé ni remis.",
        "Ne relancez pas : prévenez les autres structures et votre délégué à la protection des données."),
    SAY(ERR_FINGERPRINT, "L'empreinte n'est pas la même.", "Rien n'a été accepté.",
        "Relisez-la au téléphone, groupe par groupe ; si elle diffère encore, quelqu'un s'est interposé : arrêtez-vous là."),
    SAY(ERR_RANDOM, "La machine ne fournit pas de nombres aléatoires.", NOTHING_CHANGED,
        "Redémarrez la machine, puis recommencez."),
    SAY(ERR_ROLLBACK, "Le hub montre un journal plus ancien que celui déjà vu.", "La preuve signée est conservée ; plus rien n'est envoyé ni remis.",
        "Demandez à l'opérateur s'il a restauré une sauvegarde, et prévenez votre délégué à la protection des données."),
    SAY(ERR_RECOVERING, "Le hub vient d'être restauré depuis une sauvegarde et rassemble ce que ses membres détiennent.", IS_KEPT,
        "Il n'y a rien à faire : la liaison reprendra d'elle-même. Si cela dure plus d'une heure, appelez l'opérateur du hub."),
    SAY(ERR_EPOCH, "Le hub a ouvert un nouveau journal sans montrer où l'ancien s'arrête.", "Rien n'est envoyé ni remis ; ce qui était écrit est conservé.",
        "Appelez l'opérateur du hub, et prévenez votre délégué à la protection des données."),
    SAY(ERR_UNWITNESSED, "Les témoins n'ont plus attesté l'annuaire depuis plus de sept jours.", IS_KEPT,
        "Rien de nouveau n'est scellé avant une nouvelle attestation. Appelez l'opérateur du hub."),

    SAY(ERR_BEHIND, "Le hub a perdu une partie de ce que son journal a signé ; il s'est arrêté et le dit.", "Ce qui était écrit est conservé, et la tête signée que ce nœud détient aussi.",
        "Il n'y a rien à faire ici : appelez l'opérateur du hub, qui doit remettre une sauvegarde ; la liaison reprendra d'elle-même."),
    SAY(ERR_NOT_ENROLLED, "Ce nœud n'est pas inscrit à ce hub.", IS_KEPT,
        "Terminez l'inscription (« relais-node join »), ou appelez l'opérateur du hub."),
    SAY(ERR_SUSPENDED, "La structure est suspendue par l'opérateur du hub.", IS_KEPT,
        "Appelez l'opérateur ; les envois reprendront quand la suspension sera levée."),
    SAY(ERR_REVOKED, "La structure ou sa clé a été révoquée.", IS_KEPT,
        "Appelez l'opérateur du hub : il faut une nouvelle inscription."),
    SAY(ERR_FROM, "L'expéditeur annoncé n'est pas la structure de cette liaison.", NOTHING_SENT,
        ASK_ADMIN),
    SAY(ERR_FENCED, "Une liaison plus récente de ce même nœud a pris le relais.", IS_KEPT,
        "Vérifiez qu'un seul nœud tourne avec ces clés, puis redémarrez celui qui doit rester."),
    SAY(ERR_CLONED, "Les mêmes clés servent en deux endroits ; le hub a arrêté la remise.", "Ce qui attend reste au hub et ici.",
        "Arrêtez la copie, puis demandez à l'opérateur du hub de libérer le nœud."),
    SAY(ERR_MESSAGE_UNKNOWN, "Un message d'une nature inconnue est arrivé.", "Il n'a eu aucun effet.",
        "Mettez le programme à jour."),
    SAY(ERR_MESSAGE_STATE, "Un message est arrivé à un moment où il n'est pas permis.", IS_KEPT,
        "Le nœud se reconnecte tout seul ; vérifiez avec « relais-node status »."),
    SAY(ERR_INVITATION, "L'invitation est inconnue, déjà utilisée ou périmée.", NOTHING_CHANGED,
        "Demandez-en une nouvelle à l'opérateur du hub."),
    SAY(ERR_RATE, "Trop de demandes en peu de temps.", IS_KEPT, "L'envoi sera refait tout seul ; attendez un instant."),
    SAY(ERR_CREDIT, "Le hub a envoyé plus que ce que le nœud avait accepté.", "Ce qui est déjà enregistré l'est toujours.",
        "Le nœud se reconnecte tout seul ; si cela dure, prévenez l'opérateur du hub."),
    SAY(ERR_POSSESSION, "La preuve que ce nœud détient ses clés ne se vérifie pas.", NOTHING_CHANGED,
        "Recommencez l'inscription avec une nouvelle invitation."),
    SAY(ERR_WAITING, "L'inscription n'est pas terminée.", "Vos clés et votre demande sont conservées.",
        "Attendez la signature du registre, puis relancez « relais-node join »."),
    SAY(ERR_COUNTERSIGN, "Une contre-signature obligatoire manque.", NOTHING_CHANGED,
        "Faites signer deux structures de natures différentes, autres que celle de l'opérateur."),
    SAY(ERR_NOT_YET, "L'inscription n'a pas encore pris effet.", IS_KEPT,
        "Attendez l'heure indiquée par « relais-node org list » ; l'envoi partira ensuite."),
    SAY(ERR_OPERATOR, "Cet acte du hub demande l'accord d'opérateurs nommés.", NOTHING_CHANGED,
        "L'opérateur du hub recommence avec sa clé (« relais-hub … --as »)."),
    SAY(ERR_OPERATOR_SAME, "Le même opérateur a signé deux fois.", "L'acte attend toujours un second accord.",
        "Un autre opérateur nommé le confirme."),
    SAY(ERR_OPERATORS_FEW, "Trop peu d'opérateurs sont nommés au hub pour cet acte.", NOTHING_CHANGED,
        "Le hub nomme ses opérateurs (« relais-hub operator add »), puis recommence."),
    SAY(ERR_HUB_KEY, "Le hub n'a pas la clé que l'annuaire lui reconnaît.", IS_KEPT,
        "Il n'y a rien à faire ici : la liaison reprendra quand l'opérateur du hub aura remis ou remplacé sa clé."),
    SAY(ERR_HUB_KEY_HOLD, "Un journal du hub a une autre clé, l'ancienne étant perdue, et son délai d'opposition court encore.", IS_KEPT,
        "Rien de nouveau n'est scellé avant sa fin. Si vous ne saviez rien de ce changement, appelez l'opérateur du hub."),

    SAY(ERR_ADDRESSEE, "Un destinataire est inconnu, ou sa clé n'est plus la bonne.", IS_KEPT,
        "Vérifiez le destinataire (« relais-node org list ») et refaites l'envoi : l'annuaire aura été relu."),
    SAY(ERR_EXPIRED, "La date limite est passée.", "La fiche est conservée, elle n'est plus proposée.",
        "Envoyez une nouvelle fiche si le contenu est encore utile."),
    SAY(ERR_EXPIRY_LIMIT, "La date limite est antérieure à l'envoi ou à plus de trente jours.", NOTHING_SENT,
        "Choisissez une date dans les trente jours, puis recommencez."),
    SAY(ERR_SKEW, "L'horloge de la machine est décalée de plus de dix minutes.", IS_KEPT,
        "Mettez la machine à l'heure, puis recommencez."),
    SAY(ERR_DUPLICATE, "Cet envoi avait déjà été accepté.", "Le premier reçu est conservé et fait foi.", "Il n'y a rien à refaire."),
    SAY(ERR_MID_REUSED, "Ce numéro de message a déjà servi pour un autre contenu.", NOTHING_SENT,
        "Refaites l'envoi : il recevra un nouveau numéro."),
    SAY(ERR_STALE_HEAD, "Le cercle a changé entre-temps.", "Votre demande est conservée.",
        "Le nœud relit le cercle et la représente tout seul ; vérifiez avec « circle show »."),
    SAY(ERR_SENDER_QUOTA, "Trop de vos messages attendent encore leurs destinataires au hub.", IS_KEPT,
        "L'envoi sera refait tout seul dès que des destinataires auront reçu ; si l'attente dure, appelez le DAC."),
    SAY(ERR_HUB_QUOTA, "Le hub garde autant de messages qu'il le peut.", IS_KEPT,
        "L'envoi sera refait tout seul ; si l'attente dure, appelez le DAC."),
    SAY(ERR_QUOTA, "Une limite en nombre est atteinte.", NOTHING_CHANGED,
        "Clôturez ou retirez ce qui ne sert plus, puis recommencez."),
    SAY(ERR_MODE, "L'exercice et le réel ne se mélangent pas.", NOTHING_SENT,
        "Vérifiez à quel hub ce nœud est inscrit (« relais-node status »)."),
    SAY(ERR_TOO_LATE, "Il est trop tard pour rappeler cette fiche.", "Tous ses destinataires l'ont déjà reçue, ou elle s'est terminée autrement ; elle reste chez eux.",
        "Appelez-les si elle ne doit pas servir."),
    SAY(ERR_RECALLED, "L'expéditeur a rappelé ce message.", "Il n'est pas montré.", "Attendez un nouvel envoi, ou appelez l'expéditeur."),

    LAW(ERR_NOT_IN_CIRCLE, L1110_4, "La structure n'est pas membre du cercle de soins de cette personne", NOTHING_SENT,
        "Invitez-la dans le cercle (« circle invite ») si elle participe à la prise en charge."),
    LAW(ERR_FORMER_MEMBER, L1110_4, "La structure a quitté le cercle de soins de cette personne", NOTHING_SENT,
        "Choisissez un membre actuel (« circle show »), ou invitez-la de nouveau."),
    SAY(ERR_RIGHT, "Vous n'avez pas le droit de le faire.", NOTHING_CHANGED,
        "Adressez-vous à la structure responsable ou au référent (« circle show »)."),
    LAW(ERR_NOTICE_MISSING, R1110_3,
        "La personne n'a pas encore été informée de cet échange entre professionnels de santé et du champ social ou médico-social", NOTHING_SENT,
        "Informez-la de la nature des informations et du destinataire, consignez-le (« notice »), puis renvoyez la fiche."),
    LAW(ERR_OPPOSITION, L1110_4, "La personne s'oppose à cet échange", NOTHING_SENT,
        "Respectez son choix ; parlez-en avec elle, et si elle revient dessus, consignez-le (« oppose lift »)."),
    LAW(ERR_CONSENT_MISSING, D1110_3_1, "Aucun consentement ne couvre ce partage hors de l'équipe de soins", NOTHING_SENT,
        "Informez la personne, recueillez son consentement et consignez-le (« consent give »), puis renvoyez la fiche."),
    LAW(ERR_CONSENT_WITHDRAWN, L1110_4_III, "La personne a retiré son consentement à ce partage", NOTHING_SENT,
        "Ne partagez pas ; si elle consent de nouveau, consignez-le (« consent give »)."),
    LAW(ERR_CONSENT_VERSION, D1110_3_1, "Le consentement invoqué a été remplacé par un plus récent", NOTHING_SENT,
        "Relisez le cercle (« circle show ») et renvoyez la fiche : le consentement en vigueur sera pris."),
    LAW(ERR_CLASS, R1110_1, "Cette classe d'informations n'est pas ouverte à ce destinataire", NOTHING_SENT,
        "Retirez la partie concernée, ou voyez avec la structure responsable si sa place dans le cercle doit changer."),
    LAW(ERR_BASIS, L1110_4, "Aucune base légale n'est indiquée, ou elle ne convient pas", NOTHING_SENT,
        "Indiquez échange, équipe, consenti ou urgence (--basis) ; l'urgence va avec la finalité « urgence »."),
    LAW(ERR_NOT_IN_TEAM, L1110_12, "Le destinataire n'est pas de la même équipe de soins", NOTHING_SENT,
        "Envoyez-la comme échange à un destinataire nommé, ou sur la base d'un consentement."),
    LAW(ERR_CATEGORY, R1110_2, "La catégorie professionnelle déclarée n'est pas celle prévue", NOTHING_CHANGED,
        "Vérifiez votre catégorie (--as-category) et celle du destinataire dans le cercle (« circle show »)."),
    SAY(ERR_CIRCLE_CLOSED, "Le cercle de soins est clos.", NOTHING_SENT,
        "S'il faut reprendre l'accompagnement, créez un nouveau cercle."),
    LAW(ERR_WIDENING, L1110_4, "Un élargissement doit nommer ce qu'il remplace et venir de qui en a le droit", NOTHING_CHANGED,
        "Demandez-le à la structure responsable, ou à celle qui avait consigné le retrait."),
    SAY(ERR_MISLABELLED, "L'étiquette et le contenu ne concordent pas, ou il s'agit d'une autre personne.", KEPT_ASIDE,
        "Vérifiez de quelle personne il s'agit ; appelez l'expéditeur et votre délégué à la protection des données."),
    SAY(ERR_CHAIN, "L'histoire du cercle ne se vérifie pas.", "La dernière histoire vérifiée est conservée.",
        "Prévenez l'opérateur du hub et la structure responsable."),
    LAW(ERR_AUDIENCE, R1110_1, "Un contenu restreint n'a qu'un seul destinataire", NOTHING_SENT,
        "Faites une fiche par destinataire."),

    SAY(ERR_INS_KEY, "Le matricule INS est mal formé ou sa clé est fausse.", NOTHING_CHANGED,
        "Relisez les treize caractères et les deux chiffres de la clé, puis recommencez."),
    SAY(ERR_INS_MODE, "Les identités d'essai et les vraies ne se mélangent pas.", NOTHING_CHANGED,
        "Dans un exercice, employez un matricule d'essai ; en service réel, le vrai."),
    SAY(ERR_INS_STATUS, "Le statut de l'identité ne va pas avec le matricule.", NOTHING_CHANGED,
        "Un statut « récupérée » ou « qualifiée » demande le matricule, et un matricule demande un statut."),
    SAY(ERR_TRAITS, "Il manque des traits d'identité, ou l'un n'est pas valable.", NOTHING_CHANGED,
        "Donnez nom et prénoms de naissance, date de naissance, sexe et code INSEE du lieu ; une identité qualifiée les demande tous les cinq."),
    SAY(ERR_UNIDENTIFIED, "La personne n'est pas encore identifiée ici.", "Ses documents sont conservés à part.",
        "Comparez les propositions (« person matches ») et reliez-la à un dossier (« person link »), ou créez-en un."),
    SAY(ERR_ATTACHMENT_SIZE, "Une pièce jointe est vide ou dépasse 256 Mio (128 Kio dans la fiche même).", NOTHING_SENT,
        "Réduisez-la ou partagez-la en plusieurs ; l'envoi de grands fichiers viendra dans une version ultérieure."),
    SAY(ERR_SCHEMA, "Le document n'a pas la forme prévue.", "Il n'a pas été pris en compte.",
        "Vérifiez chaque rubrique ; s'il vient d'une autre structure, prévenez-la."),
    SAY(ERR_ACTOR, "Le professionnel qui agit n'est pas indiqué, ou l'est mal.", NOTHING_CHANGED,
        "Donnez nom, profession et catégorie (--as-name, --as-profession, --as-category), ou un fichier (--as)."),
    SAY(ERR_NOT_JOINED, "Ce nœud n'est inscrit à aucun hub.", IS_KEPT,
        "Demandez une invitation à l'opérateur, puis « relais-node join FICHIER »."),
    SAY(ERR_OFFLINE, "Hors ligne : le hub n'est pas joignable.", "C'est conservé et sera envoyé.",
        "Il n'y a rien à refaire ; « relais-node status » dira quand c'est parti."),
    SAY(ERR_ATTACHMENT_MISSING, "Le hub n'a pas une grande pièce jointe en entier.", "Elle reste ici, et elle est envoyée de nouveau.",
        "Il n'y a rien à refaire ; « relais-node status » dira quand c'est parti."),
    SAY(ERR_ATTACHMENT_RIGHT, "Le hub ne remet pas cette pièce jointe à votre structure.", "La fiche reste lisible sans elle.",
        "Appelez l'expéditeur ; il peut l'envoyer de nouveau."),
    SAY(ERR_ATTACHMENT_QUOTA, "La place que le hub réserve aux pièces jointes est prise.", IS_KEPT,
        "L'envoi reprendra de lui-même ; si cela dure, appelez l'opérateur du hub."),
    SAY(ERR_ATTACHMENT_ADDRESS, "Un morceau de pièce jointe n'est pas celui qui est annoncé.", "Il n'a pas été gardé.",
        "Appelez l'expéditeur et l'opérateur du hub."),
    SAY(ERR_HUB_FULL, "Le disque du hub est plein.", "La pièce jointe est gardée ici en entier, ce que le hub en a déjà aussi.",
        "Il n'y a rien à refaire : l'envoi reprend de lui-même ; si cela dure, appelez l'opérateur du hub."),
    SAY(ERR_NO_ROOM, "Le disque de ce nœud est plein.", "Ce qui est arrivé de la pièce jointe est gardé, le hub garde le tout.",
        "Libérez de la place : la suite vient d'elle-même."),
    SAY(ERR_NOT_SCANNED, "Cette pièce jointe n'a pas été analysée : aucun antivirus n'est configuré ici, ou il n'a pas encore répondu.", "Elle est gardée chiffrée, elle n'a pas été ouverte.",
        "Demandez à votre informatique de régler « scan_command » ; pour l'ouvrir quand même, ajoutez « --non-analyse »."),
    SAY(ERR_INFECTED, "L'analyse a trouvé cette pièce jointe infectée.", "Elle n'est donnée à personne ; la fiche reste lisible.",
        "Appelez l'expéditeur et votre informatique."),
    SAY(ERR_NOT_HERE_YET, "Cette pièce jointe n'est pas encore arrivée en entier.", "Ce qui est arrivé est gardé, le reste suit.",
        "Attendez ; « sheet show » dit où elle en est."),
    SAY(ERR_QUARANTINED, "Ce message est en quarantaine : son étiquette et son contenu ne concordent pas.", KEPT_ASIDE,
        "Appelez l'expéditeur et votre délégué à la protection des données."),
};
/* clang-format on */

static const struct sentence *find(enum err e)
{
    for (size_t i = 0; i < sizeof sentences / sizeof sentences[0]; i++)
        if (sentences[i].code == e)
            return &sentences[i];
    return NULL;
}

const char *word_error(enum err e)
{
    const struct sentence *s = find(e);

    return s ? s->text : word_error(ERR_INTERNAL);
}

const char *word_article(enum err e)
{
    const struct sentence *s = find(e);

    return s ? s->article : "";
}
