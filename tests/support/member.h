/*
 * member - a member's node without any check of its own: real keys, a real socket, and every
 * message of PROTOCOL.md 11, right or wrong. For system tests, the bench and the demo's rogue
 * sender. Made on libproto alone, so a hub cannot tell it from a node.
 *
 * Everything is drawn from a seed: the same seed and name give the same keys, ids and envelopes.
 * Functions that talk to the hub wait for its answer and return the hub's own word: ERR_OK or the
 * code of its ERR. ERR_TIMEOUT is silence (MEMBER_WAIT_MS), ERR_BUSY or ERR_CLOSED a frame that
 * the link did not take.
 * Thread rule: a crew and its members belong to one thread; make one crew a thread.
 */
#ifndef TESTS_MEMBER_H
#define TESTS_MEMBER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "circle.h"
#include "directory.h"
#include "envelope.h"
#include "messages.h"
#include "receipt.h"
#include "span.h"
#include "statement.h"

#define MEMBER_WAIT_MS 15000
#define CREW_MEMBERS_MAX 250 /* connected at once, in one crew */

/* --- a crew: the network of one thread ---------------------------------------------------- */

struct crew;
struct member_node;

enum err crew_open(const char *seed, struct crew **out); /* NULL: "crew" */
void crew_close(struct crew *c);                         /* after its members; NULL is fine */
/* Takes what has come and hands it to its members; waits at most wait_ms for something. */
enum err crew_turn(struct crew *c, uint64_t wait_ms);
/* Turns until done(arg), or false after within_ms. */
bool crew_until(struct crew *c, bool (*done)(void *arg), void *arg, uint64_t within_ms);
/* The members' wall clock, against the system's (what a hub under RELAIS_CLOCK_FILE has too). */
void crew_ahead(struct crew *c, int64_t ms);
uint64_t crew_now_ms(const struct crew *c);
/* How long a send waits for a connection or for room on it; 5,000 unless said. */
void crew_patience(struct crew *c, uint64_t ms);
const struct entropy *crew_entropy(const struct crew *c);

/* --- a member ------------------------------------------------------------------------------ */

/* Where a member connects and whom it trusts. An invitation says all of it. */
struct member_hub {
    char endpoint[256];
    char join_endpoint[256];
    uint8_t federation[ID_BYTES];
    uint64_t mode;
    struct box_public transport;
};

enum err member_new(struct crew *c, const char *name, struct member_node **out);
/* A node that is enrolled already, under its own keys (copied). */
enum err member_from_keys(struct crew *c, const char *name, const struct secret32 *sign,
                          const struct secret32 *curve, const uint8_t org[ID_BYTES],
                          const uint8_t node[ID_BYTES], const struct member_hub *hub,
                          struct member_node **out);
/* A second copy of the node: same keys, another incarnation, nothing learned. For clones. */
enum err member_copy(const struct member_node *m, const char *name, struct member_node **out);
void member_free(struct member_node *m); /* NULL is fine */

const char *member_name(const struct member_node *m);
const uint8_t *member_org(const struct member_node *m);   /* ID_BYTES */
const uint8_t *member_id(const struct member_node *m);    /* of the node, ID_BYTES */
const uint8_t *member_actor(const struct member_node *m); /* ID_BYTES */
const struct secret_sign *member_sign_key(const struct member_node *m);
const struct secret_box *member_transport_key(const struct member_node *m);
const struct secret_box *member_prekey(const struct member_node *m); /* the newest */
struct member_hub *member_hub(struct member_node *m);                /* may be changed */
struct crew *member_crew(const struct member_node *m);
struct directory *member_directory(const struct member_node *m); /* as of member_sync() */

/* Frames go to `say` instead of a socket (join: of the JOIN port). It answers as link_send(), and
 * gives what is answered to member_hears() before it returns: nothing is waited for any more. */
void member_wire(struct member_node *m,
                 enum err (*say)(struct member_node *m, struct span frame, bool join, void *arg),
                 void *arg);
void member_hears(struct member_node *m, struct span frame, bool join);

/* --- enrolment ------------------------------------------------------------------------------ */

/* Reads the invitation (armour) and makes keys, node id and the enrolment body. */
enum err member_invited(struct member_node *m, struct span invitation);
/* One JOIN and its answer. Silence is ERR_TIMEOUT. */
enum err member_join(struct member_node *m, enum join_state *state, enum err *code);
const char *member_fingerprint(const struct member_node *m); /* after member_invited() */
struct span member_enrol_body(const struct member_node *m);
/* The JOIN as it would be sent: spans borrow from m. To be tampered with and sent by
 * member_join_send(). */
enum err member_join_make(struct member_node *m, struct msg_join *out);
enum err member_join_send(struct member_node *m, const struct msg_join *join,
                          enum join_state *state, enum err *code);
