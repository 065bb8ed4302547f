/*
 * operators_internal - what the files of operators.h share. TABLE_OPERATOR: u8 1, key id -> a named
 * operator; u8 2, nonce -> an act that was signed once, or ran and is remembered until it would
 * have expired. Thread rule: the core's.
 */
#ifndef HUB_OPERATORS_INTERNAL_H
#define HUB_OPERATORS_INTERNAL_H

#include "operator_act.h"
#include "operators.h"

struct named {
    uint8_t kid[KID_BYTES];
    struct sign_public pk;
    char name[OPERATOR_NAME_MAX + 1];
    uint64_t since_ms;
    uint64_t removed_ms; /* 0: he acts */
};
enum waiting_state {
    ACT_WAITS = 1,
    ACT_DONE
};
struct waiting {
    struct bytes act;     /* owned */
    struct bytes request; /* owned */
    uint8_t kid[KID_BYTES];
    uint8_t sig[SIG_BYTES];
    uint8_t kid2[KID_BYTES]; /* zeros: one was enough, or he has not come yet */
    uint8_t sig2[SIG_BYTES];
    uint64_t at_ms;
    uint64_t state; /* enum waiting_state */
};

enum err named_put(struct core *c, const struct named *n);
enum err named_get(struct core *c, const uint8_t kid[KID_BYTES], struct named *out);
enum err named_each(struct core *c, enum err (*visit)(void *arg, const struct named *n), void *arg);

enum err waiting_put(struct core *c, const uint8_t nonce[ID_BYTES], const struct waiting *w);
/* ERR_NOT_FOUND. Into an empty *out; waiting_wipe() it. */
enum err waiting_get(struct core *c, const uint8_t nonce[ID_BYTES], struct waiting *out);
enum err waiting_del(struct core *c, const uint8_t nonce[ID_BYTES]);
enum err waiting_each(struct core *c,
                      enum err (*visit)(void *arg, const uint8_t nonce[ID_BYTES],
                                        const struct waiting *w),
                      void *arg);
enum err waiting_room(struct core *c, size_t most); /* ERR_QUOTA: there are so many */
void waiting_wipe(struct waiting *w);

/* --- operators.c --- */
/* How many are named, and how many must sign a guarded command; 0: nobody. */
enum err operators_needed(struct core *c, size_t *named, size_t *out);
enum err operator_arg_key(const struct asked *a, struct sign_public *pk);
enum err operator_arg_name(const struct asked *a, const char **out);
enum err named_find(struct core *c, const char *name, struct named *out); /* who acts, by name */
enum err operator_act_tell(struct asked *a, struct span act, struct span request);
/* The leaf of type 19, with the signatures in w. None while a restored hub writes no leaf. */
enum err operators_leaf(struct core *c, const struct waiting *w, const struct operator_act *o,
                        enum err code);

/* --- operators_mean.c --- */
/* A command as it is signed: ids written out, nothing left to be read another way later. */
struct meant {
    enum audit_act act;
    uint8_t subject[OPERATOR_SUBJECT_MAX];
    size_t subject_len;
    json_t *args; /* owned */
};
struct guard {
    const char *command;
    enum audit_act act;
    enum err (*mean)(struct asked *a, struct meant *m);
    const char *words; /* French */
};
const struct guard *guard_of(const char *command); /* NULL: runs without signatures */
const struct guard *guard_of_act(uint64_t act);
/* What the command means now, as bytes to sign; *request is what is hashed in them. */
enum err act_make(struct asked *a, const struct guard *g, const uint8_t nonce[ID_BYTES],
                  uint64_t expires_ms, struct bytes *act, struct bytes *request);

#endif
