/*
 * session_table - who is connected: one entry per node, with what the door counts about it.
 * Confined to the door's thread.
 */
#ifndef HUB_SESSION_TABLE_H
#define HUB_SESSION_TABLE_H

#define HASH_NONFATAL_OOM 1 /* hh.tbl stays NULL then; without this uthash would exit */
#include <uthash.h>

#include "hub.h"

#define SESSION_IDLE_MS 90000 /* three missed PINGs */
#define SESSION_BAD_MAX 3     /* signatures that did not verify: the third ends the session */
#define SESSION_BAN_MS 10000

/* Something that could not be sent yet because the peer's queue was full. */
#define WAITING_BYTES_MAX (32u << 20) /* more than its credit and its requests can ask for */
struct waiting {
    struct waiting *next;
    struct parcel *parcel;
};

/* A token bucket. */
struct bucket {
    uint64_t filled_ms;
    double tokens;
    bool begun; /* full at the first use */
};
/* `rate` tokens a second, at most `burst` at once. False, and nothing is taken: too fast. */
bool bucket_take(struct bucket *b, uint64_t now_ms, uint32_t rate, uint32_t burst, uint32_t tokens);

/* The same, but what is not there is owed: how long until it is paid for, 0 if nothing is owed, and
 * at most `most_ms`. */
uint64_t bucket_owe_ms(struct bucket *b, uint64_t now_ms, uint32_t rate, uint32_t burst,
                       uint32_t tokens, uint32_t most_ms);
/* Empty, and it begins to fill at that time. */
void bucket_drain(struct bucket *b, uint64_t until_ms);

/* A session costs the hub a commit and two signatures: nobody opens them all day. */
#define HELLOS_A_SECOND 5
#define HELLOS_AT_ONCE 50
/* A COSIGN costs the core one signature check for each witness of the set; an honest one says two
 * for each HEADS. */
#define COSIGNS_A_SECOND 5
#define COSIGNS_AT_ONCE 10

struct session {
    uint8_t node[ID_BYTES]; /* key */
    struct member who;
    struct link_peer peer; /* of the open session */
    uint64_t number;       /* of the open session; 0: none is open */
    uint64_t asked;        /* number of the newest HELLO under way; 0: none */
    struct link_peer asked_peer;
    uint64_t after; /* last ACK passed on: what the next one's signature starts from */
    uint64_t heard_ms;
    struct account *account; /* of its organisation: what is under way */
    enum lane lane;
    struct bucket messages;
    struct bucket hellos;
    struct bucket cosigns;
    struct bucket vain;     /* what he may be refused */
    struct link_held held;  /* the connection that is read no further */
    uint64_t held_until_ms; /* 0: none is */
    struct session *next_held;
    unsigned bad;
    uint64_t banned_until_ms;
    struct waiting *waiting, **waiting_end;
    size_t waiting_count;
    size_t waiting_bytes;
    struct session *next_waiting; /* in the door's list of those for whom something waits */
    bool listed;
    UT_hash_handle hh;
};

struct session *session_find(struct session *all, const uint8_t node[ID_BYTES]);
struct session *session_make(struct session **all, const struct member *who);
void session_drop_waiting(struct session *s);
/* Owns p from here on. ERR_FULL: he reads nothing of what he asks for. */
enum err session_wait(struct session *s, struct parcel *p);
void sessions_free(struct session **all);

#endif
