// SPDX-License-Identifier: Apache-2.0
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/experiments.h"
#include "daemon/log.h"
#include "daemon/routes_inside.h"

#define BACKOFF_NS (10 * NS_PER_S) // after a swap that failed

static const struct queue_owner change_owner;

struct route *routes_find(const struct frontend *fe, const char *name)
{
    for (int i = 0; i < fe->routes->n; i++)
        if (strcmp(fe->routes->item[i].conf->name, name) == 0)
            return &fe->routes->item[i];
    return NULL;
}

const char *routes_first(const struct frontend *fe, const char *name)
{
    const struct route *route = routes_find(fe, name);
    return route ? route->arms.variant[0] : name;
}

const char *routes_choose(struct frontend *fe, struct route *route, const struct service_request *r,
                          const void *peer, size_t peer_bytes, int *arm)
{
    (void)fe;
    if (!route->conf->sticky)
        *arm = route_random(&route->arms, &route->random);
    else if (r->key[0])
        *arm = route_sticky(&route->arms, route->conf->name, r->key, strlen(r->key));
    else
        *arm = route_sticky(&route->arms, route->conf->name, peer, peer_bytes);
    return route->arms.variant[*arm];
}

void routes_take(struct queue_slot *s, struct route *route, int arm)
{
    s->route = route;
    s->arm = arm;
    snprintf(s->target, sizeof s->target, "%s", route->arms.variant[arm]);
}

// Boards that the route may swap: the one that it names, else those that run something of the
// arm's task, or nothing. Where an experiment has it, requests wait for that to end.
static bool may_swap(const struct route *route, const struct board *b, const struct package *p)
{
    char why[SERVICE_TEXT_MAX + 1];
    if (!route->conf->swap || !p || !p->available ||
        board_accepts(b, p, why, sizeof why) != SERVICE_OK)
        return false;
    if (*route->conf->board)
        return strcmp(b->conf->name, route->conf->board) == 0;
    const struct package *runs = b->active ? b->active : b->want;
    return !runs || !runs->variant || strcmp(runs->variant->task, p->variant->task) == 0;
}

enum service_code routes_prospect(const struct frontend *fe, const struct route *route, int arm,
                                  char *why, size_t whycap)
{
    uint64_t now = now_ns();
    const struct route_counts *c = &route->count[arm];
    const struct package *p = packages_find(&fe->packages, route->arms.variant[arm]);
    if (now < c->failed_until_ns) {
        snprintf(why, whycap, "%s", c->failure);
        return SERVICE_SWAP_FAILED;
    }
    for (int i = 0; i < fe->boards; i++) {
        const struct board *b = &fe->board[i];
        if (may_swap(route, b, p) && b->phase != BOARD_FAULT && !board_lost_for_long(b, now))
            return SERVICE_OK;
    }
    snprintf(why, whycap, "%s is on no board, and route %s may swap none", route->arms.variant[arm],
             route->conf->name);
    return SERVICE_NOT_READY;
}

// ---- swaps

static bool waits_for(const struct queue_slot *s, const struct route *route, int arm)
{
    return s->route == route && s->arm == arm;
}

// Whether a board has the variant, or is changing to it.
static bool served(const struct frontend *fe, const char *variant)
{
    for (int i = 0; i < fe->boards; i++) {
        const struct board *b = &fe->board[i];
        if ((b->active && strcmp(b->active->name, variant) == 0) ||
            (b->target && strcmp(b->target->name, variant) == 0))
            return true;
    }
    return false;
}

