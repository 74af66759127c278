// SPDX-License-Identifier: Apache-2.0
#include "measure/sequential.h"

#include "measure/special.h"
#include "measure/walk.h"

#include <math.h>
#include <stdio.h>

static const double growth = 1.5;  // each look has this many times the effects of the one before
static const double ahead = 1.2;   // a look that is planned anew brings at least 20 % more effects
static const double caution = 1.1; // the scatter seen may be low by chance: plan for more
// Part of alpha that is spent. The theory takes scatter as known; that it is estimated, from the
// effects that also stop the test, costs up to a quarter more errors at 8 blocks (simulated,
// docs/measuring.md).
static const double allowance = 0.8;

static int round_up(double n, int multiple)
{
    int groups = (int)ceil(n / multiple - 1e-9);
    return groups * multiple;
}

static void plan_looks(struct sequential *s)
{
    const struct sequential_plan *p = &s->plan;
    int n = round_up(p->first, p->multiple);
    // A look just before the last one would add a chance to err and hardly any information.
    while (s->looks_planned < SEQUENTIAL_MAX_LOOKS - 1 && n * 1.2 < p->budget) {
        s->at[s->looks_planned++] = n;
        n = round_up(n * growth, p->multiple);
    }
    s->at[s->looks_planned++] = p->budget;
}

int sequential_begin(struct sequential *s, const struct sequential_plan *plan, char *why,
                     size_t cap)
{
    const char *field = NULL;
    if (!(plan->alpha > 0 && plan->alpha < 0.5))
        field = "alpha is not in (0, 0.5)";
    else if (!(plan->margin >= 0) || !isfinite(plan->margin))
        field = "margin is negative or not a number";
    else if (!(plan->half_width >= 0) || !isfinite(plan->half_width))
        field = "half_width is negative or not a number";
    else if (plan->first < SEQUENTIAL_MIN_FIRST)
        field = "the first look has fewer than 6 blocks";
    else if (plan->budget < plan->first)
        field = "the budget is below the first look";
    else if (plan->multiple < 1)
        field = "multiple is below 1";
    if (field) {
        snprintf(why, cap, "sequential: %s", field);
        return -1;
    }
    *s = (struct sequential){.plan = *plan};
    walk_nodes(s->node, s->weight, SEQUENTIAL_NODES);
    plan_looks(s);
    return 0;
}

int sequential_due(const struct sequential *s)
{
    if (s->stop != SEQUENTIAL_GO_ON)
        return 0;
    if (s->final_at > 0)
        return s->final_at;
    int before = s->looks ? s->n[s->looks - 1] : 0;
    for (int i = 0; i < s->looks_planned; i++) {
        if (s->at[i] > before)
            return s->at[i];
    }
    return before + 1;
}

// The bound at look `look` that spends `spend` more than what the looks before have spent.
static double solve_bound(const struct sequential *s, int look, double spend)
{
    struct walk reached;
    walk_start(&reached, s->node, s->weight, SEQUENTIAL_NODES);
    for (int j = 0; j < look; j++)
        walk_past(&reached, s->n[j], -s->bound[j], s->bound[j]);
    double before = reached.upper + reached.lower, low = 0, high = 38;
    for (int i = 0; i < 60 && high - low > 1e-12; i++) {
        double c = 0.5 * (low + high);
        struct walk_exits out = walk_exits(&reached, s->n[look], -c, c);
        *(out.upper + out.lower - before > spend ? &low : &high) = c;
    }
    return high;
}

static double standard_error(const struct sequential *s)
{
    return s->last.sd / sqrt(s->last.n);
}

// Whether the interval of a final look at n effects with this bound would be narrow enough, going
// by the scatter seen so far. With half widths w of the interval and v of the equivalence interval,
// w + v <= margin makes every mean a decision: one beyond w differs from 0, and one below w lies at
// most w + v from 0.
static bool precise_at(const struct sequential *s, int n, double bound)
{
    double error = caution * s->last.sd / sqrt(n), tail = normal_tail(bound);
    double width = normal_to_student(bound, n - 1) * error;
    if (s->plan.half_width > 0 && width <= s->plan.half_width)
        return true;
    return s->plan.margin > 0 && width + student_upper(2 * tail, n - 1) * error <= s->plan.margin;
}

// The number of effects before the next planned look at which the interval will be narrow enough;
// that look will be the last. It is fixed one look ahead because a look that is made the last one
// by its own low scatter is one whose interval is too narrow.
static int plan_final(const struct sequential *s, double bound)
{
    int multiple = s->plan.multiple, planned = sequential_due(s);
    int n = round_up(s->last.n * ahead, multiple);
    for (; n < planned; n += multiple) {
        if (precise_at(s, n, bound))
            return n;
    }
    return precise_at(s, planned, bound) ? planned : 0;
}

static double z_of(double distance, double error, int n)
{
    if (error > 0)
        return student_to_normal(distance / error, n - 1);
    return distance > 0 ? 38 : distance < 0 ? -38 : 0;
}

