// SPDX-License-Identifier: Apache-2.0
// Routes in the front end: requests that name one, the swaps that they may cause, shadow answers,
// and what is counted.
#ifndef SEVENCAST_DAEMON_ROUTES_H
#define SEVENCAST_DAEMON_ROUTES_H

#include "daemon/frontend.h"
#include "daemon/route.h"

struct route;

struct routes *routes_new(struct frontend *fe); // NULL without memory
void routes_stop(struct frontend *fe);
void routes_free(struct routes *r); // NULL allowed

// The route of that name, NULL for none.
struct route *routes_find(const struct frontend *fe, const char *name);
// A variant that shows the shape of what the name stands for: a route's first, else the name.
const char *routes_first(const struct frontend *fe, const char *name);
// Chooses the arm for a request from that peer; its variant's name.
const char *routes_choose(struct frontend *fe, struct route *route, const struct service_request *r,
                          const void *peer, size_t peer_bytes, int *arm);
// Whether a request may wait for that arm although no board has it: OK, or why not.
enum service_code routes_prospect(const struct frontend *fe, const struct route *route, int arm,
                                  char *why, size_t whycap);
// Of a slot that routes_choose was asked for.
void routes_take(struct queue_slot *s, struct route *route, int arm);

// Begins the swaps that waiting requests may cause by now.
void routes_turn(struct frontend *fe);

// What comes back to a board that was swapped for shadow answers alone: nobody but the mirror is
// served on it until then. NULL: it was not.
const struct package *routes_home(const struct frontend *fe, const struct board *b);

// A request of a route was answered: counts, and sends its shadow.
void routes_answered(struct frontend *fe, const struct queue_slot *s, const struct package *p,
                     const struct service_inference *answer);
void routes_failed(struct frontend *fe, const struct queue_slot *s);

void routes_fill(struct frontend *fe); // fe->reply

#endif
