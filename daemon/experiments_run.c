// SPDX-License-Identifier: Apache-2.0
// The experiment that runs: its beginning, its turns, and what boards say of them.
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "daemon/energy.h"
#include "daemon/experiments_inside.h"
#include "daemon/log.h"
#include "daemon/routes.h"

#define BURST_MARGIN_NS (10 * NS_PER_S) // a burst ends by the board's limit, not by our deadline

// ---- the beginning of one

static struct experiment *next_one(struct experiments *e)
{
    for (int i = 0; i < e->n; i++) // one that ran when the daemon ended goes first
        if (e->item[i].row.state == SERVICE_EXPERIMENT_RUNNING && !e->item[i].ending)
            return &e->item[i];
    for (int i = 0; i < e->n; i++)
        if (e->item[i].row.state == SERVICE_EXPERIMENT_QUEUED && !e->item[i].ending)
            return &e->item[i];
    return NULL;
}

// The packages of the arms as they were when the experiment was asked for; false when they are not.
static bool take_arms(struct experiments *e, struct experiment *x, char *why, size_t whycap)
{
    for (int i = 0; i < x->row.arms; i++) {
        struct package *p = packages_find(&e->fe->packages, x->row.arm[i]);
        if (!p || !p->available || strcmp(p->variant->hash_hex, x->spec.version[i]) != 0) {
            snprintf(why, whycap, "%s is %s", x->row.arm[i],
                     !p              ? "gone"
                     : !p->available ? "not usable any more"
                                     : "another variant now");
            return false;
        }
        e->arm[i] = package_ref(p);
    }
    return true;
}

static void begin(struct experiments *e, struct experiment *x)
{
    char why[SERVICE_TEXT_MAX + 1] = "out of memory";
    bool same = e->restoring && e->board && strcmp(e->board->conf->name, x->spec.board) == 0;
    struct board *b = frontend_board(e->fe, x->spec.board);
    if (!b || x->row.received < x->row.windows) {
        snprintf(why, sizeof why, "%s",
                 b ? "its windows are lost with a damaged record" : "its board is not configured");
        experiments_finish(e, x, SERVICE_EXPERIMENT_FAILED, "", why);
        return;
    }
    if (routes_home(e->fe, b) ||
        (b->phase != BOARD_READY && b->phase != BOARD_IDLE && b->phase != BOARD_FAULT)) {
        snprintf(x->row.reason, sizeof x->row.reason, "board %.31s: %.180s", b->conf->name,
                 *b->reason ? b->reason : "is not ready");
        return; // a change of the board comes this way again
    }
    x->row.reason[0] = '\0';
    if (!take_arms(e, x, why, sizeof why) ||
        !experiment_begin(&e->runner, &x->spec, (int)x->row.steps, x->row.seconds, now_ns())) {
        experiments_finish(e, x, SERVICE_EXPERIMENT_FAILED, "", why);
        for (int i = 0; i < SERVICE_ARMS_MAX; i++) {
            package_unref(e->arm[i]);
            e->arm[i] = NULL;
        }
        return;
    }
    if (x->ran)
        snprintf(e->before, sizeof e->before, "%s", x->before);
    else if (!same)
        snprintf(e->before, sizeof e->before, "%s", b->active ? b->active->name : "");
    e->restoring = false;
    e->active = x;
    e->board = b;
    e->own = 0;
    e->board_inferences = b->inferences;
    e->swap_ns = b->total_ns;
    e->pending = 0;
    log_info("ab", "begins experiment=%s board=%s step=%u of=%d", x->row.id, b->conf->name,
             x->row.steps, design_steps(&e->runner.design));
}