// Swaps a board for the arm, or says from when one may be.
static void swap_for(struct routes *r, struct route *route, int arm, uint64_t *wake_ns)
{
    struct frontend *fe = r->fe;
    struct package *p = packages_find(&fe->packages, route->arms.variant[arm]);
    uint64_t now = now_ns(), first = UINT64_MAX;
    struct board *best = NULL;
    for (int i = 0; i < fe->boards; i++) {
        struct board *b = &fe->board[i];
        if (!may_swap(route, b, p) || experiments_on(fe, b) || routes_home(fe, b) ||
            r->change[i].used || (b->phase != BOARD_READY && b->phase != BOARD_IDLE))
            continue;
        uint64_t dwell = (uint64_t)route->conf->dwell_ms * NS_PER_MS;
        uint64_t from =
            b->phase == BOARD_IDLE ? now : route_swap_from(b->phase_since_ns, b->total_ns, dwell);
        if (from < first) {
            first = from;
            best = b;
        }
    }
    if (!best || first > now) {
        *wake_ns = first < *wake_ns ? first : *wake_ns;
        return;
    }
    char why[SERVICE_TEXT_MAX + 1];
    struct change *c = &r->change[best - fe->board];
    c->used = true;
    c->route = route;
    c->arm = arm;
    route->swaps++;
    log_info("route", "swaps route=%s board=%s variant=%s", route->conf->name, best->conf->name,
             p->name);
    if (board_load(best, p, &c->slot, why, sizeof why) != SERVICE_OK) {
        c->used = false;
        *wake_ns = now + 200 * NS_PER_MS;
    }
}

static void wake(void *arg)
{
    struct routes *r = arg;
    r->fe->dispatch_needed = true;
}

void routes_turn(struct frontend *fe)
{
    struct routes *r = fe->routes;
    uint64_t wake_ns = UINT64_MAX;
    bool tried[CONF_ROUTES][ROUTE_ARMS] = {{false}};
    if (r->stopped || !r->n)
        return;
    // The oldest request of each arm speaks for all of them: they are served together.
    for (const struct queue_slot *s = fe->queue.first; s; s = s->next) {
        if (!s->route || !s->route->conf->swap || tried[s->route - r->item][s->arm])
            continue;
        tried[s->route - r->item][s->arm] = true;
        if (!served(fe, s->target))
            swap_for(r, s->route, s->arm, &wake_ns);
    }
    mirror_turn(r, &wake_ns);
    if (wake_ns != UINT64_MAX)
        sched_timer_set(&fe->sched, &r->timer, wake_ns, wake, r);
}

static void on_loaded(void *arg, struct queue_slot *slot, enum service_code code,
                      const char *reason)
{
    struct change *c = arg;
    struct route_counts *count = &c->route->count[c->arm];
    (void)slot;
    c->used = false;
    if (code == SERVICE_OK)
        return;
    char why[SERVICE_TEXT_MAX + 1];
    snprintf(why, sizeof why, "%s did not come up: %.180s", c->route->arms.variant[c->arm], reason);
    memcpy(count->failure, why, sizeof why);
    count->failed_until_ns = now_ns() + BACKOFF_NS; // the sweep ends those that wait
    log_warn("route", "swap failed route=%s variant=%s reason=\"%s\"", c->route->conf->name,
             c->route->arms.variant[c->arm], reason);
}

static void on_change_result(void *arg, struct board *b, struct queue_slot *s,
                             const struct package *p, const struct wire_result *w)
{
    (void)arg; // a swap has no inferences
    (void)b;
    (void)s;
    (void)p;
    (void)w;
}

static void on_change_lost(void *arg, struct queue_slot *s, const char *reason)
{
    (void)arg;
    (void)s;
    (void)reason;
}

static void on_change_returned(void *arg, struct queue_slot *s)
{
    (void)arg;
    (void)s;
}

static const struct queue_owner change_owner = {on_change_result, on_change_lost,
                                                on_change_returned, on_loaded};

// ---- counting

void routes_answered(struct frontend *fe, const struct queue_slot *s, const struct package *p,
                     const struct service_inference *answer)
{
    struct route *route = s->route;
    struct route_counts *c = &route->count[s->arm];
    c->success.count++;
    c->success.ns += now_ns() - s->received_ns;
    route_energy_add(&c->energy, answer);
    mirror_answered(fe->routes, route, s, p, answer->values);
}

