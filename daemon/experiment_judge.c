// SPDX-License-Identifier: Apache-2.0
#include "daemon/experiment_judge.h"

#include <assert.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct metric {
    bool wanted, known;                // known: whether it has values is decided
    char reason[SERVICE_TEXT_MAX + 1]; // why it has none
    struct design design;              // the experiment's, with the metric's own budget
    double *value;                     // owned, [steps]; NaN: missing
    double *effect;                    // owned, [arms - 1][blocks]
    struct comparison against[SERVICE_ARMS_MAX];
};

struct judge {
    struct experiment_spec spec;
    struct design design;
    struct experiment_step *step; // owned, [steps of the design]
    int steps;
    struct metric metric[SERVICE_METRICS];
    double *scratch; // owned
};

static bool on(const struct metric *m)
{
    return m->wanted && !m->reason[0];
}

// The plan of a comparison: how its metric is compared.
static struct comparison_plan plan_of(const struct judge *j, enum service_metric m, int arm)
{
    const struct service_plan *p = &j->spec.plan;
    bool error = m == SERVICE_METRIC_ERROR;
    int first = (int)p->first;
    return (struct comparison_plan){
        .candidate = arm,
        .scale = error ? EFFECT_ABSOLUTE : EFFECT_RELATIVE,
        .direction = VERDICT_LOWER_IS_BETTER,
        .alpha = 1 - p->confidence,
        .margin = error ? p->error_margin : p->margin_pct,
        .first = first < j->metric[m].design.blocks ? first : j->metric[m].design.blocks,
    };
}

static bool metric_init(struct judge *j, enum service_metric which)
{
    struct metric *m = &j->metric[which];
    const struct service_plan *p = &j->spec.plan;
    int fresh = experiment_fresh_blocks(p);
    m->wanted = p->metric[which];
    m->design = j->design;
    if (which == SERVICE_METRIC_ERROR) {
        if (fresh < SEQUENTIAL_MIN_FIRST)
            snprintf(m->reason, sizeof m->reason,
                     "%u labelled windows are enough for %d blocks, at least %d are needed",
                     p->windows, fresh, SEQUENTIAL_MIN_FIRST);
        else
            m->design.blocks = fresh;
    }
    m->value = calloc((size_t)design_steps(&j->design), sizeof *m->value);
    m->effect = calloc((size_t)(p->arms - 1) * (size_t)m->design.blocks, sizeof *m->effect);
    if (!m->value || !m->effect)
        return false;
    for (int arm = 1; on(m) && arm < p->arms; arm++) {
        char why[128];
        struct comparison_plan plan = plan_of(j, which, arm);
        double *effect = m->effect + (size_t)(arm - 1) * (size_t)m->design.blocks;
        if (comparison_begin(&m->against[arm], &m->design, &plan, effect, why, sizeof why) != 0)
            snprintf(m->reason, sizeof m->reason, "%s", why);
    }
    return true;
}

struct judge *judge_new(const struct experiment_spec *spec)
{
    struct judge *j = calloc(1, sizeof *j);
    if (!j)
        return NULL;
    j->spec = *spec;
    j->design = experiment_design(&spec->plan);
    j->step = calloc((size_t)design_steps(&j->design), sizeof *j->step);
    size_t scratch = 2 * (size_t)j->design.blocks;
    bool good = j->step != NULL;
    for (int m = 0; good && m < SERVICE_METRICS; m++) {
        good = metric_init(j, (enum service_metric)m);
        for (int arm = 1; good && on(&j->metric[m]) && arm < spec->plan.arms; arm++) {
            size_t need = (size_t)comparison_scratch(&j->metric[m].against[arm]);
            scratch = need > scratch ? need : scratch;
        }
    }
    j->scratch = calloc(scratch, sizeof *j->scratch);
    if (good && j->scratch)
        return j;
    judge_free(j);
    return NULL;
}

void judge_free(struct judge *j)
{
    if (!j)
        return;
    for (int m = 0; m < SERVICE_METRICS; m++) {
        free(j->metric[m].value);
        free(j->metric[m].effect);
    }
    free(j->step);
    free(j->scratch);
    free(j);
}

int judge_steps(const struct judge *j)
{
    return j->steps;
}

int judge_blocks(const struct judge *j)
{
    return design_complete_blocks(&j->design, j->steps);
}

int judge_decided(const struct judge *j, int *comparisons)
{
    int decided = 0;
    *comparisons = 0;
    for (int m = 0; m < SERVICE_METRICS; m++)
        for (int arm = 1; on(&j->metric[m]) && arm < j->spec.plan.arms; arm++) {
            ++*comparisons;
            decided += j->metric[m].against[arm].test.stop != SEQUENTIAL_GO_ON;
        }
    return decided;
}

