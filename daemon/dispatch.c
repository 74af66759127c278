// SPDX-License-Identifier: Apache-2.0
// Which request runs where, and how each one ends.
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "daemon/experiments.h"
#include "daemon/frontend.h"
#include "daemon/log.h"
#include "daemon/routes.h"

enum { ATTEMPTS_MAX = 2 };

// A burst of somebody else ends for a request that has no more than that left, or a quarter of its
// time.
#define YIELD_NS (500 * NS_PER_MS)

static bool names(const struct package *p, const char *model_name)
{
    return p && p->variant &&
           (strcmp(p->name, model_name) == 0 || strcmp(p->variant->task, model_name) == 0);
}

// ---- ends

void frontend_end(struct frontend *fe, struct queue_slot *s)
{
    queue_free(&fe->queue, s);
}

void frontend_fail(struct frontend *fe, struct queue_slot *s, enum service_code code,
                   const char *format, ...)
{
    struct service_error error; // its words may lie in the reply that is made anew below
    va_list args;
    va_start(args, format);
    service_error_vset(&error, code, NULL, format, args);
    va_end(args);
    const struct package *p = frontend_package(fe, queue_model(s));
    if (s->route)
        routes_failed(fe, s);
    if (s->request.verb == SERVICE_INFER && p && p->stats) {
        p->stats->fail++;
        p->stats->fail_ns += now_ns() - s->received_ns;
    }
    service_reply_init(&fe->reply, &s->request);
    fe->reply.error = error;
    frontend_answer_slot(fe, s);
    frontend_end(fe, s);
}

static void on_deadline(void *arg)
{
    struct frontend *fe = arg;
    struct queue_slot *s;
    uint64_t now = now_ns();
    while ((s = queue_expired(&fe->queue, now))) {
        const char *where = s->state == QUEUE_RUNNING ? "on the board" : "waiting";
        for (int i = 0; i < fe->boards; i++)
            board_abandon(&fe->board[i], s);
        frontend_fail(fe, s, SERVICE_DEADLINE, "not done in %u ms, was %s", s->request.deadline_ms,
                      where);
    }
    uint64_t next = queue_next_deadline(&fe->queue);
    if (next != UINT64_MAX)
        sched_timer_set(&fe->sched, &fe->deadline_timer, next, on_deadline, fe);
}

// The timer stands at or before the earliest deadline: a request that ends early leaves it as it
// is.
void frontend_arm_deadline(struct frontend *fe, uint64_t deadline_ns)
{
    if (!fe->deadline_timer.armed || deadline_ns < fe->deadline_timer.at_ns)
        sched_timer_set(&fe->sched, &fe->deadline_timer, deadline_ns, on_deadline, fe);
}

// ---- who can serve what

const struct package *frontend_package(const struct frontend *fe, const char *model_name)
{
    for (int i = 0; i < fe->boards; i++)
        if (names(fe->board[i].active, model_name))
            return fe->board[i].active;
    const struct package *p = packages_find(&fe->packages, model_name);
    if (p)
        return p;
    for (int i = 0; i < fe->packages.n; i++)
        if (fe->packages.item[i]->available && names(fe->packages.item[i], model_name))
            return fe->packages.item[i];
    return NULL;
}

enum service_code frontend_prospect(const struct frontend *fe, const char *model_name, char *why,
                                    size_t whycap)
{
    enum service_code code = SERVICE_NOT_READY;
    uint64_t now = now_ns();
    snprintf(why, whycap, "%s is on no board", model_name);
    for (int i = 0; i < fe->boards; i++) {
        const struct board *b = &fe->board[i];
        const struct package *hope[2];
        board_prospects(b, hope);
        const struct package *home = routes_home(fe, b);
        if (home) { // it is away for shadows
            hope[0] = home;
            hope[1] = NULL;
        }
        if (!names(hope[0], model_name) && !names(hope[1], model_name))
            continue;
        if (b->phase == BOARD_FAULT) {
            code = SERVICE_DEVICE_FAULT;
            snprintf(why, whycap, "board %s: %.200s", b->conf->name, b->reason);
        } else if (board_lost_for_long(b, now)) {
            code = code == SERVICE_DEVICE_FAULT ? code : SERVICE_DEVICE_LOST;
            snprintf(why, whycap, "board %s is absent: %.180s", b->conf->name, b->reason);
        } else {
            return SERVICE_OK;
        }
    }
    return code == SERVICE_NOT_READY && experiments_will_serve(fe, model_name) ? SERVICE_OK : code;
}

