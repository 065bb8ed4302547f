/*
 * core - the store thread: it decides, writes, commits a group of jobs, and lets the answers out
 * after the commit. Its modules share one struct core, confined to this thread.
 *
 * The rule of a group: handlers run inside one write transaction and stage what they want to say
 * with core_say(); nothing leaves before store_commit() has answered ERR_OK. After any other
 * answer everything derived in memory (logs, directory, circles, mailboxes) is dropped and read
 * again from the store, and every member of the group is told to ask again with the same id.
 *
 * A handler returns ERR_OK when it has dealt with the job, refusals included. Anything else means
 * that the store failed and the group cannot be committed.
 */
#ifndef HUB_CORE_H
#define HUB_CORE_H

#include "board.h"
#include "hub.h"
#include "identity_keys.h"
#include "ledger.h"
#include "receipt.h"
#include "store.h"
#include "tables.h"
#include "window.h"

/* Tables of the hub's store; keys are fixed-width, integers big-endian. */
enum hub_table {
    TABLE_META,     /* name -> value */
    TABLE_INVITE,   /* invitation id -> invite record (registry) */
    TABLE_NODE,     /* node number u32 -> session state and cursor (mailbox) */
    TABLE_ITEM,     /* seq u64 -> who gets it, until when (items) */
    TABLE_BODY,     /* seq u64 -> its bytes */
    TABLE_SEEN,     /* mid, from -> digest and place in the log; until exp + 24 h */
    TABLE_REPORTED, /* mid, org, audit type u8 (outcome, held, expired) -> audit index u64 */
    TABLE_CIRCLE,   /* handle -> n u64, link of the circle's last audit entry */
    TABLE_CHAIN,    /* handle, n u32 -> audit index u64, SS */
    TABLE_HEAD,     /* audit size after each commit, as a place (epochs) -> time ms u64 */
    TABLE_K_ENTRY,
    TABLE_K_SIDE, /* of a keys leaf: commit time ms u64 */
    TABLE_K_TILE,
    TABLE_K_ROOT,
    TABLE_A_ENTRY,
    TABLE_A_SIDE, /* of an audit leaf: salt, detail */
    TABLE_A_TILE,
    TABLE_A_ROOT,
    TABLE_QUOTA,     /* org -> its limits u64, 0: the setting (quota) */
    TABLE_COSIGN,    /* log u8, node number u32 -> a witness's newest cosignature (witness) */
    TABLE_SILENT,    /* node number u32, sender's u32 -> last heard ms u64: he was told so */
    TABLE_ESCALATED, /* handle, org -> roles u8, code u16, at ms u64, audit index u64 */
    TABLE_OPERATOR,  /* named operators, and acts that they signed (operators) */
    TABLE_ATT_REF,   /* attachment address 32, org -> until, node number, fetched (attached) */
    TABLE_DEPUTY,    /* due ms, seq u64, which u8 -> deputy's node u32, recipient's u32 (deputy) */
    TABLE_RELEASED,  /* seq u64, which u8 -> seq of the deputy's item u64 */
    TABLE_LASTING,   /* org -> what it has put in for ever, u64 each (lasting) */
    HUB_TABLES
};

#define HUB_SCHEMA 1
const char *const *core_table_names(void); /* HUB_TABLES of them, for tools */

#define SILENT_AFTER_S (UINT64_C(24) * 3600)

struct core_options {
    uint64_t silent_after_s; /* a node not heard for so long is reported; 0: SILENT_AFTER_S */
    const char *engine;      /* of the store: "lmdb" */
    const char *where;
    uint64_t store_max_bytes;
    uint64_t check_bytes; /* a store up to this is looked at as a whole before it is served */
    const struct clock *clock;
    const struct entropy *entropy;
    const struct identity *identity;
    struct fair *in;            /* borrowed */
    struct queue *out;          /* of struct parcel; borrowed */
    uint64_t deliver_max_bytes; /* issued and not acknowledged, of all together; 0: no bound */
    const struct hub_conf *conf;
    struct board *board;             /* where figures are told; borrowed, may be NULL */
    struct attachments *attachments; /* borrowed; NULL: none are taken */
};

/* One epoch of the audit log. The last is the one that grows; the others are closed. */
#define EPOCHS_MAX 64
struct epoch {
    uint32_t number;
    char origin[96];
    struct ledger *ledger;
};

