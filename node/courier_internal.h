/*
 * courier, inside: the state that courier.c (session, time), courier_in.c (deliveries, ACK) and
 * courier_out.c (requests and their answers) share.
 */
#ifndef NODE_COURIER_INTERNAL_H
#define NODE_COURIER_INTERNAL_H

#define HASH_NONFATAL_OOM 1 /* hh.tbl stays NULL then; without this uthash would exit */
#include <uthash.h>

#include "attach.h"
#include "contacts.h"
#include "courier.h"
#include "messages.h"
#include "transport.h"

#define TICK_MS 100
#define HELLO_TIMEOUT_MS 5000
#define HELLO_WAIT_MS 500
#define LINK_ANEW_MS 60000 /* libzmq itself tries at least every 30 s */
#define HELLO_WAIT_MAX_MS 30000
#define FAULTS_MAX 6 /* 500 ms doubled so often: half a minute */
#define FAULTS_FORGET_MS 60000
#define STOPPED_RETRY_MS 60000 /* a suspension may be lifted: ask once a minute, no more */
#define PUTS_FLYING_MAX 32
#define OTHERS_FLYING_MAX 32
#define ACK_GROUP_MAX CREDIT_MESSAGES
#define ATTEST_WANTED_MAX 64
#define TASK_KEY_MAX 33
#define REPORT_TRIES_MAX 8
#define STALE_TRIES_MAX 5   /* at once; then with a growing wait like everything else */
#define KEYS_PAUSE_MS 15000 /* a batch waits this long for the keys its senders knew */

enum task_kind {
    TASK_PUT = 1,     /* mid */
    TASK_DECLARE,     /* act id */
    TASK_REPORT,      /* report key */
    TASK_CHAIN,       /* handle */
    TASK_KEYS,        /* "" */
    TASK_KEYS_PUT,    /* "" */
    TASK_WITNESS_PUT, /* "" */
    TASK_CONSISTENCY, /* "" */
    TASK_RECALL,      /* report key */
    TASK_ABSENCE_PUT, /* "" */
    TASK_RESTATE,     /* handle */
    TASK_ATTEST,      /* "" */
    TASK_REKEY,       /* "" */
    TASK_KINDS
};

/* Something the hub has to answer; lives until it has. */
struct task {
    struct task_id {
        uint8_t kind;
        uint8_t key[TASK_KEY_MAX];
    } id;
    uint64_t req; /* of the newest sending: answers to older ones are ignored */
    bool flying;
    unsigned tries;
    uint64_t due_ms; /* flying: when to give up waiting; else: when to send (again) */
    uint64_t wait_ms;
    uint64_t from; /* TASK_CHAIN, TASK_RESTATE: n; TASK_ABSENCE_PUT: the ts of what is said */
    uint8_t circle[ID_BYTES];      /* TASK_DECLARE */
    struct head_question question; /* TASK_CONSISTENCY, TASK_ATTEST */
    UT_hash_handle hh;
};

/* One attachment on its way (courier_att.c). */
#define ATT_WAYS 2
#define ATT_WINDOW 8 /* chunks under way */
struct att_flow {
    struct att_row row; /* the newest one worked at; way 0: none yet */
    bool running;
    bool opened;  /* how much the other side has is known */
    bool telling; /* ATT_DONE is said */
    struct attfile *file;
    uint32_t count;
    uint32_t next; /* to be sent, or asked for */
    uint32_t got;  /* on disk there, or here */
    uint64_t first_req, last_req;
    uint64_t heard_ms, due_ms, wait_ms;
};

#define ATT_TROUBLES 16 /* remembered */
struct att_trouble {
    enum att_way way; /* 0: none */
    uint8_t address[ATTACHMENT_ADDRESS_BYTES];
    enum err why;
};

struct courier {
    struct node *n;
    struct transport *transport;
    struct link_socket *link;
    char endpoint[257];
    struct box_public server; /* the hub's key that the link was made for */
    enum courier_state state;
    enum err why;
    bool full;      /* the newest batch found no room on our disk */
    bool may_retry; /* STOPPED: ask again by itself, seldom */
    bool cloned;    /* the hub saw a second copy of this node, and delivers nothing */
    uint64_t session;
    uint8_t nonce[ID_BYTES];
    bool hello_prepared; /* session is on disk, and was not sent yet */
    uint8_t hub[ID_BYTES];
    uint64_t last_seq; /* on our disk */
    uint64_t acked;    /* by the last ACK, or as WELCOME said */
    uint64_t got;      /* newest seq received in this session */
    uint64_t head_seq; /* the hub's, as last told */
    uint64_t state_until_ms;
    uint64_t hello_wait_ms;
    unsigned faults; /* sessions that ended for what was said, not for the line */
    uint64_t ready_ms;
    uint64_t linked_ms; /* the link was made, or last carried a HELLO */
    uint64_t heard_ms;
    uint64_t pinged_ms;
    uint64_t prekey_ms; /* when to look again */
    int64_t skew_ms;    /* hub's clock minus ours */
    uint64_t keys_target;
    struct held_welcome { /* not judged before the keys log is read: it may be under other keys */
        bool held;
        uint32_t epoch;
        struct ckpt audit;
        struct bytes opening; /* owned */
    } welcome;
    uint64_t next_req;
    struct task *tasks;
    size_t flying[TASK_KINDS];
    struct bytes wanted[ATTEST_WANTED_MAX]; /* receipts that somebody wants with cosignatures */
    size_t wanted_count;
    struct bytes batch[ACK_GROUP_MAX];
    size_t batch_count;
    uint64_t pause_until_ms; /* the batch waits for the keys log; 0: it does not */
    bool work_due;
    bool next_keys;     /* the link was made under the node's next keys (rekey.h) */
    bool turn_due;      /* and shall be, at the next tick */
    enum err rekey_why; /* they were refused; whether the log has them is to be read yet */
    struct att_flow flow[ATT_WAYS]; /* by way - 1 */
    struct att_trouble trouble[ATT_TROUBLES];
    size_t trouble_next;
    struct {
        uint64_t sent, received; /* chunks */
    } att;
    struct {
        uint64_t hellos, welcomes, gaps, delivered, refused, failed_batches;
    } count;
};

