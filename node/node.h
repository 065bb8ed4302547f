/*
 * node - what the modules of relais-node share: one store, one loop, one thread, one link to one
 * hub. Every module keeps its own state behind its own header; this struct only says who is there.
 *
 * The rule of the store: every record is sealed by the vault (vault.h), under the key of the person
 * it is about, or under the node's own when it is about none. Nothing is acknowledged, shown or
 * sent before the commit that keeps it has answered ERR_OK. After a commit that did not, what was
 * derived in memory is read again (node_forget()).
 * What a hub says is kept apart by federation from the first day: own.federation is part of the
 * keys where two federations could meet.
 * Thread rule: confined to the loop's thread.
 */
#ifndef NODE_NODE_H
#define NODE_NODE_H

#include <stdbool.h>
#include <stdint.h>

#include "clock.h"
#include "ids.h"
#include "keyfile.h"
#include "keys.h"
#include "random.h"
#include "settings.h"
#include "store.h"

/* Keys are fixed-width, integers big-endian. (K): sealed under the node's key, (P): under the key
 * of the person. */
enum node_table {
    TABLE_META,    /* name -> value (K) */
    TABLE_PKEY,    /* person id -> her data key, wrapped by the epoch key */
    TABLE_INDEX,   /* blinded token 32, id 16 -> nothing */
    TABLE_PREKEY,  /* kid -> number, created, secret, SS (K) */
    TABLE_PIN,     /* federation id -> what the invitation said, genesis (K) */
    TABLE_K_ENTRY, /* keys log replica: ledger.h; public statements, not sealed */
    TABLE_K_SIDE,  /* empty */
    TABLE_K_TILE,
    TABLE_K_ROOT,
    TABLE_SEEN_HEAD,  /* be32 epoch, be64 size -> a signed audit head, not checked yet (K) */
    TABLE_ALARM,      /* be64 number -> evidence of two histories, a clone ... (K) */
    TABLE_CIRCLE,     /* handle -> what this node knows of the circle beside its chain (K) */
    TABLE_CHAIN,      /* handle, be32 n -> SS (K) */
    TABLE_OFFER,      /* handle -> an invitation to this circle, not answered yet (K) */
    TABLE_ACT,        /* act id -> a statement on its way to the hub (K) */
    TABLE_ACT_LIVE,   /* be64 made, act id -> nothing: the hub has not decided yet */
    TABLE_OUT,        /* mid -> state of a sent envelope (K) */
    TABLE_OUT_BODY,   /* mid -> its payload (P) */
    TABLE_OUT_LIVE,   /* be64 seq, mid -> nothing: the hub has not decided yet */
    TABLE_OUT_SEALED, /* mid -> the envelope, byte for byte as sent (ciphertext, K) */
    TABLE_RECEIPT,    /* mid or act id, type u8, org 16 -> receipt as on the wire (K) */
    TABLE_IN,         /* mid, from -> state of a received envelope (K) */
    TABLE_IN_BODY,    /* mid, from -> its payload (P) */
    TABLE_IN_PROOF,   /* mid, from -> hdr, rcp, com, sig, H(ct), mk, accepted receipt (P) */
    TABLE_IN_HELD,    /* mid, from -> whole envelope waiting for its circle's chain (K) */
    TABLE_REPORT,     /* mid, from, outcome u8 -> report on its way to the hub (K) */
    TABLE_ACTOR,      /* pseudonym -> the professional behind it (K) */
    TABLE_JOURNAL,    /* be64 number -> who read or wrote what, chained (K) */
    TABLE_PERSON,     /* person id -> record (P); care/person.h */
    TABLE_LINK,       /* provisional person id -> person id (K); care/person.h */
    TABLE_ATT,        /* way u8, attachment address -> what became of it (K); attach.h */
    TABLE_ATT_LIVE,   /* the same -> mid: something is still to be done */
    TABLE_CARE,       /* for care/: free use, sealed by the vault as its module says */
    TABLE_TOLD,       /* kind u8, id 16, id 16 -> what the hub warns of; told.h (K) */
    TABLE_BELL,       /* mid, from -> the notification of a received envelope; bell.h (K) */
    TABLE_BELL_LIVE,  /* u8 0 urgent, 1 to do, 2 failed, mid, from -> nothing */
    TABLE_ATT_SCAN,   /* attachment address -> u8 enum att_scan, not SCAN_CLEAN; scan.h */
    TABLE_ATTESTED,   /* leaf hash of a receipt -> its file under a head that witnesses cosigned (K)
                       */
    NODE_TABLES
};
#define NODE_SCHEMA 1