/* What a hub restored from a backup does before it serves again (restore.c). */
struct recovery {
    bool on;
    bool behind;       /* not restored, and older than what was signed (behind.c): it stays so */
    bool accepted;     /* by the operators, where they must agree */
    uint64_t began_ms; /* monotonic */
    uint64_t audit;    /* longest head of the audit log that was shown */
    uint64_t keys;     /* the same of the keys log */
    size_t heard;      /* nodes that have shown what they hold, and have no more than we */
};

struct attachments;
struct hub_conf;
struct staged;
struct circles;
struct mailboxes;
struct quotas;
struct heads;

#define GROWTH_NOTES 25 /* one an hour, for a day */
struct core {
    const struct clock *clock;
    const struct entropy *entropy;
    const struct identity *id;
    struct store *store;
    struct fair *in;
    struct queue *out;
    struct outflow outflow; /* DELIVERs on their way through `out` */
    struct window window;   /* what is issued and not acknowledged */
    struct ledger *keys;
    struct ledger *audit; /* of the newest epoch */
    struct epoch epochs[EPOCHS_MAX];
    size_t epoch_count;
    struct witnessing *witnessing;
    struct recovery recovery;
    struct directory *dir;
    struct circles *circles;
    struct mailboxes *mail;
    struct quotas *quotas;
    struct heads *heads;
    struct attachments *attachments; /* borrowed; NULL: none are taken */
    const struct hub_conf *conf;
    const char *endpoint; /* what invitations say; set before the thread starts */
    const char *join_endpoint;
    const char *emergency_endpoint; /* NULL: as the others */
    uint8_t incarnation[ID_BYTES];
    uint64_t next_seq;     /* of items */
    uint64_t keys_told;    /* leaves of the keys log that the replicas have */
    uint64_t now_ms;       /* of the group */
    uint64_t item_ns;      /* what deciding one item has cost lately; 0: not known */
    struct txn *t;         /* the group's */
    struct staged *staged; /* what to say after the commit */
    struct staged **staged_end;
    struct steady { /* steady.c: may the wall clock be believed? */
        bool known; /* it was looked at before */
        bool doubt;
        uint64_t wall_ms, mono_ms; /* at the last look */
        uint64_t since_ms;         /* mono: since when it has gone steadily */
        uint64_t jumps;
    } steady;
    uint64_t silent_after_ms;
    uint64_t started_mono_ms, started_ms;
    uint64_t silence_looked_ms; /* mono */
    uint64_t quota;             /* of the store in good days; 0: none */
    uint64_t reserve;       /* beyond it: for what empties the store (ACK, expiry) and for HELLO */
    bool escalating;        /* circles of who was suspended are walked through (warnings.h) */
    bool tight, tight_room; /* full: nothing that grows is taken in; half the reserve is free */
    uint64_t tight_ms;      /* when that was last looked at */
    uint64_t refusals_left; /* leaves of type 11 this group may still write */
    uint64_t sweep_at;      /* where the next slice of items to sweep begins */
    uint8_t seen_at[2 * ID_BYTES]; /* the same for the dedupe rows */
    struct held { /* found undeliverable by the pump: the next group writes it down */
        struct held *next;
        uint64_t seq;
        uint32_t number;
        enum err why;
    } * holds;
    struct {
        uint64_t accepted, delivered, reports, statements, refused, held, expired, recalled;
        uint64_t released, damaged; /* to deputies; by the disk, while it waited */
        uint64_t commits, failed_commits, hellos, clones;
        uint64_t untold; /* refusals without a leaf of their own */
    } count;
    struct board *board; /* figures.c: the rest is what it remembers */
    struct figures figures;
    struct growth {
        uint64_t at_ms[GROWTH_NOTES];
        uint64_t used[GROWTH_NOTES];
        size_t n;
    } growth;
    uint64_t looked_ms, readers_ms, reader_sees, reader_since_ms;
};

enum err core_logs_open(struct core *c); /* both, of c->store and c->id */
/* Opens the store, reads everything; the caller then runs core_thread(). */
enum err core_open(const struct core_options *options, struct core **out);
void core_close(struct core *c); /* NULL is fine */
/* Everything again from the store, for the start and after a commit that was not confirmed. */
enum err core_reload(struct core *c);
/* Announces the invitations to the door and logs the start. Before core_thread(). */
enum err core_started(struct core *c);
/* A thread's body: jobs until the queue is closed and empty. arg is the struct core. */
void *core_thread(void *arg);
/* One group: what core_thread() does in a loop; for tests. ERR_AGAIN: nothing came in wait_ms. */
enum err core_turn(struct core *c, int64_t wait_ms);