int sequential_look(struct sequential *s, const double *x, int n, bool last)
{
    if (s->stop != SEQUENTIAL_GO_ON)
        return (int)s->stop;
    int k = s->looks;
    if (n < (last ? 2 : SEQUENTIAL_MIN_FIRST) || (k > 0 && n <= s->n[k - 1]))
        return -1;
    if (sample_describe(x, n, &s->last) != 0)
        return -1;
    s->n[k] = n;
    bool planned = s->final_at > 0 && n >= s->final_at;
    bool final = planned || last || n >= s->plan.budget || k == SEQUENTIAL_MAX_LOOKS - 1;
    double alpha = allowance * s->plan.alpha, left = alpha - s->spent;
    double spend = final ? left : alpha * n / s->plan.budget - s->spent;
    s->bound[k] = solve_bound(s, k, spend);
    s->spent += spend;
    s->looks = k + 1;
    if (fabs(z_of(s->last.mean, standard_error(s), n)) >= s->bound[k])
        s->stop = SEQUENTIAL_CROSSED;
    else if (final)
        s->stop = planned ? SEQUENTIAL_PRECISE : SEQUENTIAL_BUDGET;
    else
        s->final_at = plan_final(s, solve_bound(s, k, left));
    return (int)s->stop;
}

// P(an outcome at least as far up as the one seen | the mean is `mean`) in the stage-wise ordering:
// leaving upwards at an earlier look, or reaching this look and lying at or above what was seen.
// Statistics are taken relative to `mean`, so that they are standard normal and the bounds move.
static double upper_share(const struct sequential *s, double mean)
{
    double error = standard_error(s);
    struct walk w;
    walk_start(&w, s->node, s->weight, SEQUENTIAL_NODES);
    for (int j = 0; j < s->looks - 1; j++) {
        int n = s->n[j];
        double shift = mean * sqrt(n) / s->last.sd, t = normal_to_student(s->bound[j], n - 1);
        walk_past(&w, n, student_to_normal(-t - shift, n - 1), student_to_normal(t - shift, n - 1));
    }
    double seen = z_of(s->last.mean - mean, error, s->last.n);
    return walk_exits(&w, s->last.n, seen, seen).upper;
}

// The mean at which upper_share is `share`: it rises with the mean, and its normal deviate nearly
// in a straight line, so the secant that keeps a bracket (Illinois) needs few steps.
static double solve_mean(const struct sequential *s, double share)
{
    double target = normal_quantile(share), error = standard_error(s);
    double a = s->last.mean - 3 * error, b = s->last.mean + 3 * error;
    double fa = normal_quantile(upper_share(s, a)) - target;
    double fb = normal_quantile(upper_share(s, b)) - target;
    for (double step = 3 * error; fa > 0 && step < 1e6 * error; step *= 2)
        fa = normal_quantile(upper_share(s, a -= step)) - target;
    for (double step = 3 * error; fb < 0 && step < 1e6 * error; step *= 2)
        fb = normal_quantile(upper_share(s, b += step)) - target;
    for (int i = 0, side = 0; i < 60 && b - a > 1e-9 * error; i++) {
        double c = fb > fa ? b - fb * (b - a) / (fb - fa) : 0.5 * (a + b);
        double fc = normal_quantile(upper_share(s, c)) - target;
        if (fabs(fc) < 1e-9)
            return c;
        if (fc < 0) {
            a = c, fa = fc, fb = side < 0 ? 0.5 * fb : fb, side = -1;
        } else {
            b = c, fb = fc, fa = side > 0 ? 0.5 * fa : fa, side = 1;
        }
    }
    return 0.5 * (a + b);
}

int sequential_interval(const struct sequential *s, double confidence, struct interval *out)
{
    if (s->looks == 0 || !(confidence > 0 && confidence < 1))
        return -1;
    double tail = 0.5 * allowance * (1 - confidence);
    if (s->last.sd <= 0)
        *out = (struct interval){s->last.mean, s->last.mean, confidence};
    else
        *out = (struct interval){solve_mean(s, tail), solve_mean(s, 1 - tail), confidence};
    return 0;
}

int sequential_estimate(const struct sequential *s, double *mean)
{
    if (s->looks == 0)
        return -1;
    *mean = s->last.sd <= 0 ? s->last.mean : solve_mean(s, 0.5);
    return 0;
}

int sequential_p(const struct sequential *s, double *p)
{
    if (s->looks == 0)
        return -1;
    if (s->last.sd <= 0) { // no scatter: what sign flips could show at best
        *p = s->last.mean == 0 ? 1 : ldexp(1, 1 - s->last.n);
        return 0;
    }
    double upper = upper_share(s, 0), smaller = upper < 0.5 ? upper : 1 - upper;
    *p = fmin(2 * smaller / allowance, 1);
    return 0;
}
