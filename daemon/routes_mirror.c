// SPDX-License-Identifier: Apache-2.0
// Shadow answers: the mirror of a route computes again what was answered, on a board that has it
// and nothing else to do, or, where the route may (mirror_swap_s), on a board that is swapped for
// it while nobody asks anything of it.
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/board_memory.h"
#include "daemon/experiments.h"
#include "daemon/log.h"
#include "daemon/routes_inside.h"

#define QUIET_NS (200 * NS_PER_MS) // of a board before a trip
#define RETRY_NS NS_PER_S
#define AWAY_NS  (60 * NS_PER_S) // after a trip to a mirror that did not come up

static const struct queue_owner shadow_owner, trip_owner;

static void skip(struct route *route, const char *reason)
{
    route->skipped++;
    snprintf(route->skip_reason, sizeof route->skip_reason, "%s", reason);
}

// A board that runs the mirror and has nothing else to do with its free place; NULL with why.
static struct board *mirror_board(struct frontend *fe, const char *mirror,
                                  char why[SERVICE_TEXT_MAX + 1])
{
    snprintf(why, SERVICE_TEXT_MAX + 1, "%s is on no board", mirror);
    for (int i = 0; i < fe->boards; i++) {
        struct board *b = &fe->board[i];
        if (b->phase != BOARD_READY || strcmp(b->active->name, mirror) != 0)
            continue;
        if (experiments_on(fe, b))
            snprintf(why, SERVICE_TEXT_MAX + 1, "an experiment has board %s", b->conf->name);
        else if (!board_has_room(b) || frontend_waiting(fe, b) != (uint32_t)b->running)
            snprintf(why, SERVICE_TEXT_MAX + 1, "board %s was busy", b->conf->name);
        else
            return b;
    }
    return NULL;
}

// Sends a window to a board that has the mirror; false with why.
static bool send(struct routes *r, struct route *route, struct board *b, const double *window,
                 uint16_t rows, uint16_t columns, uint16_t outputs, const double *values, char *why)
{
    const struct variant *v = b->active->variant;
    struct shadow *x = NULL;
    int8_t codes[WIRE_WINDOW_MAX];
    int saturated = 0;
    for (int i = 0; i < SHADOWS && !x; i++)
        x = r->shadow[i].used ? NULL : &r->shadow[i];
    snprintf(why, SERVICE_TEXT_MAX + 1, "%s",
             x ? "its window or outputs are of another shape"
               : "too many shadows are on their way");
    if (!x || v->model->shape.window != rows || v->model->shape.features != columns ||
        v->model->shape.outputs != outputs || variant_encode(v, window, codes, &saturated) >= 0)
        return false;
    x->used = true;
    x->route = route;
    x->sent_ns = now_ns();
    memcpy(x->values, values, outputs * sizeof *values);
    if (board_infer(b, &x->slot, codes) == 0)
        return true;
    x->used = false;
    snprintf(why, SERVICE_TEXT_MAX + 1, "board %s has left", b->conf->name);
    return false;
}

static void on_shadow(void *arg, struct board *b, struct queue_slot *s, const struct package *p,
                      const struct wire_result *w)
{
    struct shadow *x = arg;
    struct route *route = x->route;
    double values[SERVICE_OUTPUTS_MAX];
    bool differs = false;
    (void)b;
    (void)s;
    x->used = false;
    variant_decode(p->variant, w->y, values);
    for (int i = 0; i < p->variant->model->shape.outputs; i++) {
        double difference = fabs(values[i] - x->values[i]);
        differs = differs || difference > 0;
        route->sum_difference += difference;
        route->compared_values++;
        route->max_difference = fmax(route->max_difference, difference);
    }
    route->different += differs;
    route->mirrored.count++;
    route->mirrored.ns += now_ns() - x->sent_ns;
}

static void on_shadow_lost(void *arg, struct queue_slot *s, const char *reason)
{
    struct shadow *x = arg;
    (void)s;
    x->used = false;
    skip(x->route, *reason ? reason : "the board did not take it");
}

static void on_shadow_returned(void *arg, struct queue_slot *s)
{
    on_shadow_lost(arg, s, "");
}

static void on_shadow_loaded(void *arg, struct queue_slot *s, enum service_code code,
                             const char *reason)
{
    (void)arg; // a shadow loads nothing
    (void)s;
    (void)code;
    (void)reason;
}

static const struct queue_owner shadow_owner = {on_shadow, on_shadow_lost, on_shadow_returned,
                                                on_shadow_loaded};

// ---- answers that wait for a trip

int mirror_kept(const struct routes *r, const struct route *route)
{
    int n = 0;
    for (int i = 0; i < KEPT; i++)
        n += r->kept[i].route == route;
    return n;
}

// The oldest one of the route, or (NULL) of all; a free one has order 0.
static struct kept *oldest(struct routes *r, const struct route *route)
{
    struct kept *best = NULL;
    for (int i = 0; i < KEPT; i++) {
        struct kept *k = &r->kept[i];
        if (route && k->route != route)
            continue;
        if (!best || (k->route ? k->order : 0) < (best->route ? best->order : 0))
            best = k;
    }
    return best;
}