/* --- saying, after the commit ------------------------------------------------------------- */

/* To where the job came from. settles: this ends the request. */
enum err core_say(struct core *c, const struct job *to, const struct message *m, bool settles);
/* RECEIPT for the audit leaf `index` of this group or an earlier one. */
enum err core_say_receipt(struct core *c, const struct job *to, uint64_t index);
/* ERR; a refusal of a member's act becomes a leaf of type 11 unless it is not final. */
enum err core_refuse(struct core *c, const struct job *j, enum err why);
enum err core_refuse_with(struct core *c, const struct job *j, const struct msg_err *m);
/* Any other parcel: owned by the core from here on, also on error. */
enum err core_stage(struct core *c, struct parcel *p);
enum err core_answer(struct core *c, const struct job *j, json_t *answer); /* steals answer */

/* After the commit: everything staged goes out. After anything else: it is forgotten. */
void staged_say(struct core *c);
void staged_forget(struct core *c);

/* --- the audit log (audit.c) --------------------------------------------------------------- */

/* Adds a leaf. If the detail names a circle (DETAIL_CIRCLE), its number n and link are filled in
 * and the circle's row moves on. */
enum err audit_add(struct core *c, enum audit_type type, struct detail *d, uint64_t *index);
/* The same; *size: bytes of its entry, salt and detail. */
enum err audit_add_sized(struct core *c, enum audit_type type, struct detail *d, uint64_t *index,
                         size_t *size);
/* The receipt of a committed leaf, the same bytes for ever; t is a read transaction. path may be
 * NULL. */
enum err audit_receipt(struct core *c, struct txn *t, uint64_t index,
                       const struct receipt_path *path, struct bytes *out);
/* What leaf `index` says, in the group's transaction; borrows from it. ERR_NOT_FOUND: erased. */
enum err audit_detail(struct core *c, uint64_t place, struct detail *out);
enum err audit_head(struct core *c, struct txn *t, uint64_t size, struct ckpt *out);
enum err keys_head(struct core *c, struct txn *t, uint64_t size, struct ckpt *out);
enum err heads_new(struct heads **out);
void heads_free(struct heads *h);
void heads_forget(struct heads *h);
/* Is this a head of our own log? ERR_OK; ERR_CHECKPOINT: not signed by our key; ERR_SPLIT_VIEW:
 * signed by our key, and not our history. */
enum err audit_check_head(struct core *c, const struct ckpt *head);
enum err keys_check_head(struct core *c, const struct ckpt *head);

/* --- figures (figures.c) ------------------------------------------------------------------- */
void figures_tick(struct core *c); /* from on_tick(), inside the group */
/* --- epochs of the audit log (epochs.c) ----------------------------------------------------- */
/* A leaf is named everywhere in the store by its place: the ordinal of its epoch in the upper 16
 * bits, its index below. So what the store says of an old leaf stays true in a new epoch. */
#define PLACE_SHIFT 48
enum err epochs_open(struct core *c);
void epochs_close(struct core *c);
const struct epoch *epoch_now(const struct core *c);
const struct epoch *epoch_numbered(const struct core *c, uint32_t number); /* NULL */
uint64_t leaf_place(const struct core *c, uint64_t index);                 /* in the newest epoch */
/* ERR_CORRUPT: there is no such epoch. */
enum err place_read(const struct core *c, uint64_t place, const struct epoch **epoch,
                    uint64_t *index);
/* In the group's transaction; its ledger is there until core_reload(), committed or not. */
enum err epoch_add(struct core *c);
/* The receipt of the newest epoch's leaf 0; empty in the first epoch. */
enum err epoch_opening(struct core *c, struct bytes *out);

/* --- witnesses (witness.c) ------------------------------------------------------------------- */
enum err witnessing_new(struct core *c);
void witnessing_free(struct core *c);
enum err witnessing_load(struct core *c);
void witnessing_epoch(struct core *c); /* a new one has begun: nobody has attested it */
/* HEADS to one session, or to all if they are due. */
enum err heads_tell(struct core *c, const struct job *to);
enum err heads_tell_due(struct core *c);
enum err on_consistency(struct core *c, struct job *j);
enum err on_cosign(struct core *c, struct job *j);
struct witness_lag {
    bool named;     /* a set is in force */
    size_t members; /* of it */
    uint64_t quorum;
    size_t keyed;        /* members with a witness key */
    uint64_t audit_size; /* newest audit head with a quorum; 0: none in this epoch */
    uint64_t keys_size;
    uint64_t audit_time_s; /* when that quorum was reached; 0: never */
    uint64_t keys_time_s;
};
void witness_lag(const struct core *c, struct witness_lag *out);