// The first time that the board serves one of the arms.
static bool announce(struct experiments *e)
{
    struct experiment *x = e->active;
    const char *origin = service_origin_name(frontend_origin(e->board));
    if (x->ran && (strcmp(origin, x->origin) != 0 || x->clock_hz != e->board->identity.clock_hz)) {
        experiments_finish(e, x, SERVICE_EXPERIMENT_FAILED, "",
                           "the board is another one now: figures of two origins are not mixed");
        return false;
    }
    if (x->ran) {
        x->row.state = SERVICE_EXPERIMENT_RUNNING;
        return true;
    }
    struct recorder_job *job = recorder_job_new(RECORDER_RUN, x->row.id);
    if (job) {
        job->spec = x->spec;
        job->clock_hz = e->board->identity.clock_hz;
        snprintf(job->before, sizeof job->before, "%s", e->before);
        snprintf(job->origin, sizeof job->origin, "%s", origin);
    }
    if (recorder_push(e->recorder, job) < 0) {
        experiments_wake_at(e, now_ns() + EXPERIMENTS_RETRY_NS); // nobody else would
        return false;
    }
    x->clock_hz = e->board->identity.clock_hz;
    snprintf(x->origin, sizeof x->origin, "%s", origin);
    snprintf(x->before, sizeof x->before, "%s", e->before);
    x->ran = true;
    x->row.state = SERVICE_EXPERIMENT_RUNNING;
    return true;
}

// ---- turns

static int arm_on(const struct experiments *e)
{
    const struct package *p = e->board->active;
    for (int i = 0; p && i < e->active->row.arms; i++)
        if (strcmp(p->name, e->active->row.arm[i]) == 0 &&
            strcmp(p->variant->hash_hex, e->active->spec.version[i]) == 0)
            return i;
    return -1;
}

static struct experiment_world world_of(const struct experiments *e)
{
    const struct board *b = e->board;
    uint32_t all = frontend_waiting(e->fe, b), mine = e->flying && b->running ? 1 : 0;
    return (struct experiment_world){
        .now_ns = now_ns(),
        .ready = b->phase == BOARD_READY,
        .arm = b->phase == BOARD_READY ? arm_on(e) : -1,
        .room = board_has_room(b),
        .storable =
            e->pending < EXPERIMENTS_PENDING && recorder_room(e->recorder) > EXPERIMENTS_RESERVE,
        .others = all > mine ? all - mine : 0,
        .served = b->inferences - e->board_inferences - e->own,
        .ready_since_ns = b->phase_since_ns,
        .swap_ns = e->swap_ns,
        .generation = b->phase_since_ns,
    };
}

static void swap(struct experiments *e, struct package *p)
{
    char why[SERVICE_TEXT_MAX + 1];
    enum service_code code = board_load(e->board, p, &e->slot, why, sizeof why);
    if (code == SERVICE_OK)
        return;
    struct experiment_world w = {.served = e->runner.served_at_swap};
    experiment_swapped(&e->runner, &w);
    if (code == SERVICE_SWAP_FAILED)
        experiments_finish(e, e->active, SERVICE_EXPERIMENT_FAILED, "", why);
    else
        experiments_wake_at(e, now_ns() + EXPERIMENTS_RETRY_NS);
}

// One inference, or as many as take burst_s of the board's time.
static void infer(struct experiments *e, const struct experiment_world *w, double burst_s)
{
    int8_t codes[WIRE_WINDOW_MAX];
    struct experiment *x = e->active;
    const struct variant *v = e->board->active->variant;
    size_t values = (size_t)x->spec.rows * x->spec.columns;
    const double *window = x->windows + (size_t)experiment_window(&e->runner) * values;
    int saturated = 0;
    if (variant_encode(v, window, codes, &saturated) >= 0) { // was checked when it came
        experiments_finish(e, x, SERVICE_EXPERIMENT_FAILED, "", "a value that is not finite");
        return;
    }
    e->slot.request.burst_s = burst_s;
    e->slot.deadline_ns =
        now_ns() + (uint64_t)e->board->conf->burst_max_s * NS_PER_S + BURST_MARGIN_NS;
    e->flying = true;
    e->saw_others = w->others > 0;
    e->served_at_send = w->served;
    if (board_infer(e->board, &e->slot, codes) < 0) {
        e->flying = false;
        experiment_returned(&e->runner);
    }
}

static void restore(struct experiments *e)
{
    char why[SERVICE_TEXT_MAX + 1] = "it is gone";
    struct board *b = e->board;
    struct package *p = packages_find(&e->fe->packages, e->before);
    if (b->phase == BOARD_DRAIN || b->phase == BOARD_PROGRAM || b->phase == BOARD_VERIFY)
        return;
    e->restoring = false;
    if (b->active && strcmp(b->active->name, e->before) == 0)
        return;
    if (!p || board_load(b, p, NULL, why, sizeof why) != SERVICE_OK)
        log_warn("ab", "cannot put back board=%s variant=%s reason=\"%s\"", b->conf->name,
                 e->before, why);
}

