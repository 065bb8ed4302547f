#include "window.h"

#include <stddef.h>

#include "core.h"

#define ACKS_WAIT_MS 5

static void list_append(struct window_list *l, struct mailbox *m)
{
    m->next = NULL;
    if (l->first)
        l->last->next = m;
    else
        l->first = m;
    l->last = m;
    m->listed = true;
}

static struct mailbox *list_pop(struct window_list *l)
{
    struct mailbox *m = l->first;

    if (!m)
        return NULL;
    l->first = m->next;
    m->listed = false;
    return m;
}

static uint64_t weight(const struct entry *e)
{
    return (uint64_t)e->bytes + DELIVER_EXTRA;
}

enum window_says window_says(const struct mailbox *m, const struct entry *next)
{
    uint64_t most = m->window->most ? m->window->most : UINT64_MAX;
    uint64_t room = most - m->window->bytes;
    uint64_t after = m->out_bytes + m->out * (uint64_t)DELIVER_EXTRA + weight(next);

    if (m->out >= m->credit_messages)
        return WINDOW_CREDIT;
    if (m->out > 0 && (m->out_bytes + next->bytes > m->credit_bytes || after > m->window_bytes))
        return WINDOW_CREDIT;
    if (weight(next) > room || (m->out > 0 && after > room))
        return WINDOW_BOUND;
    return WINDOW_OPEN;
}

void window_stopped(struct mailbox *m)
{
    m->window->stopped += !m->stopped;
    m->stopped = true;
}

uint32_t window_acks_wait_ms(const struct window *w)
{
    return w->stopped ? 0 : ACKS_WAIT_MS;
}

static void goes_on(struct mailbox *m)
{
    m->window->stopped -= m->stopped;
    m->stopped = false;
}

void window_issued(struct mailbox *m, const struct entry *e)
{
    struct window *w = m->window;

    m->out++;
    m->out_bytes += e->bytes;
    w->bytes += weight(e);
    if (w->bytes > w->highest)
        w->highest = w->bytes;
}

static void room_again(struct window *w)
{
    struct mailbox *m;

    while ((m = list_pop(&w->starved)))
        list_append(m->urgent ? &w->urgent : &w->ready, m);
}

void window_returned(struct mailbox *m, const struct entry *e)
{
    goes_on(m);
    m->out--;
    m->out_bytes -= e->bytes;
    m->window->bytes -= weight(e);
    room_again(m->window);
}

void window_shut(struct mailbox *m)
{
    goes_on(m);
    m->open = false;
    m->window->bytes -= m->out_bytes + m->out * (uint64_t)DELIVER_EXTRA;
    m->out = 0;
    m->out_bytes = 0;
    room_again(m->window);
}

void window_grow(struct mailbox *m)
{
    if (m->window_bytes < WINDOW_MAX)
        m->window_bytes *= 2;
}

void window_ready(struct mailbox *m)
{
    struct window *w = m->window;

    if (!m->listed && m->open && !m->cloned && m->out < m->len)
        list_append(m->urgent ? &w->urgent : &w->ready, m);
}

void window_starved(struct mailbox *m)
{
    list_append(&m->window->starved, m);
}

struct mailbox *window_next(struct window *w)
{
    struct mailbox *m = list_pop(&w->urgent);

    return m ? m : list_pop(&w->ready);
}

bool window_waits(const struct window *w)
{
    return w->urgent.first || w->ready.first;
}