static void keep(struct routes *r, struct route *route, const struct queue_slot *s,
                 const struct package *p, const double *values)
{
    const struct model_shape *shape = &p->variant->model->shape;
    struct kept *k = oldest(r, NULL);
    if (k->route)
        skip(k->route, "newer answers took its place before a board was free");
    k->route = route;
    k->order = ++r->kept_order;
    k->rows = (uint16_t)shape->window;
    k->columns = (uint16_t)shape->features;
    k->outputs = (uint16_t)shape->outputs;
    memcpy(k->window, s->window, (size_t)k->rows * k->columns * sizeof *k->window);
    memcpy(k->values, values, k->outputs * sizeof *values);
    r->fe->dispatch_needed = true;
}

static void drop_kept(struct routes *r, struct route *route, const char *reason)
{
    for (struct kept *k; (k = oldest(r, route)); k->route = NULL)
        skip(route, reason);
}

void mirror_answered(struct routes *r, struct route *route, const struct queue_slot *s,
                     const struct package *p, const double *values)
{
    const struct model_shape *shape = &p->variant->model->shape;
    char why[SERVICE_TEXT_MAX + 1] = "the daemon stops";
    if (!*route->conf->mirror || strcmp(route->conf->mirror, p->name) == 0)
        return;
    struct board *b = r->stopped ? NULL : mirror_board(r->fe, route->conf->mirror, why);
    if (b && send(r, route, b, s->window, (uint16_t)shape->window, (uint16_t)shape->features,
                  (uint16_t)shape->outputs, values, why))
        return;
    if (!b && !r->stopped && route->conf->mirror_swap_s)
        keep(r, route, s, p, values);
    else
        skip(route, why);
}

// ---- trips

static bool stands_for(const struct package *p, const char *model)
{
    return p && p->variant && (strcmp(p->name, model) == 0 || strcmp(p->variant->task, model) == 0);
}

const struct package *routes_home(const struct frontend *fe, const struct board *b)
{
    const struct trip *t = fe->routes ? &fe->routes->trip : NULL;
    return t && t->state != TRIP_NONE && t->board == b ? packages_find(&fe->packages, t->home)
                                                       : NULL;
}

// Whether somebody waits for what ran before.
static bool missed(const struct frontend *fe, const struct trip *t)
{
    const struct package *home = routes_home(fe, t->board);
    for (const struct queue_slot *s = fe->queue.first; s; s = s->next)
        if (stands_for(home, queue_model(s)))
            return true;
    return false;
}

// Why the board cannot make the trip now: 0 it can, UINT64_MAX not by waiting alone, else when.
static uint64_t not_before(const struct routes *r, const struct route *route, const struct board *b,
                           const struct package *mirror, uint64_t now)
{
    char why[SERVICE_TEXT_MAX + 1];
    bool named = !*route->conf->board || strcmp(route->conf->board, b->conf->name) == 0;
    if (!named || b->phase != BOARD_READY || b->active == mirror || experiments_on(r->fe, b) ||
        r->change[b - r->fe->board].used || frontend_waiting(r->fe, b) ||
        strcmp(b->active->variant->task, mirror->variant->task) != 0 ||
        board_accepts(b, mirror, why, sizeof why) != SERVICE_OK)
        return UINT64_MAX;
    uint64_t quiet = b->worked_ns + QUIET_NS;
    return now < quiet ? quiet : 0;
}

static void begin_trip(struct routes *r, struct route *route, struct board *b, struct package *p)
{
    char why[SERVICE_TEXT_MAX + 1];
    struct trip *t = &r->trip;
    snprintf(t->home, sizeof t->home, "%s", b->active->name);
    t->board = b;
    t->route = route;
    t->retry_ns = 0;
    t->state = TRIP_OUT;
    route->trips++;
    route->next_trip_ns = now_ns() + (uint64_t)route->conf->mirror_swap_s * NS_PER_S;
    log_info("route", "trip to the mirror route=%s board=%s variant=%s shadows=%d",
             route->conf->name, b->conf->name, p->name, mirror_kept(r, route));
    if (board_load(b, p, &t->slot, why, sizeof why) != SERVICE_OK)
        t->state = TRIP_NONE;
}

static void seek_trip(struct routes *r, struct route *route, uint64_t *wake_ns)
{
    uint64_t now = now_ns();
    struct package *p = packages_find(&r->fe->packages, route->conf->mirror);
    if (!mirror_kept(r, route))
        return;
    if (!p || !p->available) {
        drop_kept(r, route, "the mirror is no usable variant");
        return;
    }
    if (now < route->next_trip_ns) {
        *wake_ns = route->next_trip_ns < *wake_ns ? route->next_trip_ns : *wake_ns;
        return;
    }
    for (int i = 0; i < r->fe->boards; i++) {
        uint64_t at = not_before(r, route, &r->fe->board[i], p, now);
        if (!at) {
            begin_trip(r, route, &r->fe->board[i], p);
            return;
        }
        *wake_ns = at < *wake_ns ? at : *wake_ns;
    }
}