/* --- handlers ------------------------------------------------------------------------------ */
enum err on_put(struct core *c, struct job *j);
enum err on_declare(struct core *c, struct job *j);
enum err on_chain(struct core *c, struct job *j);
enum err on_ack(struct core *c, struct job *j);
enum err on_report(struct core *c, struct job *j);
enum err on_recall(struct core *c, struct job *j);
/* Does it take back what is here already? Then it is decided before the envelopes of its group. */
bool recall_goes_first(struct core *c, const struct job *j);
enum err on_hello(struct core *c, struct job *j);
void hello_undo(struct core *c, const struct job *j); /* its group is lost: no session is open */
/* May this node be served now? ERR_SUSPENDED, ERR_REVOKED ... Who speaks, also: ERR_KEY_REVOKED. */
enum err core_standing(const struct core *c, const struct member *who);
enum err core_speaker(const struct core *c, const struct member *who);
enum err on_gone(struct core *c, struct job *j);
enum err on_tick(struct core *c, struct job *j);
enum err on_lock(struct core *c, struct job *j);
enum err locks_announce(struct core *c);                            /* at start, to the door */
enum err node_lock(struct core *c, struct mailbox *m, bool locked); /* on disk, and at the door */
/* keys_in_force.c: the signing key in force by the keys log; the federation with today's keys */
const struct secret_sign *core_hub_key(const struct core *c);
struct federation core_federation(const struct core *c);
/* Of a head of the keys log of size `at`, or of the audit log's epoch `at`; NULL: we lack it. */
const struct secret_sign *core_log_key(const struct core *c, enum hub_key which, uint64_t at);
/* Are the keys of both logs in hub.key? Without them no head can be shown, and nobody is served. */
bool core_log_keys_here(const struct core *c);
/* By a key that may have signed there (*out, or NULL)? at UINT64_MAX: by the newest alone. */
bool core_log_signed(const struct core *c, enum hub_key which, uint64_t at, struct span note,
                     const uint8_t sig[SIG_BYTES], struct sign_public *out);
enum err epoch_turn(struct core *c);    /* under another key: everybody says HELLO again */
enum err core_head_row(struct core *c); /* where this group's leaves end, if it has any */
void epochs_committed(struct core *c);
enum err on_keys(struct core *c, struct job *j);
/* What KEYS is answered with, from there on; borrows from the group's transaction. */
enum err keys_page(struct core *c, uint64_t from, struct message *m);
enum err on_keys_put(struct core *c, struct job *j);
enum err on_join(struct core *c, struct job *j);
enum err registry_append(struct core *c, struct span ss); /* verified, logged, announced */
enum err registry_tell_missed(struct core *c);
enum err registry_load(struct core *c);     /* the directory from the keys log */
enum err registry_announce(struct core *c); /* at start: invitations to the door */
/* Every committed leaf of the keys log, for replicas at start. */
enum err registry_each(struct core *c,
                       enum err (*visit)(void *arg, uint64_t index, uint64_t time_ms,
                                         struct span ss),
                       void *arg);
enum err on_command(struct core *c, struct job *j); /* commands.c */

/* --- circles (circles.c) ------------------------------------------------------------------- */
struct circle;
struct circle_signers;
enum err circles_new(struct circles **out);
void circles_free(struct circles *cs);
void circles_forget(struct circles *cs);
/* The state as of this transaction. ERR_NOT_FOUND. Borrowed until the next circles_ call. */
enum err circles_get(struct core *c, const uint8_t handle[ID_BYTES], struct circle **out);
/* Takes a freshly created circle into the cache; owned from here on. */
enum err circles_add(struct core *c, const uint8_t handle[ID_BYTES], struct circle *fresh);
struct circle_signers circles_signers(struct core *c, bool brought); /* brought: declare.c */
#define CHAIN_ROW_SS 8 /* where the SS begins in a TABLE_CHAIN row */
enum err chain_row_ss(struct span row, struct span *ss); /* ERR_CORRUPT; borrowed */

