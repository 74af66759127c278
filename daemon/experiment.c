// SPDX-License-Identifier: Apache-2.0
// Which swap or inference of an experiment comes next.
#include "daemon/experiment.h"

#include <assert.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "measure/random.h"
#include "measure/sample.h"

enum { ORDER_STREAM = 0x77696e }; // of the seed: apart from the design's streams

bool experiment_begin(struct experiment_runner *x, const struct experiment_spec *spec, int step,
                      double base_s, uint64_t now_ns)
{
    memset(x, 0, sizeof *x);
    x->spec = spec;
    x->design = experiment_design(&spec->plan);
    x->order = calloc(spec->plan.windows, sizeof *x->order);
    if (!x->order)
        return false;
    struct random r;
    random_init(&r, spec->plan.seed, ORDER_STREAM);
    random_permutation(&r, x->order, (int)spec->plan.windows);
    x->step = step;
    x->base_s = base_s;
    x->began_s_at_ns = now_ns;
    x->generation = UINT64_MAX;
    return true;
}

void experiment_end(struct experiment_runner *x)
{
    free(x->order);
    x->order = NULL;
}

double experiment_seconds(const struct experiment_runner *x, uint64_t now_ns)
{
    return x->base_s + (double)(now_ns - x->began_s_at_ns) / 1e9;
}

bool experiment_bursts(const struct service_plan *p)
{
    return p->burst_s > 0 && (p->metric[SERVICE_METRIC_ENERGY] || p->metric[SERVICE_METRIC_ABOVE]);
}

int experiment_arm(const struct experiment_runner *x)
{
    return design_step(&x->design, x->step).variant;
}

// All variants of a block see the same windows; those of its second half are others. The burst
// runs the first one again.
int experiment_window(const struct experiment_runner *x)
{
    const struct service_plan *p = &x->spec->plan;
    struct design_step s = design_step(&x->design, x->step);
    int halves = p->design == SERVICE_ABBA ? 2 : 1;
    uint64_t slice = s.block < 0 ? 0 : (uint64_t)(s.block * halves + s.repeat);
    uint64_t at = x->warm ? slice * p->step_windows + x->window % p->step_windows : x->warmed;
    return x->order[at % p->windows];
}

static enum experiment_action rest(uint64_t *wake_ns, uint64_t at_ns)
{
    if (at_ns < *wake_ns)
        *wake_ns = at_ns;
    return EXPERIMENT_REST;
}

static enum experiment_action next_swap(struct experiment_runner *x,
                                        const struct experiment_world *w, uint64_t *wake_ns)
{
    bool alone = !w->others && w->served == x->served_at_swap;
    uint64_t half = w->ready_since_ns + w->swap_ns, at_last = w->ready_since_ns + 4 * w->swap_ns;
    if (!alone && w->now_ns < half)
        return rest(wake_ns, half);
    if (w->others && w->now_ns < at_last)
        return rest(wake_ns, at_last);
    x->swapping = true;
    return EXPERIMENT_SWAP;
}

enum experiment_action experiment_next(struct experiment_runner *x,
                                       const struct experiment_world *w, uint64_t *wake_ns)
{
    *wake_ns = UINT64_MAX;
    if (x->step >= design_steps(&x->design))
        return EXPERIMENT_OVER;
    if (x->flying || x->swapping || !w->ready || !w->storable)
        return EXPERIMENT_REST;
    if (w->arm != experiment_arm(x))
        return next_swap(x, w, wake_ns);
    if (x->generation != w->generation) { // programmed since: warm up again
        x->generation = w->generation;
        x->warmed = 0;
        x->warm = x->begun = false;
        x->wait_since_ns = 0;
    }
    if (!x->wait_since_ns) {
        x->wait_since_ns = w->now_ns;
        x->served = w->served;
    }
    uint64_t patience = x->wait_since_ns + EXPERIMENT_YIELD_NS;
    if (w->others && w->served - x->served < EXPERIMENT_YIELD && w->now_ns < patience)
        return rest(wake_ns, patience);
    bool burst = x->begun && x->window == x->spec->plan.step_windows;
    uint64_t turn = x->burst_end_ns + (x->burst_end_ns - x->burst_begin_ns);
    if (burst && w->others && w->now_ns < turn)
        return rest(wake_ns, turn);
    if (!w->room)
        return EXPERIMENT_REST;
    if (burst) {
        x->flying = x->bursting = true;
        x->burst_begin_ns = w->now_ns;
        return EXPERIMENT_BURST;
    }
    x->warm = x->warmed >= x->spec->plan.warmup;
    if (x->warm && !x->begun) {
        x->begun = true;
        x->begin_ns = w->now_ns;
        x->window = x->shared = 0;
        x->error = x->cycles = 0;
    }
    x->flying = true;
    return EXPERIMENT_INFER;
}