// Shadows as long as nobody misses the board.
static void send_kept(struct routes *r, struct trip *t)
{
    char why[SERVICE_TEXT_MAX + 1];
    struct kept *k;
    while (board_has_room(t->board) && (k = oldest(r, t->route))) {
        struct route *route = k->route;
        if (!send(r, route, t->board, k->window, k->rows, k->columns, k->outputs, k->values, why))
            skip(route, why);
        k->route = NULL;
    }
}

static void stay(struct routes *r, struct trip *t, uint64_t *wake_ns)
{
    char why[SERVICE_TEXT_MAX + 1] = "it is gone";
    struct board *b = t->board;
    struct package *home = packages_find(&r->fe->packages, t->home);
    uint64_t now = now_ns();
    if (b->phase == BOARD_IDLE ||
        (b->phase == BOARD_READY && strcmp(b->active->name, t->route->conf->mirror) != 0)) {
        t->state = TRIP_NONE; // what ran before, or what somebody else has put there
        r->fe->dispatch_needed = r->fe->sweep_needed = true;
        return;
    }
    if (b->phase != BOARD_READY)
        return; // a change of it comes this way again
    if (!missed(r->fe, t))
        send_kept(r, t);
    if (b->running && !missed(r->fe, t))
        return;
    if (now < t->retry_ns) {
        *wake_ns = t->retry_ns < *wake_ns ? t->retry_ns : *wake_ns;
        return;
    }
    t->state = TRIP_HOME;
    if (home && board_load(b, home, &t->slot, why, sizeof why) == SERVICE_OK)
        return;
    log_warn("route", "cannot put back board=%s variant=%s reason=\"%s\"", b->conf->name, t->home,
             why);
    t->state = home ? TRIP_THERE : TRIP_NONE;
    t->retry_ns = now + RETRY_NS;
    *wake_ns = t->retry_ns < *wake_ns ? t->retry_ns : *wake_ns;
}

void mirror_turn(struct routes *r, uint64_t *wake_ns)
{
    if (r->trip.state == TRIP_THERE)
        stay(r, &r->trip, wake_ns);
    for (int i = 0; i < r->n && r->trip.state == TRIP_NONE && r->windows; i++)
        if (r->item[i].conf->mirror_swap_s)
            seek_trip(r, &r->item[i], wake_ns);
}

static void on_trip(void *arg, struct queue_slot *s, enum service_code code, const char *reason)
{
    struct routes *r = arg;
    struct trip *t = &r->trip;
    (void)s;
    if (t->state == TRIP_OUT && code == SERVICE_OK) // what a new front end puts back
        board_memory_write(r->fe->conf->run_dir, t->board->conf->name, t->home);
    if (t->state == TRIP_OUT && code != SERVICE_OK) {
        char why[SERVICE_TEXT_MAX + 1];
        snprintf(why, sizeof why, "%.60s did not come up: %.150s", t->route->conf->mirror, reason);
        drop_kept(r, t->route, why);
        if (t->route->next_trip_ns < now_ns() + AWAY_NS)
            t->route->next_trip_ns = now_ns() + AWAY_NS;
    }
    bool back = t->state == TRIP_HOME && code == SERVICE_OK;
    if (t->state == TRIP_HOME && !back)
        t->retry_ns = now_ns() + RETRY_NS;
    t->state = back ? TRIP_NONE : TRIP_THERE;
    r->fe->dispatch_needed = r->fe->sweep_needed = true;
}

// A trip has no inferences of its own.
static void on_no_result(void *arg, struct board *b, struct queue_slot *s, const struct package *p,
                         const struct wire_result *w)
{
    (void)arg;
    (void)b;
    (void)s;
    (void)p;
    (void)w;
}

static void on_no_answer(void *arg, struct queue_slot *s, const char *reason)
{
    (void)arg;
    (void)s;
    (void)reason;
}

static void on_not_taken(void *arg, struct queue_slot *s)
{
    (void)arg;
    (void)s;
}

static const struct queue_owner trip_owner = {on_no_result, on_no_answer, on_not_taken, on_trip};

// ---- life

bool mirror_init(struct routes *r)
{
    size_t values = (size_t)SERVICE_WINDOW_MAX * SERVICE_FEATURES_MAX;
    bool trips = false;
    for (int i = 0; i < SHADOWS; i++) {
        r->shadow[i].slot.state = QUEUE_RUNNING;
        r->shadow[i].slot.owner = &shadow_owner;
        r->shadow[i].slot.owner_arg = &r->shadow[i];
    }
    r->trip.slot.state = QUEUE_RUNNING;
    r->trip.slot.owner = &trip_owner;
    r->trip.slot.owner_arg = r;
    for (int i = 0; i < r->n; i++)
        trips = trips || r->item[i].conf->mirror_swap_s;
    r->windows = trips ? calloc(KEPT * values, sizeof *r->windows) : NULL;
    for (int i = 0; i < KEPT && r->windows; i++)
        r->kept[i].window = r->windows + (size_t)i * values;
    return !trips || r->windows;
}

void mirror_fini(struct routes *r)
{
    free(r->windows);
}
