// SPDX-License-Identifier: Apache-2.0
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "client/cli/power.h"
#include "measure/bootstrap.h"
#include "measure/design.h"
#include "measure/effect.h"

enum sc_origin power_origin(const struct power_session *s)
{
    return s->samples ? s->sample[0].origin : s->board.origin;
}

void power_idle_mean(const struct power_session *s, double begin_s, double end_s,
                     struct power_idle *out)
{
    double squares[SC_RAILS] = {0};
    uint64_t latest = 0;
    *out = (struct power_idle){.begin_s = begin_s, .end_s = end_s};
    for (size_t i = 0; i < s->samples; i++) {
        const struct power_sample *p = &s->sample[i];
        if (p->begin_s < begin_s || p->end_s > end_s)
            continue;
        uint32_t r = 0;
        while (r < out->rails && strcmp(out->rail[r].name, p->rail.name) != 0)
            r++;
        if (r == SC_RAILS)
            continue;
        if (r == out->rails) {
            out->rails++;
            memcpy(out->rail[r].name, p->rail.name, sizeof p->rail.name);
        }
        bool first = p->seq != latest;
        latest = p->seq;
        out->windows += first;
        if (first)
            out->seconds += p->end_s - p->begin_s;
        if (p->rail.reason[0]) {
            out->flagged += first;
            continue;
        }
        // weights: samples; gain errors are the same in all windows, so uncertainties are averaged
        out->rail[r].watt += p->rail.watt * p->rail.count;
        squares[r] += p->rail.uncertainty_watt * p->rail.count;
        out->rail[r].count += p->rail.count;
    }
    for (uint32_t r = 0; r < out->rails; r++) {
        struct sc_rail *to = &out->rail[r];
        if (to->count) {
            to->watt /= to->count;
            to->uncertainty_watt = squares[r] / to->count;
        } else {
            snprintf(to->reason, sizeof to->reason, "no window without a flag");
        }
    }
}

static struct power_median median_of(const struct power_session *s, int variant, size_t offset,
                                     size_t uncertainty)
{
    struct power_median m = {
        .value = NAN, .low = NAN, .high = NAN, .min = NAN, .max = NAN, .uncertainty = NAN};
    double *x = calloc(2 * s->windows + POWER_RESAMPLES + 1, sizeof *x), sum = 0;
    struct interval interval;
    if (!x)
        return m;
    for (size_t i = 0; i < s->windows; i++) {
        const struct power_window *w = &s->window[i];
        double value = *(const double *)((const char *)w + offset);
        if (w->variant != variant || w->index < 0 || w->flag[0] || !isfinite(value))
            continue;
        x[m.n++] = value;
        if (uncertainty)
            sum += *(const double *)((const char *)w + uncertainty);
    }
    if (m.n) {
        sample_sort(x, m.n);
        m.value = sample_quantile(x, m.n, 0.5);
        m.min = x[0];
        m.max = x[m.n - 1];
        m.uncertainty = uncertainty ? sum / m.n : NAN;
        if (bootstrap_median(x, m.n, s->plan.confidence, POWER_RESAMPLES, s->plan.seed,
                             x + s->windows, &interval) == 0) {
            m.low = interval.low;
            m.high = interval.high;
        }
    }
    free(x);
    return m;
}

// Power of the rails that the energy is of.
static double watt_of(const struct power_idle *idle, const char *of)
{
    double sum = 0;
    for (uint32_t r = 0; r < idle->rails; r++) {
        if (of[0] && strcmp(idle->rail[r].name, of) != 0)
            continue;
        if (idle->rail[r].reason[0])
            return NAN;
        sum += idle->rail[r].watt;
    }
    return idle->rails ? sum : NAN;
}

void power_variant_stat(struct power_session *s, int variant)
{
    struct power_variant *v = &s->variant[variant];
    const char *of = "";
    v->windows = v->good = 0;
    v->runs = 0;
    for (size_t i = 0; i < s->windows; i++) {
        const struct power_window *w = &s->window[i];
        if (w->variant != variant || w->index < 0)
            continue;
        v->windows++;
        if (w->flag[0])
            continue;
        v->good++;
        v->runs += w->runs;
        of = w->of;
    }
#define MEDIAN(field, uncertainty)                                                                 \
    median_of(s, variant, offsetof(struct power_window, field), uncertainty)
    v->joule = MEDIAN(joule, offsetof(struct power_window, joule_uncertainty));
    v->above = MEDIAN(above, offsetof(struct power_window, above_uncertainty));
    v->watt = MEDIAN(watt, offsetof(struct power_window, watt_uncertainty));
    v->inference_s = MEDIAN(inference_s, 0);
    double before = watt_of(&v->before, of), after = watt_of(&v->after, of);
    v->drift = (struct power_drift){isfinite(before) && isfinite(after) && before > 0, before,
                                    after, after / before - 1};
}

int power_windows_due(const struct power_session *s, int variant)
{
    const struct power_plan *p = &s->plan;
    const struct power_variant *v = &s->variant[variant];
    int due = p->windows;
    if (v->windows >= p->most)
        return v->good;
    if (!(p->target_share > 0))
        return due;
    if (due < POWER_TARGET_FIRST)
        due = POWER_TARGET_FIRST;
    if (v->good < due || v->good < v->next_look)
        return v->next_look > due ? v->next_look : due;
    double half = (v->joule.high - v->joule.low) / 2, target = p->target_share * v->joule.value;
    int next = isfinite(half) && target > 0 ? bootstrap_next_look(v->good, half, target, p->most)
                                            : v->good + 1;
    return next ? next : v->good;
}

static void effect_stat(const struct power_plan *plan, int blocks, struct power_effect *e)
{
    double effect[POWER_MAX_BLOCKS], *scratch;
    struct sample described;
    e->estimate_pct = e->interval.low = e->interval.high = NAN;
    e->bootstrap = e->interval;
    for (int on = 0; on < 2; on++) {
        e->latency_s[on] = 0;
        for (int i = 0; i < 2 * blocks; i++)
            e->latency_s[on] += e->segment_s[on][i] / (2 * blocks);
    }
    for (int b = 0; b < blocks; b++)
        effect[b] = effect_of(EFFECT_RELATIVE, e->segment_s[0][2 * b] + e->segment_s[0][2 * b + 1],
                              e->segment_s[1][2 * b] + e->segment_s[1][2 * b + 1], 2);
    if (blocks < 1 || sample_describe(effect, blocks, &described) != 0)
        return;
    e->estimate_pct = effect_shown(EFFECT_RELATIVE, described.mean);
    if (sample_mean_interval(effect, blocks, plan->confidence, &e->interval) == 0) {
        e->interval.low = effect_shown(EFFECT_RELATIVE, e->interval.low);
        e->interval.high = effect_shown(EFFECT_RELATIVE, e->interval.high);
    }
    scratch = calloc(POWER_RESAMPLES, sizeof *scratch);
    if (scratch && bootstrap_mean(BOOTSTRAP_STUDENTISED, effect, blocks, plan->confidence,
                                  POWER_RESAMPLES, plan->seed, scratch, &e->bootstrap) == 0) {
        e->bootstrap.low = effect_shown(EFFECT_RELATIVE, e->bootstrap.low);
        e->bootstrap.high = effect_shown(EFFECT_RELATIVE, e->bootstrap.high);
    }
    free(scratch);
}

void power_perturbation_stat(struct power_session *s)
{
    effect_stat(&s->plan, s->perturbation.blocks, &s->perturbation.mean);
    effect_stat(&s->plan, s->perturbation.blocks, &s->perturbation.p50);
}