// After the first round it is clear which metrics have values at all.
static void settle_metrics(struct judge *j)
{
    for (int m = 0; m < SERVICE_METRICS; m++) {
        struct metric *metric = &j->metric[m];
        bool any = false, measured = false;
        if (metric->known || !on(metric))
            continue;
        for (int i = 0; i < j->steps; i++) {
            any = any || isfinite(metric->value[i]);
            measured = measured || !j->step[i].reason[0];
        }
        if (!measured) // the whole round was lost: the next one tells
            continue;
        metric->known = true;
        const char *why = m == SERVICE_METRIC_ENERGY ? j->step[j->steps - 1].no_energy : "";
        if (!any)
            snprintf(metric->reason, sizeof metric->reason, "%s", *why ? why : "no value");
    }
}

static bool update(struct judge *j, bool last, char *why, size_t whycap)
{
    for (int m = 0; m < SERVICE_METRICS; m++) {
        struct metric *metric = &j->metric[m];
        int most = design_steps(&metric->design), done = j->steps < most ? j->steps : most;
        for (int arm = 1; on(metric) && arm < j->spec.plan.arms; arm++)
            if (comparison_update(&metric->against[arm], metric->value, done, last, why, whycap) <
                0)
                return false;
    }
    return true;
}

bool judge_step(struct judge *j, const struct experiment_step *s, char *why, size_t whycap)
{
    if (s->index != j->steps || j->steps >= design_steps(&j->design)) {
        snprintf(why, whycap, "step %d where step %d is due", s->index, j->steps);
        return false;
    }
    struct design_step due = design_step(&j->design, s->index);
    if (s->arm != due.variant || s->block != due.block) {
        snprintf(why, whycap, "step %d measures variant %d, the design says %d", s->index, s->arm,
                 due.variant);
        return false;
    }
    for (int m = 0; m < SERVICE_METRICS; m++)
        if (isinf(s->value[m]) || s->value[m] < 0 ||
            (m != SERVICE_METRIC_ERROR && s->value[m] <= 0)) {
            snprintf(why, whycap, "step %d: %s is %g", s->index,
                     service_metric_name((enum service_metric)m), s->value[m]);
            return false;
        }
    for (int m = 0; m < SERVICE_METRICS; m++)
        j->metric[m].value[s->index] = s->value[m];
    j->step[j->steps++] = *s;
    if (design_warmup_steps(&j->design) <= j->steps)
        settle_metrics(j);
    return update(j, false, why, whycap);
}

// Looks are taken at complete blocks only, so what comes behind them has not been looked at.
int judge_trim(struct judge *j)
{
    int whole = design_warmup_steps(&j->design) + judge_blocks(j) * design_block_steps(&j->design);
    int kept = j->steps < whole ? 0 : whole, gone = j->steps - kept;
    j->steps = kept;
    return gone;
}

void judge_last(struct judge *j)
{
    char why[128];
    update(j, true, why, sizeof why); // fails for values only, which were checked
}

const char *judge_stop(const struct judge *j)
{
    bool budget = false;
    int comparisons;
    if (judge_decided(j, &comparisons) < comparisons)
        return "running";
    for (int m = 0; m < SERVICE_METRICS; m++)
        for (int arm = 1; on(&j->metric[m]) && arm < j->spec.plan.arms; arm++)
            budget = budget || j->metric[m].against[arm].test.stop == SEQUENTIAL_BUDGET;
    return budget ? "budget" : "decided";
}

// ---- the report

static json_t *number(double value)
{
    return isfinite(value) ? json_real(value) : json_null();
}

static void put(json_t *object, const char *key, double value)
{
    json_object_set_new(object, key, number(value));
}

static const char *unit_of(const struct judge *j, enum service_metric m)
{
    switch (m) {
    case SERVICE_METRIC_ERROR:
        return j->spec.unit;
    case SERVICE_METRIC_CYCLES:
        return "cycles";
    case SERVICE_METRIC_LATENCY:
        return "ns";
    default:
        return "J";
    }
}

static json_t *comparison_json(const struct judge *j, enum service_metric m, int arm)
{
    struct comparison_report r;
    const struct service_plan *p = &j->spec.plan;
    comparison_report(&j->metric[m].against[arm], p->seed, j->scratch, &r);
    json_t *o =
        json_pack("{s:s,s:s,s:s,s:s,s:s}", "candidate", p->arm[arm], "reference", p->arm[0],
                  "verdict", verdict_name(r.verdict), "reason", verdict_reason_text(r.reason),
                  "unit", m == SERVICE_METRIC_ERROR ? unit_of(j, m) : "%");
    put(o, "estimate", r.estimate);
    put(o, "low", r.interval.low);
    put(o, "high", r.interval.high);
    put(o, "confidence", 1 - r.alpha);
    put(o, "p", r.p);
    put(o, "margin", r.margin);
    put(o, "equivalence_low", r.equivalence.low);
    put(o, "equivalence_high", r.equivalence.high);
    put(o, "p_permutation", r.p_permutation);
    put(o, "p_equivalence", r.p_equivalence);
    put(o, "bootstrap_low", r.bootstrap.low);
    put(o, "bootstrap_high", r.bootstrap.high);
    put(o, "median", r.median);
    put(o, "trend_rho", r.trend_rho);
    put(o, "trend_p", r.trend_p);
    json_object_set_new(o, "drifts", json_boolean(r.drifts));
    json_object_set_new(o, "blocks", json_integer(r.blocks));
    json_object_set_new(o, "lost", json_integer(r.lost));
    return o;
}