struct loop;
struct link_socket;
struct transport;
struct vault;
struct contacts;
struct circles;
struct courier;
struct waits;
struct gauges;
struct bells;
struct attach;
struct scans;
struct carries;
struct care_hooks;

/* Who we are at the hub; zero before `join` has ended. */
struct node_self {
    bool joined;
    uint8_t org[ID_BYTES];
    uint8_t node[ID_BYTES];
    uint8_t federation[ID_BYTES];
    uint64_t mode;          /* enum mode */
    uint8_t kid[KID_BYTES]; /* of the signing key */
    char org_name[201];
    char federation_name[65];
};

/* Other keys on their way (rekey.h). */
enum rekey_phase {
    REKEY_NONE,
    REKEY_DRAINING,
    REKEY_OFFERED,
    REKEY_REFUSED
};
struct rekey {
    enum rekey_phase phase;
    enum err why;             /* REKEY_REFUSED */
    uint8_t kid[KID_BYTES];   /* of the next signing key */
    struct secret_sign *sign; /* the next ones; NULL once they are in their place */
    struct secret_box *curve;
};

struct node {
    const struct clock *clock;
    struct entropy entropy;
    char dir[512];
    struct node_settings settings;
    struct keyring *ring;
    struct secret_sign *sign;
    struct secret_sign *witness; /* cosigns heads of logs, and nothing else */
    struct witness *watch;       /* what it has cosigned, and what others have (witness.h) */
    struct secret_box *curve;
    struct rekey rekey;
    struct store *store;
    struct vault *vault;
    struct node_self self;
    const struct care_hooks *care;
    struct contacts *contacts;
    struct circles *circles;
    struct waits *waits;
    struct attach *attach;
    struct courier *courier; /* NULL without a daemon */
    struct gauges *gauges;   /* NULL without a daemon */
    struct bells *bells;     /* NULL without a daemon */
    struct scans *scans;     /* NULL without a daemon, or without a command */
    struct carries *carries; /* NULL without a daemon */
    struct loop *loop;       /* NULL without a daemon */
    bool absence_settled;    /* no absence of ours waits for the hub; false: look (absence.h) */
    enum err alarm;          /* ERR_OK, or why nothing is sealed and nothing delivered any more */
};

struct node_options {
    const char *dir;
    const char *engine;     /* of the store: "lmdb"; "mem" for tests */
    struct span passphrase; /* borrowed */
    const struct clock *clock;
    struct entropy entropy;
    const struct care_hooks *care;
    struct keyfile_cost caps;
    enum store_access access;
    const char *store; /* its directory; NULL: <dir>/store */
    /* A store up to this is looked at as a whole before it is believed (store.h). */
    uint64_t check_bytes;
    bool (*damaged)(void *arg, const char *table, struct span key); /* may be NULL */
    void *damaged_arg;
};

/* A new directory with key file and settings. ERR_EXISTS: there is one already. */
enum err node_create(const struct node_options *options, struct keyfile_cost cost);
/* Key file, store, and every module but the courier. The caller holds the directory lock. */
enum err node_open(const struct node_options *options, struct node **out);
/* Only key file, store and vault: for who reads records as they lie. */
enum err node_open_vault(const struct node_options *options, struct node **out);
/* What seals this node's backups. */
enum err node_backup_key(const struct keyring *ring, struct secret32 **out);
void node_close(struct node *n); /* NULL is fine */
/* Everything derived from the store again, after a commit that was not confirmed. */
enum err node_forget(struct node *n);
/* Ends a write transaction. If the commit was not confirmed, node_forget() is done before this
 * returns. *t is NULL afterwards. */
enum err node_commit(struct node *n, struct txn **t);
/* Ends it without keeping anything; memory is read again where the transaction had touched it. */
void node_abort(struct node *n, struct txn **t);
/* After a commit that gave the courier something to do; harmless without one. */
void node_kick(struct node *n);

uint64_t node_now_ms(const struct node *n);
enum err node_random(struct node *n, uint8_t *out, size_t size);
/* 6 bytes of big-endian milliseconds, then 10 random ones. */
enum err node_new_mid(struct node *n, uint8_t mid[ID_BYTES]);

/* Does the answer speak of this machine (disk, memory ...) and not of what was asked? Then nothing
 * is decided and it is tried again. */
bool err_of_machine(enum err e);

/* Integers in keys and rows. */
void put_be32(uint8_t *out, uint32_t value);
void put_be64(uint8_t *out, uint64_t value);
uint32_t get_be32(const uint8_t *in);
uint64_t get_be64(const uint8_t *in);

#endif
