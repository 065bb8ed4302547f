/*
 * ids - the sizes and codes of PROTOCOL.md 1 and 3 that every folder shares.
 * Thread rule: constants and pure functions.
 */
#ifndef RELAIS_IDS_H
#define RELAIS_IDS_H

#include <stdint.h>

#define ID_BYTES 16
#define DIGEST_BYTES 64 /* of an envelope (PROTOCOL.md 5.3) */

enum mode {
    MODE_REAL = 1,
    MODE_EXERCISE = 2
};
enum org_kind {
    ORG_DAC = 1,
    ORG_ESSMS,
    ORG_HOSPITAL,
    ORG_EMERGENCY,
    ORG_MDPH,
    ORG_LIBERAL,
    ORG_OTHER
};
enum class_bit {
    CLASS_IDENTITY = 1,
    CLASS_SOCIAL = 2,
    CLASS_AUTONOMY = 4,
    CLASS_MEDICAL = 8,
    CLASS_RESTRICTED = 16,
    CLASS_ALL = 31
};
enum category_bit {
    CATEGORY_HEALTH = 1,
    CATEGORY_SOCIAL = 2
};
enum basis {
    BASIS_ECHANGE = 1,
    BASIS_EQUIPE = 2,
    BASIS_CONSENTI = 3,
    BASIS_URGENCE = 4
};
enum envelope_type {
    ENVELOPE_SHEET = 1,
    ENVELOPE_INVITATION = 2
};

/* Audit entry types (PROTOCOL.md 9); 3, 5, 6, 7 are also report outcomes. */
enum audit_type {
    AUDIT_ACCEPTED = 1,
    AUDIT_DELIVERED = 2,
    AUDIT_OPENED = 3,
    AUDIT_REFUSED = 5,
    AUDIT_UNREADABLE = 6,
    AUDIT_MISLABELLED = 7,
    AUDIT_EXPIRED = 8,
    AUDIT_RECALLED = 9,
    AUDIT_STATEMENT = 10,
    AUDIT_REJECTED = 11,
    AUDIT_HELD = 12,
    AUDIT_ACT = 13,
    AUDIT_ALARM = 14,
    AUDIT_DEPUTY = 15, /* released to the deputy, or not: its code */
    AUDIT_SILENT = 16,
    AUDIT_ESCALATED = 17,
    AUDIT_EPOCH = 18, /* leaf 0 of an epoch that is not the first */
    AUDIT_OPERATORS = 19,
    AUDIT_ATTACHMENT_REMOVED = 20
};
/* Why a sender recalls (PROTOCOL.md 3). */
enum recall_reason {
    RECALL_NO_REASON = 0,
    RECALL_CONTENT,
    RECALL_PERSON,
    RECALL_RECIPIENT,
    RECALL_REPLACED
};
enum audit_act {
    ACT_INVITE = 1,
    ACT_APPROVE,
    ACT_SUSPEND,
    ACT_RESUME,
    ACT_REVOKE,
    ACT_RELEASE,
    ACT_START,
    ACT_GENESIS,
    ACT_CLONE,
    ACT_SPLIT_VIEW,
    ACT_QUOTA,
    ACT_LOCK,
    ACT_ALLOW,
    ACT_OPERATOR_ADD = 20,
    ACT_OPERATOR_REMOVE,
    ACT_HUB_KEY,
    ACT_RESTORE
};

#endif