void frontend_sweep(struct frontend *fe)
{
    struct queue_slot *next;
    fe->sweep_needed = false;
    for (struct queue_slot *s = fe->queue.first; s; s = next) {
        char why[SERVICE_TEXT_MAX + 1];
        next = s->next;
        enum service_code code = frontend_prospect(fe, queue_model(s), why, sizeof why);
        if (code == SERVICE_NOT_READY && s->route)
            code = routes_prospect(fe, s->route, s->arm, why, sizeof why);
        if (code == SERVICE_NOT_READY) // it was on a board when the request came
            frontend_fail(fe, s, SERVICE_STALE, "%s has left its board", queue_model(s));
        else if (code != SERVICE_OK)
            frontend_fail(fe, s, code, "%s", why);
    }
}

static struct board *board_for(struct frontend *fe, const struct queue_slot *s, bool *any_room)
{
    struct board *best = NULL;
    *any_room = false;
    for (int i = 0; i < fe->boards; i++) {
        struct board *b = &fe->board[i];
        if (!board_has_room(b) || routes_home(fe, b))
            continue;
        *any_room = true;
        if (names(b->active, queue_model(s)) && (!best || b->running < best->running))
            best = b;
    }
    return best;
}

static void run(struct frontend *fe, struct queue_slot *s, struct board *b)
{
    int8_t codes[WIRE_WINDOW_MAX];
    const struct variant *v = b->active->variant;
    const struct service_window *w = &s->request.window;
    if (w->rows != v->model->shape.window || w->columns != v->model->shape.features) {
        frontend_fail(fe, s, SERVICE_STALE, "%s takes [%d, %d] now, not [%u, %u]", v->name,
                      v->model->shape.window, v->model->shape.features, w->rows, w->columns);
        return;
    }
    if (variant_encode(v, s->window, codes, &s->saturated) >= 0) {
        frontend_fail(fe, s, SERVICE_INTERNAL, "a value that is not finite came this far");
        return;
    }
    if (s->request.burst_s > b->conf->burst_max_s) {
        frontend_fail(fe, s, SERVICE_BAD_REQUEST, "board %s takes no bursts above %d s",
                      b->conf->name, b->conf->burst_max_s);
        return;
    }
    queue_remove(&fe->queue, s);
    s->state = QUEUE_RUNNING;
    if (board_infer(b, s, codes) < 0)
        queue_push_front(&fe->queue, s);
}

static void on_yield(void *arg)
{
    struct frontend *fe = arg;
    fe->dispatch_needed = true;
}

// The burst that stands in the way of s is stopped when the time of s runs out.
static void urge(struct frontend *fe, const struct queue_slot *s)
{
    uint64_t whole = s->deadline_ns - s->received_ns;
    uint64_t at = s->deadline_ns - (whole / 4 < YIELD_NS ? whole / 4 : YIELD_NS);
    for (int i = 0; i < fe->boards; i++) {
        struct board *b = &fe->board[i];
        const struct board_inflight *burst = board_burst(b);
        if (!burst || burst->stopping || !names(b->active, queue_model(s)))
            continue;
        if (now_ns() >= at)
            board_stop_burst(b, SERVICE_BURST_YIELDED);
        else if (!fe->yield_timer.armed || at < fe->yield_timer.at_ns)
            sched_timer_set(&fe->sched, &fe->yield_timer, at, on_yield, fe);
    }
}

void frontend_dispatch(struct frontend *fe)
{
    struct queue_slot *next;
    bool any_room = true;
    fe->dispatch_needed = false;
    experiments_turn(fe); // those whose turn it is, or nobody would ever leave them one
    for (struct queue_slot *s = fe->queue.first; s && any_room; s = next) {
        next = s->next;
        struct board *b = board_for(fe, s, &any_room);
        if (b)
            run(fe, s, b);
    }
    for (const struct queue_slot *s = fe->queue.first; s; s = s->next)
        urge(fe, s);
    experiments_turn(fe); // what nobody else wants now
    routes_turn(fe);
}

// ---- what boards say