void routes_failed(struct frontend *fe, const struct queue_slot *s)
{
    struct service_count *c = &s->route->count[s->arm].fail;
    (void)fe;
    c->count++;
    c->ns += now_ns() - s->received_ns;
}

// Why answers of that variant have no joules, when no burst was among them.
static const char *no_energy(const struct frontend *fe, const char *variant)
{
    for (int i = 0; i < fe->boards; i++)
        if (fe->board[i].active && strcmp(fe->board[i].active->name, variant) == 0 &&
            frontend_has_meter(&fe->board[i]))
            return "no bursts: single inferences are too short for the power monitor";
    return "no power monitor";
}

void routes_fill(struct frontend *fe)
{
    static struct service_route rows[CONF_ROUTES];
    memset(rows, 0, sizeof rows);
    for (int i = 0; i < fe->routes->n; i++) {
        const struct route *from = &fe->routes->item[i];
        struct service_route *to = &rows[i];
        snprintf(to->name, sizeof to->name, "%s", from->conf->name);
        snprintf(to->mirror, sizeof to->mirror, "%s", from->conf->mirror);
        to->sticky = from->conf->sticky;
        to->swap = from->conf->swap;
        to->dwell_ms = (uint32_t)from->conf->dwell_ms;
        to->swaps = from->swaps;
        to->arms = (uint16_t)from->arms.n;
        for (int k = 0; k < from->arms.n; k++) {
            struct service_route_arm *a = &to->arm[k];
            snprintf(a->variant, sizeof a->variant, "%s", from->arms.variant[k]);
            a->energy = from->count[k].energy;
            if (!a->energy.bursts)
                snprintf(a->energy.reason, sizeof a->energy.reason, "%s",
                         no_energy(fe, a->variant));
            a->weight = from->arms.weight[k];
            a->success = from->count[k].success;
            a->fail = from->count[k].fail;
            for (const struct queue_slot *s = fe->queue.first; s; s = s->next)
                a->waiting += waits_for(s, from, k);
        }
        to->mirrored = from->mirrored;
        to->mirror_waiting = (uint32_t)mirror_kept(fe->routes, from);
        to->mirror_swaps = from->trips;
        to->skipped = from->skipped;
        snprintf(to->skip_reason, sizeof to->skip_reason, "%s", from->skip_reason);
        to->different = from->different;
        to->mean_difference =
            from->compared_values ? from->sum_difference / (double)from->compared_values : 0;
        to->max_difference = from->max_difference;
    }
    fe->reply.u.routes.rows = rows;
    fe->reply.u.routes.n = (size_t)fe->routes->n;
}

// ---- life

struct routes *routes_new(struct frontend *fe)
{
    char why[128];
    struct routes *r = calloc(1, sizeof *r);
    if (!r)
        return NULL;
    r->fe = fe;
    r->n = fe->conf->routes;
    for (int i = 0; i < r->n; i++) {
        r->item[i].conf = &fe->conf->route[i];
        route_arms_parse(&r->item[i].arms, fe->conf->route[i].variants, why, sizeof why);
        random_init(&r->item[i].random, 1, (uint64_t)i);
    }
    if (!mirror_init(r)) {
        free(r);
        return NULL;
    }
    for (int i = 0; i < CONF_BOARDS; i++) {
        r->change[i].slot.state = QUEUE_RUNNING;
        r->change[i].slot.owner = &change_owner;
        r->change[i].slot.owner_arg = &r->change[i];
    }
    return r;
}

void routes_stop(struct frontend *fe)
{
    if (fe->routes)
        fe->routes->stopped = true;
}

void routes_free(struct routes *r)
{
    if (!r)
        return;
    sched_timer_clear(&r->fe->sched, &r->timer);
    mirror_fini(r);
    free(r);
}