/* Signs a REQUEST (armour) as founder or countersigner; *out is armour too. */
enum err member_sign_request(const struct member_node *m, enum statement_role role,
                             struct span request, struct bytes *out);
/* The same with any key: registrar (org NULL), or a wrong one. */
enum err request_sign_with(const struct secret_sign *key, enum statement_role role,
                           const uint8_t *org, struct span request, struct bytes *out);

/* --- session -------------------------------------------------------------------------------- */

enum err member_connect(struct member_node *m); /* fine if connected */
void member_disconnect(struct member_node *m);
bool member_is_connected(const struct member_node *m); /* has a socket; not: has a peer */

/* The honest next HELLO: a session number higher than the last, a fresh nonce. */
enum err member_hello_make(struct member_node *m, struct msg_hello *out);
/* Says it, waits for WELCOME or ERR. Repeats it while nothing comes (reconnecting). */
enum err member_hello(struct member_node *m, const struct msg_hello *hello);
enum err member_hello_within(struct member_node *m, const struct msg_hello *hello,
                             uint64_t within_ms);
/* Connect, honest HELLO, keys: all of it. */
enum err member_open(struct member_node *m);
enum err member_sync(struct member_node *m); /* KEYS to the end of the log */
/* The last HEADS, and how many came. */
const struct msg_heads *member_heads(const struct member_node *m, size_t *heard);
const struct msg_welcome *member_welcome(const struct member_node *m);        /* the last */
void member_credit(struct member_node *m, uint32_t messages, uint32_t bytes); /* of HELLO and ACK */

/* --- saying and hearing ----------------------------------------------------------------------- */

enum err member_send(struct member_node *m, struct span frame); /* any bytes, one frame */
enum err member_tell(struct member_node *m, const struct message *say);
uint64_t member_next_req(struct member_node *m);

/* An answer with its req: RECEIPT, KEYS_PAGE, CHAIN_PAGE, ERR. Owned: free it. */
struct member_answer {
    struct bytes frame;
    struct message message; /* borrows from frame */
    enum err code;          /* of an ERR; ERR_OK for the others */
};
void member_answer_free(struct member_answer *a);
/* The answer to `req`; 0: an answer that names none. ERR_TIMEOUT. */
enum err member_answer(struct member_node *m, uint64_t req, uint64_t within_ms,
                       struct member_answer *out);
/* Sends and waits. req stands in `say`. Returns the code of the answer; out may be NULL. */
enum err member_ask(struct member_node *m, const struct message *say, struct member_answer *out);
/* A frame as bytes, whose answer has this req. */
enum err member_ask_raw(struct member_node *m, struct span frame, uint64_t req,
                        struct member_answer *out);
/* Everything sent before has been decided when this returns ERR_OK (a KEYS and its answer). */
enum err member_barrier(struct member_node *m);
size_t member_answers(const struct member_node *m); /* waiting to be taken */
void member_forget_answers(struct member_node *m);

/* If set, every decoded frame goes here first; true: taken, it is not kept. */
void member_on_frame(struct member_node *m,
                     bool (*seen)(struct member_node *m, const struct message *frame, void *arg),
                     void *arg);

/* --- mailbox ---------------------------------------------------------------------------------- */

struct member_item {
    uint64_t seq;
    uint64_t previous;
    enum deliver_kind kind;
    struct bytes item;
    struct bytes receipt;
    unsigned copies;  /* how often the hub has sent it */
    uint64_t session; /* in which it was sent last */
    bool acked;
};

size_t member_items(const struct member_node *m); /* all ever received, ascending seq */
/* As if nothing had come yet; what was acknowledged stays so. For a hub with another past. */
void member_forget_mail(struct member_node *m);
void member_forget_heads(struct member_node *m); /* the same of its logs, until the next WELCOME */
const struct member_item *member_item(const struct member_node *m, size_t i);
size_t member_items_of(const struct member_node *m, enum deliver_kind kind);
/* Until that many of a kind (0: any) have come. */
enum err member_await(struct member_node *m, enum deliver_kind kind, size_t count,
                      uint64_t within_ms);
/* What a kept receipt says; borrows from the item. */
enum err member_item_facts(const struct member_item *it, struct receipt_facts *out);
/* The n-th (from 0) receipt of that audit type in the mailbox, NULL: none. */
const struct member_item *member_receipt_of(const struct member_node *m, enum audit_type type,
                                            size_t n);

/* The honest ACK up to a seq, to be tampered with. */
enum err member_ack_make(struct member_node *m, uint64_t upto, struct msg_ack *out);
enum err member_ack_sign(const struct member_node *m,
                         struct msg_ack *a); /* what stands there now */
/* Honest, of everything received; settles it at the hub (barrier). */
enum err member_ack_all(struct member_node *m);
enum err member_ack(struct member_node *m, uint64_t upto); /* sends only */
uint64_t member_acked(const struct member_node *m);
void member_settled(struct member_node *m, uint64_t upto); /* the hub has it, however it learned */

