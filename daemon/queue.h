// SPDX-License-Identifier: Apache-2.0
// Requests that wait or run: preallocated slots, one FIFO of those that wait, and the deadlines of
// all of them. Knows nothing of sockets or boards; time comes from the caller.
//
// A slot is FREE, WAITING (in the FIFO, or parked by its owner), or RUNNING (on a board). Whoever
// ends a request answers it and calls queue_free once.
#ifndef SEVENCAST_DAEMON_QUEUE_H
#define SEVENCAST_DAEMON_QUEUE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "protocol/service.h"

enum { QUEUE_PEER_MAX = 255, QUEUE_CONTROL_SLOTS = 16 };

enum queue_state { QUEUE_FREE, QUEUE_WAITING, QUEUE_RUNNING };

struct board;
struct package;
struct queue_slot;
struct route;
struct wire_result;

// Whose slot it is when no client asked: the front end hands on what boards say of it. The slot is
// the owner's, not the queue's.
struct queue_owner {
    void (*result)(void *arg, struct board *b, struct queue_slot *s, const struct package *p,
                   const struct wire_result *r);
    void (*unanswered)(void *arg, struct queue_slot *s, const char *reason);
    void (*returned)(void *arg, struct queue_slot *s);
    void (*loaded)(void *arg, struct queue_slot *s, enum service_code code, const char *reason);
};

struct queue_slot {
    enum queue_state state;
    const struct queue_owner *owner; // borrowed; NULL: a client's
    void *owner_arg;
    uint64_t ticket;                // of this use of the slot; 0: none
    struct queue_slot *next, *prev; // FIFO of WAITING, or the free list
    bool in_fifo, is_control;
    // who asked, and what
    int socket;
    uint8_t peer[QUEUE_PEER_MAX];
    uint8_t peer_bytes;
    struct service_request request; // window.data is NULL: see window
    double *window;                 // rows * columns values; NULL in control slots
    uint64_t received_ns, deadline_ns;
    int attempts, saturated; // infer: times it was on a board that failed; values saturated
    // infer: the route that it came by, and what that gave it; NULL and "": as asked
    struct route *route;
    int arm;
    char target[SERVICE_NAME_MAX + 1];
    bool parked; // control: waits for a rescan
};

// The variant or task that serves the slot.
static inline const char *queue_model(const struct queue_slot *s)
{
    return s->target[0] ? s->target : s->request.model_name;
}

static inline bool queue_is_burst(const struct queue_slot *s)
{
    return s->request.repeat || s->request.burst_s > 0;
}

struct queue {
    struct queue_slot *slots; // owned: size infer slots, then the control slots
    double *windows;          // owned
    int size, used;
    uint64_t tickets; // given so far
    struct queue_slot *free_infer, *free_control;
    struct queue_slot *first, *last; // FIFO
    int waiting;
};

// All memory there will ever be; 0, or -1 without it.
int queue_init(struct queue *q, int size);
void queue_fini(struct queue *q);

// A slot for r, WAITING and not in the FIFO; NULL when all are taken. Infer requests get the values
// of their window copied.
struct queue_slot *queue_take(struct queue *q, const struct service_request *r, uint64_t now);
void queue_free(struct queue *q, struct queue_slot *s);

void queue_push(struct queue *q, struct queue_slot *s);       // at the end
void queue_push_front(struct queue *q, struct queue_slot *s); // a request that must run again
void queue_remove(struct queue *q, struct queue_slot *s);     // from the FIFO, if it is there

// Earliest deadline of all slots; UINT64_MAX when none is taken.
uint64_t queue_next_deadline(const struct queue *q);
// A slot whose deadline has come; NULL when there is none (any more).
struct queue_slot *queue_expired(struct queue *q, uint64_t now);
// A slot of that id that is WAITING or RUNNING, starting behind after (NULL: from the beginning).
struct queue_slot *queue_find(struct queue *q, const char *id, const struct queue_slot *after);

// The slot of a ticket, NULL when it has ended.
struct queue_slot *queue_ticket(struct queue *q, uint64_t ticket);

#endif
