// SPDX-License-Identifier: Apache-2.0
#include "daemon/queue.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

enum { WINDOW_VALUES = SERVICE_WINDOW_MAX * SERVICE_FEATURES_MAX };

int queue_init(struct queue *q, int size)
{
    memset(q, 0, sizeof *q);
    q->slots = calloc((size_t)size + QUEUE_CONTROL_SLOTS, sizeof *q->slots);
    q->windows = calloc((size_t)size * WINDOW_VALUES, sizeof *q->windows);
    if (!q->slots || !q->windows) {
        queue_fini(q);
        return -1;
    }
    q->size = size;
    for (int i = size + QUEUE_CONTROL_SLOTS - 1; i >= 0; i--) {
        struct queue_slot *s = &q->slots[i];
        s->is_control = i >= size;
        s->window = s->is_control ? NULL : q->windows + (size_t)i * WINDOW_VALUES;
        struct queue_slot **list = s->is_control ? &q->free_control : &q->free_infer;
        s->next = *list;
        *list = s;
    }
    return 0;
}

void queue_fini(struct queue *q)
{
    free(q->slots);
    free(q->windows);
    memset(q, 0, sizeof *q);
}

struct queue_slot *queue_take(struct queue *q, const struct service_request *r, uint64_t now)
{
    struct queue_slot **list = r->verb == SERVICE_INFER ? &q->free_infer : &q->free_control;
    struct queue_slot *s = *list;
    if (!s)
        return NULL;
    *list = s->next;
    q->used++;
    s->state = QUEUE_WAITING;
    s->next = s->prev = NULL;
    s->in_fifo = false;
    s->request = *r;
    s->request.window.data = NULL;
    s->request.labelled.data = s->request.labelled.targets = NULL;
    s->ticket = ++q->tickets;
    if (s->window && r->window.data)
        service_window_values(&r->window, s->window);
    s->received_ns = now;
    s->deadline_ns = now + (uint64_t)r->deadline_ms * UINT64_C(1000000);
    s->attempts = s->saturated = 0;
    s->parked = false;
    s->route = NULL;
    s->target[0] = '\0';
    return s;
}

void queue_free(struct queue *q, struct queue_slot *s)
{
    assert(s->state != QUEUE_FREE);
    queue_remove(q, s);
    s->state = QUEUE_FREE;
    struct queue_slot **list = s->is_control ? &q->free_control : &q->free_infer;
    s->next = *list;
    *list = s;
    q->used--;
}

void queue_push(struct queue *q, struct queue_slot *s)
{
    assert(!s->in_fifo);
    s->state = QUEUE_WAITING;
    s->in_fifo = true;
    s->next = NULL;
    s->prev = q->last;
    *(q->last ? &q->last->next : &q->first) = s;
    q->last = s;
    q->waiting++;
}

void queue_push_front(struct queue *q, struct queue_slot *s)
{
    assert(!s->in_fifo);
    s->state = QUEUE_WAITING;
    s->in_fifo = true;
    s->prev = NULL;
    s->next = q->first;
    *(q->first ? &q->first->prev : &q->last) = s;
    q->first = s;
    q->waiting++;
}

void queue_remove(struct queue *q, struct queue_slot *s)
{
    if (!s->in_fifo)
        return;
    *(s->prev ? &s->prev->next : &q->first) = s->next;
    *(s->next ? &s->next->prev : &q->last) = s->prev;
    s->next = s->prev = NULL;
    s->in_fifo = false;
    q->waiting--;
}

uint64_t queue_next_deadline(const struct queue *q)
{
    uint64_t next = UINT64_MAX;
    for (int i = 0; q->used && i < q->size + QUEUE_CONTROL_SLOTS; i++)
        if (q->slots[i].state != QUEUE_FREE && q->slots[i].deadline_ns < next)
            next = q->slots[i].deadline_ns;
    return next;
}

struct queue_slot *queue_expired(struct queue *q, uint64_t now)
{
    for (int i = 0; q->used && i < q->size + QUEUE_CONTROL_SLOTS; i++)
        if (q->slots[i].state != QUEUE_FREE && q->slots[i].deadline_ns <= now)
            return &q->slots[i];
    return NULL;
}

struct queue_slot *queue_find(struct queue *q, const char *id, const struct queue_slot *after)
{
    int i = after ? (int)(after - q->slots) + 1 : 0;
    for (; i < q->size + QUEUE_CONTROL_SLOTS; i++)
        if (q->slots[i].state != QUEUE_FREE && strcmp(q->slots[i].request.id, id) == 0)
            return &q->slots[i];
    return NULL;
}

struct queue_slot *queue_ticket(struct queue *q, uint64_t ticket)
{
    for (int i = 0; ticket && i < q->size + QUEUE_CONTROL_SLOTS; i++)
        if (q->slots[i].state != QUEUE_FREE && q->slots[i].ticket == ticket)
            return &q->slots[i];
    return NULL;
}
