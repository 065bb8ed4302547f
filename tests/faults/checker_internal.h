/* checker_internal - what the checker remembers of a history; shared by reading and judging. */
#ifndef TESTS_FAULTS_CHECKER_INTERNAL_H
#define TESTS_FAULTS_CHECKER_INTERNAL_H

#include <stdbool.h>

#include "checker.h"

#define NAME_BYTES 16
#define MID_BYTES 33
#define DIGEST_TEXT 17
#define ROOT_BYTES 65
#define TO_MAX 8

enum final {
    FINAL_NONE = 0,
    FINAL_DELIVERED = 2,
    FINAL_EXPIRED = 8,
    FINAL_RECALLED = 9,
    FINAL_HELD = 12
};

/* One recipient of one envelope. */
struct place {
    unsigned who;
    bool got;
    uint64_t seq;
    size_t got_at; /* line */
    enum final final;
    bool told_sender, told_recipient;
    bool shared, closed; /* under a consent, which is withdrawn */
    bool deputy;         /* a recipient only when it is released to him */
    bool released, release_told_sender, release_told_recipient;
    uint64_t release_index;
};

struct letter {
    char mid[MID_BYTES];
    char digest[DIGEST_TEXT];
    unsigned from;
    size_t sent_at;    /* line */
    size_t receipt_at; /* line; 0: none */
    uint64_t index;
    int refused; /* code; 0: not */
    size_t leaves, releases;
    size_t n;
    struct place to[TO_MAX];
};

struct sheet {
    char token[MID_BYTES];
    unsigned from, to;
    bool kept;
    bool filed;
    bool gone; /* its leaf, with what a restored hub has lost */
    size_t shown;
    uint64_t place; /* in the inbox */
    char mid[MID_BYTES];
    int out_state; /* -1: not in the sender's list */
    int out_code;
    int delivered;
};

struct head {
    char log[8];
    uint64_t size;
    char root[ROOT_BYTES];
    unsigned who;
    size_t at;
};

/* An accepted message of a node. */
struct leaf {
    char mid[MID_BYTES];
    uint64_t index;
};

/* A stage of an act that operators sign. */
struct stage {
    char digest[DIGEST_TEXT];
    int code;
};

#define LIST(type)                                                                                 \
    struct {                                                                                       \
        type *at;                                                                                  \
        size_t n, cap;                                                                             \
    }

struct checker {
    FILE *findings;
    struct verdict_counts count;
    char names[CHECKER_NAMES_MAX][NAME_BYTES];
    size_t name_count;
    uint64_t acked[CHECKER_NAMES_MAX];
    LIST(struct letter) letters;
    LIST(struct sheet) sheets;
    LIST(struct leaf) leaves;
    LIST(struct stage) stages;
    LIST(struct head) heads;
    LIST(struct head) trees;
    LIST(size_t) slots; /* hash of mids: index of a letter + 1 */
    size_t line;
    bool restored; /* an old store is in place */
    bool noticed;  /* and somebody said so */
    bool ended;
};

/* One more of a kind, said with its line. */
__attribute__((format(printf, 3, 4))) void finding(struct checker *c, size_t *kind,
                                                   const char *form, ...);
void *list_room(void *at, size_t *n, size_t *cap, size_t size);
#define LIST_ADD(list, type)                                                                       \
    ((list).at = list_room((list).at, &(list).n, &(list).cap, sizeof(type)), &(list).at[(list).n++])
struct letter *letter_find(struct checker *c, const char *mid);
struct place *place_find(struct letter *l, unsigned who);

/* verdict.c: what only the whole history shows. */
void judge_letters(struct checker *c);
void judge_order(struct checker *c);
void judge_heads(struct checker *c);
void judge_sheets(struct checker *c);

#endif
