// SPDX-License-Identifier: Apache-2.0
// Shared by routes.c (requests and swaps) and routes_mirror.c (shadow answers), and by nobody else.
#ifndef SEVENCAST_DAEMON_ROUTES_INSIDE_H
#define SEVENCAST_DAEMON_ROUTES_INSIDE_H

#include "daemon/route_energy.h"
#include "daemon/routes.h"

enum { SHADOWS = 8, KEPT = 64 };

struct route_counts {
    struct service_count success, fail;
    struct service_route_energy energy;
    uint64_t failed_until_ns; // its variant did not come up
    char failure[SERVICE_TEXT_MAX + 1];
};

struct route {
    const struct conf_route *conf; // borrowed
    struct route_arms arms;
    struct random random;
    struct route_counts count[ROUTE_ARMS];
    uint64_t swaps, skipped, different, compared_values;
    struct service_count mirrored;
    double sum_difference, max_difference;
    char skip_reason[SERVICE_TEXT_MAX + 1]; // of the latest shadow that was not computed
    uint64_t trips, next_trip_ns;           // begun; the next one not before
};

// An inference whose answer nobody waits for: it is compared with one that was given.
struct shadow {
    struct queue_slot slot;
    bool used;
    struct route *route;
    uint64_t sent_ns;
    double values[SERVICE_OUTPUTS_MAX];
};

// An answer whose shadow waits for a trip of a board to the mirror.
struct kept {
    struct route *route; // NULL: free
    uint64_t order;
    uint16_t rows, columns, outputs;
    double *window; // into routes.windows
    double values[SERVICE_OUTPUTS_MAX];
};

// A board that was swapped for shadows alone, until what ran before is back on it. One at a time.
enum trip_state { TRIP_NONE, TRIP_OUT, TRIP_THERE, TRIP_HOME };
struct trip {
    enum trip_state state;
    struct board *board;
    struct route *route;
    char home[SERVICE_NAME_MAX + 1];
    uint64_t retry_ns; // the way home is not tried before
    struct queue_slot slot;
};

// A swap under way.
struct change {
    struct queue_slot slot;
    bool used;
    struct route *route;
    int arm;
};

struct routes {
    struct frontend *fe; // borrowed
    int n;
    bool stopped;
    struct route item[CONF_ROUTES];
    struct shadow shadow[SHADOWS];
    struct change change[CONF_BOARDS]; // by board
    struct trip trip;
    struct kept kept[KEPT];
    uint64_t kept_order;
    double *windows; // owned, of kept; NULL where no route makes trips
    struct sched_timer timer;
};

// Slots and memory; false without it.
bool mirror_init(struct routes *r);
void mirror_fini(struct routes *r);
// An answer was given: its shadow is sent, kept for a trip, or skipped.
void mirror_answered(struct routes *r, struct route *route, const struct queue_slot *s,
                     const struct package *p, const double *values);
// Begins, goes on with or ends a trip; *wake_ns: when to look again.
void mirror_turn(struct routes *r, uint64_t *wake_ns);
// Shadows of that route that wait for a trip.
int mirror_kept(const struct routes *r, const struct route *route);

#endif