uint64_t courier_mono(const struct courier *c);
uint64_t courier_jitter(struct courier *c, uint64_t ms); /* between half and all of it */
enum err courier_send(struct courier *c, const struct message *m);
void courier_down(struct courier *c, const char *why); /* a new HELLO, later */
/* The same for what one side said or could not keep: with a wait that a WELCOME does not reset. */
void courier_fault(struct courier *c, const char *why);
void courier_stop(struct courier *c, enum err why, bool may_retry);
void courier_want_work(struct courier *c);

void courier_enter(struct courier *c, enum courier_state state, uint64_t for_ms);

/* courier_welcome.c */
void on_welcome(struct courier *c, const struct link_frame *f, const struct message *m);
/* The keys log is read as far as the hub says that it goes: is all of it as the hub said? */
void courier_synced(struct courier *c);

/* courier_link.c */
enum err courier_connect(struct courier *c);
void courier_link_anew(struct courier *c); /* on failure the former one stays */
/* Would another link be made for another key of the hub? Its hour has come. */
bool courier_link_stale(const struct courier *c);
/* No connection: is it time to make the link anew? */
bool courier_link_old(const struct courier *c);

void courier_on_frame(struct link_socket *link, const struct link_frame *f, void *arg);

/* courier_in.c */
void on_deliver(struct courier *c, const struct link_frame *f, const struct message *m);
void batch_drop(struct courier *c);
void batch_flush(struct courier *c);

/* courier_tasks.c */
struct task *task_make(struct courier *c, enum task_kind kind, struct span key); /* or the same */
struct task *task_find(const struct courier *c, enum task_kind kind);            /* empty key */
struct task *task_of_req(const struct courier *c, uint64_t req);
bool task_due(const struct courier *c, const struct task *x);
void task_end(struct courier *c, struct task *x);
void task_again(struct courier *c, struct task *x); /* later */
void task_now(struct courier *c, struct task *x);   /* in the next turn */
void task_land(struct courier *c, struct task *x);
/* Numbers and sends. *req is the request number's place in *m. */
enum err task_send(struct courier *c, struct task *x, struct message *m, uint64_t *req);
void tasks_landed(struct courier *c); /* the session is gone: all are to be sent again */
void tasks_time(struct courier *c);   /* gives up waiting for answers that did not come */
void tasks_free(struct courier *c);

/* courier_att.c */
void att_work(struct courier *c);
void flows_landed(struct courier *c); /* the session is gone */
void on_att_state(struct courier *c, const struct link_frame *frame, const struct message *m);
void on_att_chunk(struct courier *c, const struct link_frame *frame, const struct message *m);
/* Was this request one about an attachment? Then it is dealt with. */
bool att_refused(struct courier *c, uint64_t req, enum err why, bool final);

/* courier_answers.c */
void on_receipt(struct courier *c, const struct link_frame *f, const struct message *m);
void on_err(struct courier *c, const struct link_frame *f, const struct message *m);
void on_keys_page(struct courier *c, const struct link_frame *f, const struct message *m);
void on_chain_page(struct courier *c, const struct link_frame *f, const struct message *m);

/* courier_heads.c */
bool is_evidence(enum err e);
void on_heads(struct courier *c, const struct link_frame *f, const struct message *m);
void on_consistency_proof(struct courier *c, const struct link_frame *f, const struct message *m);
void on_keys_asked(struct courier *c, const struct link_frame *f, const struct message *m);
void heads_work(struct courier *c); /* asks for proofs, cosigns, publishes the witness key */

/* courier_circles.c: chains that a restored hub may have lost */
void restates_work(struct courier *c);
void restated(struct courier *c, struct task *x, struct span receipt);
void restate_refused(struct courier *c, struct task *x, const struct msg_err *m, enum err why);

/* courier_attest.c: receipts under a head that a quorum of witnesses has cosigned */
void attest_work(struct courier *c);
void attest_proved(struct courier *c, struct task *x, const struct msg_consistency_proof *p);
void attest_refused(struct courier *c, struct task *x, enum err why);
void attest_free(struct courier *c);

/* courier_rekey.c */
bool rekey_silent(const struct courier *c); /* nothing is to be signed now */
void rekey_work(struct courier *c);
void rekey_turn(struct courier *c); /* the hub knows the next keys: a link under those */
void rekey_other(
    struct courier *c); /* no WELCOME under these keys: the others, if it may know them */
void rekey_tick(struct courier *c); /* the log has them: they are the node's */

/* courier_out.c */
void courier_work(struct courier *c);      /* sends what is due */
void courier_sync_keys(struct courier *c); /* asks for what is missing up to keys_target */

#endif