static bool time_is_up(const struct experiments *e)
{
    uint32_t budget_s = e->active->spec.plan.budget_s;
    return budget_s && experiment_seconds(&e->runner, now_ns()) >= budget_s;
}

static void turn(struct experiments *e)
{
    uint64_t wake_ns;
    struct experiment *x = e->active;
    if (x->ran && x->row.blocks && x->row.decided == x->row.comparisons && !e->pending) {
        experiments_finish(e, x, SERVICE_EXPERIMENT_DONE, "", ""); // it only was not told yet
        return;
    }
    if (time_is_up(e)) {
        experiments_finish(e, x, SERVICE_EXPERIMENT_DONE, "time", "");
        return;
    }
    struct experiment_world w = world_of(e);
    snprintf(x->row.reason, sizeof x->row.reason, "%s%.200s",
             w.ready ? "" : "board: ", w.ready ? "" : e->board->reason);
    bool over = e->runner.step >= design_steps(&e->runner.design);
    if (!over && w.ready && w.arm == experiment_arm(&e->runner) &&
        x->row.state != SERVICE_EXPERIMENT_RUNNING && !announce(e))
        return;
    switch (experiment_next(&e->runner, &w, &wake_ns)) {
    case EXPERIMENT_REST:
        experiments_wake_at(e, wake_ns);
        break;
    case EXPERIMENT_SWAP:
        swap(e, e->arm[experiment_arm(&e->runner)]);
        break;
    case EXPERIMENT_INFER:
        infer(e, &w, 0);
        break;
    case EXPERIMENT_BURST:
        infer(e, &w, x->spec.plan.burst_s);
        break;
    case EXPERIMENT_OVER:
        if (!e->pending)
            experiments_finish(e, x, SERVICE_EXPERIMENT_DONE, "budget", "");
        break;
    }
    if (e->active && x->spec.plan.budget_s && wake_ns == UINT64_MAX)
        experiments_wake_at(e, now_ns() + NS_PER_S);
}

void experiments_turn(struct frontend *fe)
{
    struct experiments *e = fe->experiments;
    if (!e || !e->recorder || e->stopped)
        return;
    if (!e->active) {
        struct experiment *x = next_one(e);
        bool same = x && e->restoring && strcmp(e->board->conf->name, x->spec.board) == 0;
        if (e->restoring && !same)
            restore(e);
        if (x && (same || !e->restoring) && recorder_room(e->recorder) > EXPERIMENTS_RESERVE)
            begin(e, x);
    }
    if (e->active)
        turn(e);
}

// ---- what boards say

static void take_step(struct experiments *e, const struct experiment_step *s)
{
    struct recorder_job *job = recorder_job_new(RECORDER_STEP, e->active->row.id);
    e->active->row.seconds = s->begin_s + s->duration_s;
    if (*s->reason)
        log_warn("ab", "measurement lost experiment=%s step=%d reason=\"%s\"", e->active->row.id,
                 s->index, s->reason);
    if (job)
        job->step = *s;
    if (recorder_push(e->recorder, job) < 0) { // room was kept: memory is short
        experiments_finish(e, e->active, SERVICE_EXPERIMENT_FAILED, "", "out of memory");
        return;
    }
    e->pending++;
    if (e->runner.lost >= EXPERIMENT_LOST_STEPS)
        experiments_finish(e, e->active, SERVICE_EXPERIMENT_FAILED, "", s->reason);
}

static double error_of(const struct experiments *e, const struct variant *v, const int16_t *y)
{
    double values[SERVICE_OUTPUTS_MAX], sum = 0;
    const struct experiment_spec *s = &e->active->spec;
    const double *target = e->active->targets + (size_t)experiment_window(&e->runner) * s->outputs;
    variant_decode(v, y, values);
    for (int i = 0; i < s->outputs; i++)
        sum += fabs(values[i] - target[i]) / s->divisor[i];
    return sum / s->outputs;
}

