#include "treap.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

enum side {
    LEFT,
    RIGHT
};

/* One key with its value, shared by all nodes that are copies of one another. */
struct record {
    atomic_size_t refs;
    size_t key_len, value_len;
    uint32_t weight; /* a treap: every node is as heavy as its children, or heavier */
    uint8_t bytes[];
};

struct treap {
    atomic_size_t refs;
    struct record *record;
    struct treap *kid[2];
};

/* A hash of the key (FNV-1a) stands in for chance, so that a run can be repeated exactly. */
static uint32_t weight_of(struct span key)
{
    uint32_t h = 2166136261U;

    for (size_t i = 0; i < key.len; i++)
        h = (h ^ key.ptr[i]) * 16777619U;
    h ^= h >> 15;
    h *= 2246822519U; /* the low bits of neighbouring keys are too much alike without this */
    return h ^ h >> 13;
}

static struct record *record_new(struct span key, struct span value)
{
    struct record *r = malloc(sizeof *r + key.len + value.len);

    if (!r)
        return NULL;
    atomic_init(&r->refs, 1);
    r->key_len = key.len;
    r->value_len = value.len;
    r->weight = weight_of(key);
    memcpy(r->bytes, key.ptr, key.len);
    if (value.len)
        memcpy(r->bytes + key.len, value.ptr, value.len);
    return r;
}

static void record_release(struct record *r)
{
    if (atomic_fetch_sub(&r->refs, 1) == 1)
        free(r);
}

struct span treap_key(const struct treap *node)
{
    return span_of(node->record->bytes, node->record->key_len);
}

struct span treap_value(const struct treap *node)
{
    return span_of(node->record->bytes + node->record->key_len, node->record->value_len);
}

struct treap *treap_retain(struct treap *root)
{
    if (root)
        atomic_fetch_add(&root->refs, 1);
    return root;
}

void treap_release(struct treap *root)
{
    if (!root || atomic_fetch_sub(&root->refs, 1) != 1)
        return;
    treap_release(root->kid[LEFT]); /* as deep as the treap: some 2 log2(n) */
    treap_release(root->kid[RIGHT]);
    record_release(root->record);
    free(root);
}

/* A node of our own with the record and the children given, which it retains. */
static struct treap *node_new(struct record *record, struct treap *left, struct treap *right)
{
    struct treap *node = malloc(sizeof *node);

    if (!node)
        return NULL;
    atomic_init(&node->refs, 1);
    atomic_fetch_add(&record->refs, 1);
    node->record = record;
    node->kid[LEFT] = treap_retain(left);
    node->kid[RIGHT] = treap_retain(right);
    return node;
}

/* node and its kid on that side are fresh copies nobody else has seen: they may be changed. */
static struct treap *lift(struct treap *node, enum side side)
{
    struct treap *kid = node->kid[side];

    if (kid->record->weight <= node->record->weight)
        return node;
    node->kid[side] = kid->kid[!side];
    kid->kid[!side] = node;
    return kid;
}

/* Owned copy of the way down to the record's place, with the record there; NULL: no memory. */
static struct treap *with(struct treap *at, struct record *record)
{
    struct span key = span_of(record->bytes, record->key_len);
    struct treap *copy, *kid;
    enum side side;
    int order;

    if (!at)
        return node_new(record, NULL, NULL);
    order = span_compare(key, treap_key(at));
    if (!order)
        return node_new(record, at->kid[LEFT], at->kid[RIGHT]);
    if (!(copy = node_new(at->record, at->kid[LEFT], at->kid[RIGHT])))
        return NULL;
    side = order < 0 ? LEFT : RIGHT;
    if (!(kid = with(at->kid[side], record))) {
        treap_release(copy);
        return NULL;
    }
    treap_release(copy->kid[side]);
    copy->kid[side] = kid;
    return lift(copy, side);
}

/* Everything in `left` is below everything in `right`; neither is empty. NULL: no memory. */
static struct treap *joined(struct treap *left, struct treap *right)
{
    enum side inner = left->record->weight >= right->record->weight ? RIGHT : LEFT;
    struct treap *top = inner == RIGHT ? left : right;
    struct treap *copy, *kid;

    if (!top->kid[inner])
        kid = treap_retain(inner == RIGHT ? right : left);
    else if (inner == RIGHT)
        kid = joined(left->kid[RIGHT], right);
    else
        kid = joined(left, right->kid[LEFT]);
    if (!kid)
        return NULL;
    copy = inner == RIGHT ? node_new(left->record, left->kid[LEFT], kid)
                          : node_new(right->record, kid, right->kid[RIGHT]);
    treap_release(kid); /* copy holds it now, or nobody needs it */
    return copy;
}

/* The key is there. ERR_NOMEM leaves *out alone; an empty result is NULL and no error. */
static enum err without(struct treap *at, struct span key, struct treap **out)
{
    int order = span_compare(key, treap_key(at));
    enum side side = order < 0 ? LEFT : RIGHT;
    struct treap *kid, *copy;
    enum err e;

    if (!order && (!at->kid[LEFT] || !at->kid[RIGHT])) {
        *out = treap_retain(at->kid[LEFT] ? at->kid[LEFT] : at->kid[RIGHT]);
        return ERR_OK;
    }
    if (!order) {
        if (!(copy = joined(at->kid[LEFT], at->kid[RIGHT])))
            return ERR_NOMEM;
        *out = copy;
        return ERR_OK;
    }
    if ((e = without(at->kid[side], key, &kid)))
        return e;
    copy = side == LEFT ? node_new(at->record, kid, at->kid[RIGHT])
                        : node_new(at->record, at->kid[LEFT], kid);
    treap_release(kid);
    if (!copy)
        return ERR_NOMEM;
    *out = copy;
    return ERR_OK;
}

enum err treap_put(struct treap **root, struct span key, struct span value)
{
    struct record *record = record_new(key, value);
    struct treap *now;

    if (!record)
        return ERR_NOMEM;
    now = with(*root, record);
    record_release(record);
    if (!now)
        return ERR_NOMEM;
    treap_release(*root);
    *root = now;
    return ERR_OK;
}

enum err treap_del(struct treap **root, struct span key)
{
    struct treap *now;
    enum err e;

    if (!treap_at(*root, key))
        return ERR_NOT_FOUND;
    if ((e = without(*root, key, &now)))
        return e;
    treap_release(*root);
    *root = now;
    return ERR_OK;
}

const struct treap *treap_at(const struct treap *root, struct span key)
{
    int order;

    while (root && (order = span_compare(key, treap_key(root))))
        root = root->kid[order < 0 ? LEFT : RIGHT];
    return root;
}

const struct treap *treap_from(const struct treap *root, struct span key)
{
    const struct treap *best = NULL;

    while (root) {
        if (span_compare(treap_key(root), key) >= 0) {
            best = root;
            root = root->kid[LEFT];
        } else {
            root = root->kid[RIGHT];
        }
    }
    return best;
}

const struct treap *treap_above(const struct treap *root, struct span key)
{
    const struct treap *best = NULL;

    while (root) {
        if (span_compare(treap_key(root), key) > 0) {
            best = root;
            root = root->kid[LEFT];
        } else {
            root = root->kid[RIGHT];
        }
    }
    return best;
}

const struct treap *treap_below(const struct treap *root, struct span key)
{
    const struct treap *best = NULL;

    while (root) {
        if (!key.len || span_compare(treap_key(root), key) < 0) {
            best = root;
            root = root->kid[RIGHT];
        } else {
            root = root->kid[LEFT];
        }
    }
    return best;
}