static void on_result(void *arg, struct board *b, struct queue_slot *s, const struct package *p,
                      const struct wire_result *r)
{
    struct frontend *fe = arg;
    if (s->owner) {
        s->owner->result(s->owner_arg, b, s, p, r);
        return;
    }
    if (queue_is_burst(s) && !r->burst.runs) {
        frontend_fail(fe, s, SERVICE_DEADLINE, "the burst was stopped before its first run");
        return;
    }
    service_reply_init(&fe->reply, &s->request);
    frontend_fill_inference(fe, b, s, p, r);
    frontend_answer_slot(fe, s);
    if (s->route)
        routes_answered(fe, s, p, &fe->reply.u.infer);
    struct package_stats *stats = p->stats;
    if (stats) {
        stats->success++;
        stats->success_ns += now_ns() - s->received_ns;
        stats->queue_ns += fe->reply.u.infer.stages_ns.queue;
        stats->input_ns += fe->reply.u.infer.stages_ns.usb_in;
        stats->infer_ns += fe->reply.u.infer.stages_ns.fpga;
        stats->output_ns += fe->reply.u.infer.stages_ns.usb_out;
        stats->saturated += (uint64_t)s->saturated;
    }
    frontend_end(fe, s);
}

// An inference changes nothing, so one that a board lost runs again, once.
static void on_unanswered(void *arg, struct board *b, struct queue_slot *s, enum service_code why,
                          const char *reason)
{
    struct frontend *fe = arg;
    if (s->owner) {
        s->owner->unanswered(s->owner_arg, s, reason);
        return;
    }
    // What a design cannot do it cannot do again, and a burst that went wrong is what was measured.
    bool again = why != SERVICE_BAD_REQUEST && !queue_is_burst(s);
    if (again && ++s->attempts < ATTEMPTS_MAX && !fe->stopping) {
        queue_push_front(&fe->queue, s);
        return;
    }
    frontend_fail(fe, s, why, "board %s: %.200s", b->conf->name, reason);
}

static void on_returned(void *arg, struct board *b, struct queue_slot *s)
{
    struct frontend *fe = arg;
    (void)b;
    if (s->owner)
        s->owner->returned(s->owner_arg, s);
    else
        queue_push_front(&fe->queue, s);
}

static void on_loaded(void *arg, struct board *b, struct queue_slot *s, enum service_code code,
                      const char *reason)
{
    struct frontend *fe = arg;
    const char *active = b->active ? b->active->name : "";
    if (code == SERVICE_OK)
        log_info("board",
                 "loaded board=%s variant=%s drain_ms=%.1f program_ms=%.1f "
                 "verify_ms=%.1f total_ms=%.1f",
                 b->conf->name, active, (double)b->drain_ns / 1e6, (double)b->program_ns / 1e6,
                 (double)b->verify_ns / 1e6, (double)b->total_ns / 1e6);
    fe->sweep_needed = true;
    if (s && s->owner)
        s->owner->loaded(s->owner_arg, s, code, reason);
    if (!s || s->owner)
        return;
    service_reply_init(&fe->reply, &s->request);
    if (code != SERVICE_OK) {
        service_error_set(&fe->reply.error, code, NULL, "%s: %.180s", s->request.model_name,
                          reason);
        snprintf(fe->reply.error.active, sizeof fe->reply.error.active, "%s", active);
    } else {
        struct service_load *l = &fe->reply.u.load;
        snprintf(l->board, sizeof l->board, "%s", b->conf->name);
        snprintf(l->model_name, sizeof l->model_name, "%s", active);
        snprintf(l->version, sizeof l->version, "%s", b->active->variant->hash_hex);
        l->seconds.drain = (double)b->drain_ns / 1e9;
        l->seconds.program = (double)b->program_ns / 1e9;
        l->seconds.verify = (double)b->verify_ns / 1e9;
        l->seconds.total = (double)b->total_ns / 1e9;
    }
    frontend_answer_slot(fe, s);
    frontend_end(fe, s);
}

static void on_grace_over(void *arg)
{
    struct frontend *fe = arg;
    fe->sweep_needed = true;
}

static void on_changed(void *arg, struct board *b)
{
    struct frontend *fe = arg;
    fe->dispatch_needed = true;
    if (b->phase == BOARD_READY && b->running)
        return; // only its room changed
    fe->sweep_needed = true;
    if (b->phase == BOARD_ABSENT)
        sched_timer_set(&fe->sched, &fe->grace_timer,
                        now_ns() + (uint64_t)fe->conf->return_grace_ms * NS_PER_MS + NS_PER_MS,
                        on_grace_over, fe);
}

const struct board_calls frontend_board_calls = {on_result, on_unanswered, on_returned, on_loaded,
                                                 on_changed};