// Why a measurement without a burst has no energy.
static const char *no_burst(const struct experiments *e)
{
    if (!frontend_has_meter(e->board))
        return "no power monitor";
    return "an inference is too short for the power monitor, and no bursts are planned";
}

static bool take_burst(struct experiments *e, const struct wire_result *r,
                       struct experiment_step *out)
{
    struct service_energy energy;
    struct experiment_joules j = {NAN, NAN, energy.reason, {0}};
    bool good = energy_of_result(e->board, r, &energy);
    if (good) {
        j.joule = energy.total.value;
        j.of = (struct experiment_energy){.origin = energy.origin,
                                          .window_s = energy.window_s,
                                          .runs = r->burst.runs,
                                          .uncertainty_j = energy.total.uncertainty};
        snprintf(j.of.of, sizeof j.of.of, "%s", energy.of);
    }
    if (good && energy.has_idle) {
        j.above_idle_joule = energy.above_idle.value;
        j.of.above_uncertainty_j = energy.above_idle.uncertainty;
    } else if (good) {
        j.reason = "no power at rest before the burst";
    }
    if (*j.reason)
        log_warn("ab", "no energy experiment=%s step=%d reason=\"%s\"", e->active->row.id,
                 e->runner.step, j.reason);
    return experiment_burst_done(&e->runner, now_ns(), &j, out);
}

static void on_result(void *arg, struct board *b, struct queue_slot *s, const struct package *p,
                      const struct wire_result *r)
{
    struct experiments *e = arg;
    struct experiment_step step;
    (void)s;
    e->own += 1 + r->burst.runs;
    e->flying = false;
    if (!e->active)
        return;
    int arm = experiment_arm(&e->runner);
    if (strcmp(p->variant->hash_hex, e->active->spec.version[arm]) != 0) { // cannot be
        experiment_returned(&e->runner);
        return;
    }
    if (e->runner.bursting) {
        if (take_burst(e, r, &step))
            take_step(e, &step);
        return;
    }
    uint64_t served = b->inferences - e->board_inferences - e->own;
    struct experiment_answer a = {
        .latency_ns = r->last_ns > r->sent_ns ? r->last_ns - r->sent_ns : 1,
        .cycles = r->cycles,
        .error = error_of(e, p->variant, r->y),
        .shared = e->saw_others || served != e->served_at_send || b->running > 0,
    };
    if (!experiment_answered(&e->runner, now_ns(), &a, &step))
        return;
    snprintf(step.no_energy, sizeof step.no_energy, "%s", no_burst(e));
    take_step(e, &step);
}

static void on_unanswered(void *arg, struct queue_slot *s, const char *reason)
{
    struct experiments *e = arg;
    struct experiment_step step;
    (void)s;
    e->flying = false;
    if (!e->active)
        return;
    if (!e->runner.warm) { // nothing measured is lost
        experiment_returned(&e->runner);
        if (++e->runner.lost >= EXPERIMENT_LOST_STEPS)
            experiments_finish(e, e->active, SERVICE_EXPERIMENT_FAILED, "", reason);
        return;
    }
    if (experiment_unanswered(&e->runner, now_ns(), reason, &step))
        take_step(e, &step);
}

static void on_returned(void *arg, struct queue_slot *s)
{
    struct experiments *e = arg;
    (void)s;
    e->flying = false;
    if (e->active)
        experiment_returned(&e->runner);
}

static void on_swapped(void *arg, struct queue_slot *s, enum service_code code, const char *reason)
{
    struct experiments *e = arg;
    char why[SERVICE_TEXT_MAX + 1];
    (void)s;
    if (!e->active)
        return;
    e->swap_ns = e->board->total_ns;
    struct experiment_world w = {.served = e->board->inferences - e->board_inferences - e->own};
    experiment_swapped(&e->runner, &w);
    if (code == SERVICE_SWAP_FAILED) {
        snprintf(why, sizeof why, "%s did not come up: %.180s",
                 e->active->row.arm[experiment_arm(&e->runner)], reason);
        experiments_finish(e, e->active, SERVICE_EXPERIMENT_FAILED, "", why);
    }
}

const struct queue_owner experiments_owner = {on_result, on_unanswered, on_returned, on_swapped};
