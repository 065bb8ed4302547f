/* door_internal - what the files of the door share. */
#ifndef HUB_DOOR_INTERNAL_H
#define HUB_DOOR_INTERNAL_H

#include "board.h"
#include "door.h"
#include "identity_keys.h"
#include "session_table.h"

#define DOOR_SILENT_MAX 4096
#define DOOR_LEAVING_MAX 64 /* the last of them are looked at */
struct door {
    struct door_options o;
    struct loop *loop;
    struct zap *zap;
    struct link_socket *members;
    struct link_socket *emergency; /* NULL: they come in with the others */
    struct link_socket *join;
    struct control *control;
    struct directory *dir;          /* the door's replica */
    const struct secret_box *bound; /* the transport key that peers meet */
    struct session *sessions;
    struct session *joiners; /* by invitation */
    size_t open;             /* sessions */
    struct session *waiting; /* those for whom something waits */
    struct session *held;    /* those who are read no further for a while */
    uint64_t next_session;
    uint64_t now_ms;         /* monotonic, of this turn */
    size_t allowed;          /* nodes of the directory that ZAP was told about */
    size_t turned;           /* former keys of nodes that it was told about */
    unsigned joins;          /* frames of the JOIN port in this second */
    uint64_t surveyed_bytes; /* held when the connections were last looked at, and when */
    uint64_t surveyed_ms;
    uint64_t cut_ms; /* when one was cut and its memory not given back yet; 0: none */
    struct link_connection leaving[DOOR_LEAVING_MAX]; /* cut, and perhaps not gone yet */
    size_t leaving_n;
    unsigned unexplained; /* looks in a row that found too much and nobody who holds it */
    uint64_t crowd_ms;
    uint64_t silent[DOOR_SILENT_MAX]; /* connections that had said nothing at the last look */
    uint64_t silent_next[DOOR_SILENT_MAX];
    size_t silent_n;
    uint64_t suspected; /* connection that the last survey found holding too much; 0: none */
    char suspected_user[LINK_USER_MAX + 1];
    char guessed_user[LINK_USER_MAX + 1]; /* whom elimination named last, and how often in a row */
    unsigned guesses;
    enum err fatal;
    struct {
        uint64_t refused, unsent, strangers, banned, denied, kicks, sheds, brakes, crowds, held;
    } count;
    uint64_t refused_by[ERR_CODES];
};

void door_refuse(struct door *d, struct link_socket *link, const struct link_frame *f, uint64_t req,
                 enum err why);
void session_gone(struct door *d, struct session *s);
void sessions_gone(struct door *d, const struct link_socket *link); /* of everybody there */
/* Where this node is served, by what the directory says of its organisation. */
struct link_socket *door_link(const struct door *d, const uint8_t node[ID_BYTES]);

/* door.c: what the loop hears, and what it counts as: so many messages of up to 8 KiB */
void door_on_member(struct link_socket *link, const struct link_frame *f, void *arg);
void door_on_join(struct link_socket *link, const struct link_frame *f, void *arg);
void door_on_control(struct control_request *r, void *arg);
uint32_t frame_weight(size_t bytes);

/* door_out.c */
void door_on_parcels(int fd, unsigned events, void *arg);
void door_parcels(struct door *d, size_t most); /* of those that wait */
void door_flush_all(struct door *d);            /* what waits for full peers */

/* door_hold.c: this frame of his was refused; and those whose time is over */
void door_hold(struct door *d, struct session *s, const struct link_frame *refused);
void door_let_go(struct door *d);

/* door_guard.c */
enum err door_zap_start(struct door *d);
enum err door_allow(struct door *d); /* what the directory says now, to ZAP */
/* Its key is let in no more, or again. Who is connected stays so: see link_drop(). */
void door_lock(struct door *d, const uint8_t node[ID_BYTES], bool locked);
/* Every member's connection is closed; all come back and say HELLO. */
void door_again(struct door *d);
json_t *door_facts(const struct door *d);

/* door_shed.c: at each turn of 20 ms, and of a second */
void door_watch_memory(struct door *d);
void door_watch_crowd(struct door *d);

#endif