void experiment_swapped(struct experiment_runner *x, const struct experiment_world *w)
{
    x->swapping = false;
    x->served_at_swap = w->served;
}

static bool finish(struct experiment_runner *x, uint64_t now_ns, const char *reason,
                   struct experiment_step *out)
{
    struct design_step s = design_step(&x->design, x->step);
    double end_s = experiment_seconds(x, now_ns);
    uint64_t begin_ns = x->begun ? x->begin_ns : now_ns;
    memset(out, 0, sizeof *out);
    out->index = x->step++;
    out->arm = s.variant;
    out->block = s.block;
    out->begin_s = experiment_seconds(x, begin_ns);
    out->duration_s = end_s - out->begin_s;
    for (int m = 0; m < SERVICE_METRICS; m++)
        out->value[m] = NAN;
    snprintf(out->reason, sizeof out->reason, "%s", reason);
    out->inferences_s = out->duration_s;
    x->begun = false;
    x->wait_since_ns = 0;
    if (*reason) {
        x->lost++;
        return true;
    }
    double n = x->window;
    x->lost = 0;
    sample_sort(x->latency, (int)x->window);
    out->value[SERVICE_METRIC_ERROR] = x->error / n;
    out->value[SERVICE_METRIC_CYCLES] = x->cycles / n;
    out->value[SERVICE_METRIC_LATENCY] = sample_quantile(x->latency, (int)x->window, 0.5);
    out->inferences_s = experiment_seconds(x, x->singles_end_ns) - out->begin_s;
    out->shared = x->shared;
    return true;
}

bool experiment_answered(struct experiment_runner *x, uint64_t now_ns,
                         const struct experiment_answer *a, struct experiment_step *out)
{
    assert(x->flying);
    x->flying = false;
    x->wait_since_ns = 0;
    if (!x->warm) {
        x->warmed++;
        return false;
    }
    x->latency[x->window++] = (double)a->latency_ns;
    x->error += a->error;
    x->cycles += a->cycles;
    x->shared += a->shared;
    x->singles_end_ns = now_ns;
    return x->window == x->spec->plan.step_windows && !experiment_bursts(&x->spec->plan) &&
           finish(x, now_ns, "", out);
}

static void end_burst(struct experiment_runner *x, uint64_t now_ns)
{
    assert(x->flying && x->bursting);
    x->flying = x->bursting = false;
    x->burst_end_ns = now_ns;
}

bool experiment_burst_done(struct experiment_runner *x, uint64_t now_ns,
                           const struct experiment_joules *j, struct experiment_step *out)
{
    end_burst(x, now_ns);
    finish(x, now_ns, "", out);
    out->value[SERVICE_METRIC_ENERGY] = j->joule;
    out->value[SERVICE_METRIC_ABOVE] = j->above_idle_joule;
    out->energy = j->of;
    snprintf(out->no_energy, sizeof out->no_energy, "%s", j->reason);
    return true;
}

bool experiment_unanswered(struct experiment_runner *x, uint64_t now_ns, const char *reason,
                           struct experiment_step *out)
{
    struct experiment_joules none = {NAN, NAN, *reason ? reason : "lost", {0}};
    if (x->bursting)
        return experiment_burst_done(x, now_ns, &none, out);
    x->flying = false;
    return finish(x, now_ns, none.reason, out);
}

void experiment_returned(struct experiment_runner *x)
{
    if (x->bursting)
        end_burst(x, x->burst_begin_ns);
    x->flying = false;
}