/* --- mailboxes (mailbox.c, deliver.c) and items (items.c, ends.c) ---------------------------- */
struct mailbox {
    struct member who;
    uint64_t acked;  /* cumulative, on disk */
    uint64_t issued; /* last seq issued in this session; acked when none */
    uint64_t session_number;
    uint8_t nonce[ID_BYTES];
    uint8_t incarnation[ID_BYTES];
    bool known;  /* a HELLO was seen before: the three above mean something */
    bool cloned; /* stopped until a human decides */
    bool shown;  /* after a restore: it has nothing that we lack */
    bool locked; /* its key is let in no more, until a human decides */
    struct entry {
        uint64_t seq;
        uint32_t bytes;
        bool ended; /* recalled or held back, but issued: here until the ACK that counts it */
    } * ring;
    size_t head, len, cap;
    uint64_t heard_ms;     /* when a session of it last opened, acknowledged or ended; on disk */
    uint64_t silence_upto; /* up to here its senders know that it is silent */
    bool silent;
    uint64_t may_have; /* newest seq that this node may ever have been sent */
    size_t out;        /* entries issued and not acknowledged; by window.h alone */
    uint64_t out_bytes;
    uint64_t window_bytes; /* as much may be out; grows with every ACK */
    struct window *window; /* over all */
    struct mailbox *next;  /* in a list of the window, if listed */
    bool listed, stopped;  /* stopped: more would go once he, or others, acknowledge */
    bool urgent;           /* of an emergency organisation */
    bool open;             /* a live session */
    uint64_t session;
    struct link_peer peer;
    uint32_t credit_messages;
    uint32_t credit_bytes;
};

void session_credit(struct mailbox *m, uint32_t messages, uint32_t bytes);
enum err mailboxes_new(struct mailboxes **out);
void mailboxes_free(struct mailboxes *m);
/* All again from TABLE_NODE and TABLE_ITEM; live sessions and credit of `old` are kept. */
enum err mailboxes_load(struct core *c);
struct mailbox *mailbox_of(const struct core *c, uint32_t number);              /* NULL: none */
enum err mailbox_make(struct core *c, const struct member *who);                /* fine if there */
enum err mailbox_decode(struct span key, struct span row, struct mailbox *out); /* ERR_CORRUPT */
enum err mailbox_save(struct core *c, const struct mailbox *m); /* its TABLE_NODE row */
enum err mailbox_push(struct core *c, uint32_t number, uint64_t seq, uint32_t bytes);
size_t mailbox_before(const struct mailbox *m, uint64_t seq); /* how many wait below it */
/* It met another end than delivery. True: it was issued, and stays in the ring until the ACK. */
bool mailbox_end(struct mailbox *m, uint64_t seq);
/* The session is over: what had stayed in the ring for its ACK goes, with its items. */
enum err mailbox_session_over(struct core *c, struct mailbox *m);
void mailbox_pop(struct mailbox *m, uint64_t upto);
size_t mailbox_each(struct core *c, void (*visit)(struct mailbox *m, void *arg), void *arg);
/* After a commit: issues what credit allows. Entries that may no longer be delivered are left in
 * c->holds for the next group. */
enum err mailboxes_pump(struct core *c);
bool mailboxes_wait(struct core *c); /* for the pump, and it could go on now */
/* Something that is no job may have opened the way again: everybody is looked at once. */
void mailboxes_ready(struct core *c);

/* ERR_OK, or the row of the disclosure table that has closed since `body` was accepted. ERR_OPEN:
 * these bytes are not the envelope that was accepted for m. */
enum err item_judge(struct core *c, const struct mailbox *m, struct span body);
bool item_is_held_for(enum err e); /* is that a row of the table, not a failure of ours? */

enum err holds_write(struct core *c);
void holds_forget(struct core *c);
enum err seen_sweep(struct core *c); /* dedupe rows older than exp + 24 h, a slice */

#define ITEM_RECIPIENTS_MAX 1024
enum item_done {
    ITEM_WAITS,
    ITEM_ENDED,       /* no longer in his mailbox */
    ITEM_ENDED_ISSUED /* the same, but counted by the ACK of this session */
};