// Of the measurements of one variant in complete blocks.
static json_t *variant_json(const struct judge *j, enum service_metric m, int arm)
{
    const struct metric *metric = &j->metric[m];
    int most = design_steps(&metric->design), done = j->steps < most ? j->steps : most;
    int end = design_warmup_steps(&j->design) +
              design_complete_blocks(&metric->design, done) * design_block_steps(&j->design);
    double mean = 0, squares = 0, seconds = 0;
    int n = 0;
    for (int i = 0; i < end && i < done; i++) { // Welford's
        double x = metric->value[i], delta = x - mean;
        if (j->step[i].block < 0 || j->step[i].arm != arm || !isfinite(x))
            continue;
        mean += delta / ++n;
        squares += delta * (x - mean);
        seconds += j->step[i].duration_s;
    }
    json_t *o = json_pack("{s:s,s:i}", "variant", j->spec.plan.arm[arm], "count", n);
    put(o, "mean", n ? mean : NAN);
    put(o, "sd", n > 1 ? sqrt(squares / (n - 1)) : NAN);
    put(o, "window_s", n ? seconds / n : NAN);
    return o;
}

static json_t *metric_json(const struct judge *j, enum service_metric m)
{
    json_t *o = json_pack("{s:s,s:s}", "metric", service_metric_name(m), "unit", unit_of(j, m));
    if (j->metric[m].reason[0]) {
        json_object_set_new(o, "reason", json_string(j->metric[m].reason));
        return o;
    }
    json_t *variants = json_array(), *comparisons = json_array();
    for (int arm = 0; arm < j->spec.plan.arms; arm++)
        json_array_append_new(variants, variant_json(j, m, arm));
    for (int arm = 1; arm < j->spec.plan.arms; arm++)
        json_array_append_new(comparisons, comparison_json(j, m, arm));
    json_object_set_new(o, "variants", variants);
    json_object_set_new(o, "comparisons", comparisons);
    return o;
}

json_t *judge_report(const struct judge *j, const char *stop, const char *origin, uint32_t clock_hz)
{
    const struct service_plan *p = &j->spec.plan;
    json_t *versions = json_array(), *metrics = json_array();
    int lost = 0, blocks = judge_blocks(j), first = design_warmup_steps(&j->design);
    json_int_t shared = 0;
    for (int b = 0; b < blocks; b++) {
        bool missing = false;
        for (int i = 0; i < design_block_steps(&j->design); i++)
            missing = missing || j->step[first + b * design_block_steps(&j->design) + i].reason[0];
        lost += missing;
    }
    for (int i = 0; i < j->steps; i++)
        shared += j->step[i].shared;
    for (int arm = 0; arm < p->arms; arm++)
        json_array_append_new(versions, json_string(j->spec.version[arm]));
    for (int m = 0; m < SERVICE_METRICS; m++)
        if (j->metric[m].wanted)
            json_array_append_new(metrics, metric_json(j, (enum service_metric)m));
    return json_pack("{s:s,s:I,s:s,s:i,s:i,s:f,s:I,s:s,s:I,s:I,s:I,s:o,s:o}", "origin", origin,
                     "clock_hz", (json_int_t)clock_hz, "stop", stop, "blocks", blocks,
                     "lost_blocks", lost, "confidence", p->confidence, "seed", (json_int_t)p->seed,
                     "design", service_design_name(p->design), "step_windows",
                     (json_int_t)p->step_windows, "warmup", (json_int_t)p->warmup, "shared_windows",
                     shared, "versions", versions, "metrics", metrics);
}

double *judge_table(const struct judge *j)
{
    double *table = calloc((size_t)j->steps * SERVICE_STEP_COLUMNS + 1, sizeof *table);
    for (int i = 0; table && i < j->steps; i++) {
        const struct experiment_step *s = &j->step[i];
        double *row = table + (size_t)i * SERVICE_STEP_COLUMNS;
        row[0] = s->arm;
        row[1] = s->block;
        row[2] = s->begin_s;
        row[3] = s->duration_s;
        for (int m = 0; m < SERVICE_METRICS; m++)
            row[4 + m] = s->value[m];
    }
    return table;
}
