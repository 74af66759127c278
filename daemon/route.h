// SPDX-License-Identifier: Apache-2.0
// A route: one name in front of several variants with weights. Which variant a request gets, and
// when a board may be swapped for those that wait. Pure; routes.c joins it with boards and clients.
#ifndef SEVENCAST_DAEMON_ROUTE_H
#define SEVENCAST_DAEMON_ROUTE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "measure/random.h"

enum { ROUTE_ARMS = 8, ROUTE_NAME_BYTES = 64, ROUTE_WEIGHT_MAX = 1000000 };

struct route_arms {
    int n;
    char variant[ROUTE_ARMS][ROUTE_NAME_BYTES];
    uint32_t weight[ROUTE_ARMS], total;
};

// "demand-w8:90, demand-w4:10"; a variant without a weight has 1. 0, or -1 with why.
int route_arms_parse(struct route_arms *a, const char *text, char *why, size_t whycap);

// The arm of a key: always the same one for the same route, key and weights; over many keys the
// arms come by their weights.
int route_sticky(const struct route_arms *a, const char *route, const void *key, size_t n);
// An arm by the weights, at random.
int route_random(const struct route_arms *a, struct random *r);

// The time from which a board that has served one arm since ready_since_ns may be swapped for
// another one that requests wait for: it serves for dwell_ns at least, so that swaps are bounded
// and requests are served in batches, and for as long as the latest swap took, so that it serves
// half of the time.
uint64_t route_swap_from(uint64_t ready_since_ns, uint64_t swap_ns, uint64_t dwell_ns);

#endif