struct item {
    uint64_t seq;
    enum deliver_kind kind;
    uint64_t exp_ms; /* 0: never */
    uint64_t index;  /* audit leaf */
    uint32_t sender; /* node number; 0 with kind 3 and 2: nobody is told */
    uint8_t mid[ID_BYTES];
    uint8_t from[ID_BYTES];   /* of a receipt: whose quota it counts in */
    uint8_t circle[ID_BYTES]; /* of an envelope */
    uint8_t digest[DIGEST_BYTES];
    uint32_t body_bytes;
    size_t count;
    uint32_t to[ITEM_RECIPIENTS_MAX];
    uint8_t done[ITEM_RECIPIENTS_MAX]; /* enum item_done: held back, expired, recalled for him */
};

/* Writes item and body under the next seq, and into the recipients' mailboxes. */
enum err item_add(struct core *c, struct item *it, struct span body);
enum err item_read(struct txn *t, uint64_t seq, struct item *out); /* ERR_NOT_FOUND */
/* Borrowed. ERR_OPEN: the disk has lost it, or gives back something else. */
enum err item_body(struct txn *t, uint64_t seq, struct span *out);
enum err item_done(struct core *c, struct item *it, uint32_t number, enum item_done how);
/* Not an envelope, and waiting for a node that was revoked: it has no end of its own. */
bool item_is_orphan(struct core *c, const struct item *it);
enum err item_forsake(struct core *c, struct item *it); /* revoked nodes get it no more */
/* Deletes the item if every recipient has it or is done. */
enum err item_settle(struct core *c, uint64_t seq);
enum err items_scan(struct txn *t, uint64_t from_seq, size_t most,
                    enum err (*visit)(void *arg, const struct item *it), void *arg);
/* Of leaf `index`, with its path in an ACK; until fetched in `payer`'s quota (NULL: its own). */
enum err item_add_receipt(struct core *c, uint32_t number, const uint8_t payer[ID_BYTES],
                          uint64_t index, const struct receipt_path *path);

/* What TABLE_SEEN keeps of an accepted envelope. */
struct seen {
    uint8_t digest[DIGEST_BYTES];
    uint64_t index;
    uint64_t seq;
    uint64_t exp_ms;
    uint32_t sender;
    uint8_t deputies; /* whom it may be released to, one after the other */
};
enum err seen_get(struct txn *t, const uint8_t mid[ID_BYTES], const uint8_t from[ID_BYTES],
                  struct seen *out);
enum err seen_put(struct core *c, const uint8_t mid[ID_BYTES], const uint8_t from[ID_BYTES],
                  const struct seen *s);

/* How a message ended for one organisation. ERR_NOT_FOUND. */
struct ended {
    uint64_t index; /* of that leaf */
    bool had;       /* it may have had the message all the same */
};
enum err ended_get(struct txn *t, const uint8_t mid[ID_BYTES], const uint8_t org[ID_BYTES],
                   enum audit_type how, struct ended *out);
enum err ended_put(struct core *c, const uint8_t mid[ID_BYTES], const uint8_t org[ID_BYTES],
                   enum audit_type how, const struct ended *e);

/* Ends `it` for one recipient otherwise than by delivery (ends.c): leaf, row, receipts to sender
 * and recipient, and what is left of the item goes when nobody waits for it. */
struct ending {
    enum audit_type type; /* AUDIT_EXPIRED, AUDIT_HELD, AUDIT_RECALLED */
    uint32_t code;
    const struct statement *act; /* signed by a member: AUDIT_RECALLED; else NULL */
};
enum err item_end(struct core *c, struct item *it, uint32_t number, const struct ending *how);
/* Held back for one recipient. ERR_CORRUPT: its bytes are lost; a statement or receipt then goes
 * with a word to the operator alone. */
enum err item_hold(struct core *c, struct item *it, uint32_t number, enum err why);
/* After a statement that narrows: what is on its way in this circle and no longer passes. */
enum err issued_judge(struct core *c, const uint8_t handle[ID_BYTES], const uint8_t org[ID_BYTES]);

/* The statement of a REPORT or RECALL. */
struct report {
    uint64_t outcome; /* enum audit_type */
    uint8_t mid[ID_BYTES];
    uint8_t digest[DIGEST_BYTES];
    uint8_t from[ID_BYTES];
    uint8_t by[ID_BYTES];
    uint64_t ts_ms;
    uint32_t code;
    uint8_t actor[ID_BYTES];
};
enum err report_decode(struct span stmt, enum audit_type least, enum audit_type most,
                       struct report *out);

#endif
