// SPDX-License-Identifier: Apache-2.0
#include "measure/bootstrap.h"
#include "measure/permutation.h"
#include "measure/verdict.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum { RESAMPLES = 1999, FLIPS = 9999 };

// A trend in the effects is taken as real when it is both strong and beyond chance: at 8 blocks
// |rho| = 0.5 alone turns up in every fifth experiment without any.
static const double drift_rho = 0.5, drift_p = 0.01;

int comparison_begin(struct comparison *c, const struct design *design,
                     const struct comparison_plan *plan, double *effects, char *why, size_t cap)
{
    int k = design->variants;
    if (plan->reference == plan->candidate || plan->reference < 0 || plan->candidate < 0 ||
        plan->reference >= k || plan->candidate >= k) {
        snprintf(why, cap, "comparison: variant %d against %d of %d", plan->candidate,
                 plan->reference, k);
        return -1;
    }
    struct sequential_plan looks = {
        .alpha = plan->alpha / (k - 1),
        .margin = effect_margin(plan->scale, plan->margin),
        .half_width = effect_margin(plan->scale, plan->half_width),
        .first = plan->first,
        .budget = design->blocks,
        .multiple = k,
    };
    if (sequential_begin(&c->test, &looks, why, cap) != 0)
        return -1;
    c->design = design;
    c->plan = *plan;
    c->effects = (struct effect_list){.capacity = design->blocks, .effect = effects};
    c->steps = 0;
    return 0;
}

int comparison_update(struct comparison *c, const double *value, int done, bool last, char *why,
                      size_t cap)
{
    if (c->test.stop != SEQUENTIAL_GO_ON)
        return (int)c->test.stop;
    int complete = design_complete_blocks(c->design, done);
    last = last || complete == c->design->blocks;
    if (!last && complete < sequential_due(&c->test))
        return SEQUENTIAL_GO_ON;
    if (effect_collect(c->design, c->plan.scale, c->plan.reference, c->plan.candidate, value, done,
                       &c->effects, why, cap) != 0)
        return -1;
    c->steps = done;
    if (!last && c->effects.count < sequential_due(&c->test)) // blocks were lost
        return SEQUENTIAL_GO_ON;
    int state = sequential_look(&c->test, c->effects.effect, c->effects.count, last);
    if (state < 0 && !last) {
        snprintf(why, cap, "comparison: an effect of %d blocks is not finite", c->effects.count);
        return -1;
    }
    if (state < 0) // a last look without anything new ends what those before could not decide
        c->test.stop = SEQUENTIAL_BUDGET;
    return (int)c->test.stop;
}

int comparison_scratch(const struct comparison *c)
{
    int trend = 2 * c->design->blocks;
    return trend > RESAMPLES ? trend : RESAMPLES;
}

static struct interval shown_interval(enum effect_scale scale, struct interval i)
{
    return (struct interval){effect_shown(scale, i.low), effect_shown(scale, i.high), i.confidence};
}

// The checks that take the effects as a sample of fixed size.
static void describe(const struct comparison *c, uint64_t seed, double *scratch,
                     struct comparison_report *out)
{
    const double *x = c->effects.effect;
    int n = out->blocks;
    enum effect_scale scale = c->plan.scale;
    double confidence = 1 - out->alpha;
    struct interval found;
    struct equivalence tost;
    permutation_sign_flip(x, n, FLIPS, seed, &out->p_permutation);
    if (equivalence_test(x, n, c->test.plan.margin, out->alpha, &tost) == 0)
        out->p_equivalence = tost.p;
    if (bootstrap_mean(BOOTSTRAP_STUDENTISED, x, n, confidence, RESAMPLES, seed, scratch, &found) ==
        0)
        out->bootstrap = shown_interval(scale, found);
    if (sample_trend(x, n, &out->trend_rho, &out->trend_p, scratch) == 0)
        out->drifts = fabs(out->trend_rho) >= drift_rho && out->trend_p < drift_p;
    memcpy(scratch, x, (size_t)n * sizeof *x);
    sample_sort(scratch, n);
    out->median = effect_shown(scale, sample_quantile(scratch, n, 0.5));
    if (sample_median_interval(scratch, n, confidence, &found) == 0)
        out->median_interval = shown_interval(scale, found);
}

static void conclude(const struct comparison *c, struct comparison_report *out)
{
    enum effect_scale scale = c->plan.scale;
    struct verdict_evidence e = {
        .alpha = out->alpha,
        .margin = c->test.plan.margin,
        .drifts = out->drifts,
        .direction = c->plan.direction,
    };
    double estimate = NAN;
    sequential_estimate(&c->test, &estimate);
    sequential_interval(&c->test, 1 - out->alpha, &e.difference);
    sequential_interval(&c->test, 1 - 2 * out->alpha, &e.equivalence);
    sequential_p(&c->test, &e.p);
    out->p = e.p;
    out->estimate = effect_shown(scale, estimate);
    out->interval = shown_interval(scale, e.difference);
    out->equivalence = shown_interval(scale, e.equivalence);
    out->verdict = verdict_of(&e, &out->reason);
    if (out->stop == SEQUENTIAL_GO_ON) {
        out->verdict = VERDICT_UNDECIDED;
        out->reason = VERDICT_RUNNING;
    }
}

void comparison_report(const struct comparison *c, uint64_t seed, double *scratch,
                       struct comparison_report *out)
{
    const struct interval none = {NAN, NAN, NAN};
    *out = (struct comparison_report){
        .verdict = VERDICT_UNDECIDED,
        .reason = c->test.stop == SEQUENTIAL_GO_ON ? VERDICT_RUNNING : VERDICT_TOO_FEW,
        .stop = c->test.stop,
        .blocks = c->test.looks ? c->test.n[c->test.looks - 1] : 0,
        .lost = c->effects.lost,
        .alpha = c->test.plan.alpha,
        .margin = c->plan.margin,
        .estimate = NAN,
        .interval = none,
        .equivalence = none,
        .p = NAN,
        .p_permutation = NAN,
        .p_equivalence = NAN,
        .bootstrap = none,
        .median = NAN,
        .median_interval = none,
        .trend_rho = NAN,
        .trend_p = NAN,
    };
    if (out->blocks == 0)
        return;
    describe(c, seed, scratch, out);
    conclude(c, out);
}