/* An SS for REPORT. `item` is an envelope received. */
enum err member_report_make(struct member_node *m, const struct member_item *item,
                            enum audit_type outcome, enum err code, struct bytes *ss);
enum err member_report(struct member_node *m, const struct member_item *item,
                       enum audit_type outcome, enum err code, struct bytes *receipt);

/* An SS for RECALL of an envelope that m has sent (or that somebody else has: spoiled). */
enum err member_recall_make(struct member_node *m, struct span envelope, enum recall_reason why,
                            struct bytes *ss);
enum err member_recall_ss(struct member_node *m, struct span ss, struct bytes *receipt);
enum err member_recall(struct member_node *m, struct span envelope, enum recall_reason why,
                       struct bytes *receipt); /* may be NULL */

/* --- circles ------------------------------------------------------------------------------------
 */

/* One circle, as the members of a test know it together. */
struct member_circle {
    uint8_t handle[ID_BYTES];
    struct circle *state;
};
void member_circle_free(struct member_circle *c); /* NULL is fine */

struct circle_row member_row(const struct member_node *m); /* everything allowed, no team */
enum err member_circle_create(struct member_node *m, struct member_circle **out);
/* The next statement of that kind by m: circle_next() at the head. To be filled in or spoiled. */
enum err member_statement(struct member_node *m, const struct member_circle *c,
                          enum circle_kind kind, struct circle_statement *out);
/* Signs, declares, and applies to c when the hub has accepted. receipt may be NULL. */
enum err member_declare(struct member_node *m, struct member_circle *c,
                        const struct circle_statement *s, struct bytes *receipt);
enum err member_declare_ss(struct member_node *m, struct span ss, struct member_answer *out);
enum err member_offer(struct member_node *m, const struct member_circle *c, enum circle_kind kind,
                      const uint8_t to[ID_BYTES], const struct circle_row *row, struct bytes *out);
/* Offer by one, joining by the other, under `row` (NULL: member_row()). */
enum err member_circle_join(struct member_node *inviter, struct member_node *joiner,
                            struct member_circle *c, const struct circle_row *row);
/* The four acts of the person, told by m. *n (may be NULL): position in the chain. */
enum err member_notice(struct member_node *m, struct member_circle *c, uint8_t classes,
                       const struct member_node *about, uint32_t *n);
enum err member_consent(struct member_node *m, struct member_circle *c, uint8_t classes,
                        const struct member_node *about, uint32_t *n);
enum err member_withdraw(struct member_node *m, struct member_circle *c, uint32_t consent_n);
enum err member_oppose(struct member_node *m, struct member_circle *c, uint8_t classes,
                       const struct member_node *about); /* NULL: everybody */
enum err member_leave(struct member_node *m, struct member_circle *c);

/* --- envelopes
 * ------------------------------------------------------------------------------------ */

/* Honest defaults: type 1, échange, coordination, social, one health professional to others, now,
 * one day; heads as of the last sync. Change what you like, then seal. */
enum err member_header(struct member_node *m, const uint8_t circle[ID_BYTES],
                       struct member_node *const *to, size_t count, struct env_header *out);
enum err member_header_to(struct member_node *m, const uint8_t circle[ID_BYTES],
                          const uint8_t (*to)[ID_BYTES], size_t count, struct env_header *out);
/* Under the recipients' newest prekeys in m's directory. digest may be NULL. */
enum err member_seal(struct member_node *m, const struct env_header *h, struct span body,
                     struct bytes *out, uint8_t *digest);
/* Header, seal: one call for what is not about the envelope. */
enum err member_letter(struct member_node *m, const uint8_t circle[ID_BYTES],
                       struct member_node *const *to, size_t count, struct span body,
                       struct bytes *out);
/* The same, `n` of them under one signature; out[i] as by member_letter(). */
enum err member_letters(struct member_node *m, const uint8_t circle[ID_BYTES],
                        struct member_node *const *to, size_t count, struct span body,
                        struct bytes *out, size_t n);
/* PUT and its answer; receipt (may be NULL) becomes the RECEIPT's. */
enum err member_put(struct member_node *m, struct span envelope, struct bytes *receipt);
enum err member_put_frame(uint64_t req, struct span envelope, struct bytes *frame);

/* An envelope taken apart. */
struct member_parts {
    uint64_t version;
    struct bytes hdr, rcp, com, ct, sig;
};
enum err member_parts_read(struct span envelope, struct member_parts *out);
enum err member_parts_write(const struct member_parts *p, struct bytes *out);
/* Signs what is there now, as m, whatever the header says. */
enum err member_parts_sign(const struct member_node *m, struct member_parts *p);
void member_parts_free(struct member_parts *p);
/* The header replaced by another one and signed anew: keys and body no longer fit. */
enum err member_parts_header(struct member_parts *p, const struct env_header *h);

#endif
