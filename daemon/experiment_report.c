// SPDX-License-Identifier: Apache-2.0
// The report of an experiment, and its measurements as a table.
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/experiment_judge_inside.h"

enum { REASONS = 8 }; // told apart of measurements that are missing

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

// The first step behind the complete blocks of a metric.
static int end_of(const struct judge *j, enum service_metric m)
{
    const struct design *d = &j->metric[m].design;
    int most = design_steps(d), done = j->steps < most ? j->steps : most;
    int end = design_warmup_steps(d) + design_complete_blocks(d, done) * design_block_steps(d);
    return end < done ? end : done;
}

// Of the measurements of one variant in complete blocks.
static json_t *variant_json(const struct judge *j, enum service_metric m, int arm)
{
    const struct metric *metric = &j->metric[m];
    double mean = 0, squares = 0, seconds = 0, uncertainty = 0, runs = 0;
    int n = 0, end = end_of(j, m);
    for (int i = 0; i < end; i++) { // Welford's
        const struct experiment_step *s = &j->step[i];
        double x = metric->value[i], delta = x - mean;
        if (s->block < 0 || s->arm != arm || !isfinite(x))
            continue;
        mean += delta / ++n;
        squares += delta * (x - mean);
        seconds += judge_is_energy(m) ? s->energy.window_s : s->inferences_s;
        uncertainty +=
            m == SERVICE_METRIC_ENERGY ? s->energy.uncertainty_j : s->energy.above_uncertainty_j;
        runs += s->energy.runs;
    }
    json_t *o = json_pack("{s:s,s:i}", "variant", j->spec.plan.arm[arm], "count", n);
    put(o, "mean", n ? mean : NAN);
    put(o, "sd", n > 1 ? sqrt(squares / (n - 1)) : NAN);
    put(o, "window_s", n ? seconds / n : NAN);
    if (judge_is_energy(
            m)) { // the gain's share of the errors is the same in all: the mean has it, too
        put(o, "uncertainty", n ? uncertainty / n : NAN);
        put(o, "runs", n ? runs / n : NAN);
    }
    return o;
}

// Measurements in complete blocks that have no value, counted by the reason why.
static json_t *missing_json(const struct judge *j, enum service_metric m)
{
    json_t *list = json_array();
    int end = end_of(j, m);
    for (int i = design_warmup_steps(&j->design); i < end; i++) {
        const struct experiment_step *s = &j->step[i];
        const char *why = s->reason[0] ? s->reason : s->no_energy[0] ? s->no_energy : "no value";
        json_t *row = NULL;
        if (isfinite(j->metric[m].value[i]))
            continue;
        for (size_t k = 0; k < json_array_size(list) && !row; k++)
            if (strcmp(json_string_value(json_object_get(json_array_get(list, k), "reason")),
                       why) == 0 ||
                k == REASONS)
                row = json_array_get(list, k);
        if (!row) {
            bool last = json_array_size(list) == REASONS;
            row = json_pack("{s:s,s:i}", "reason", last ? "other reasons" : why, "count", 0);
            json_array_append_new(list, row);
        }
        json_object_set_new(row, "count",
                            json_integer(1 + json_integer_value(json_object_get(row, "count"))));
    }
    return list;
}

// What there is to say of values, whether they can be compared or not. Energies have the power
// monitor's origin: where the fabric is computed by a model, it is virtual.
static void put_known(const struct judge *j, enum service_metric m, json_t *o)
{
    json_t *missing = missing_json(j, m);
    if (json_array_size(missing))
        json_object_set(o, "missing", missing);
    json_decref(missing);
    for (int i = 0; i < j->steps && judge_is_energy(m); i++)
        if (isfinite(j->metric[m].value[i])) {
            const struct experiment_energy *e = &j->step[i].energy;
            json_object_set_new(o, "origin", json_string(service_origin_name(e->origin)));
            json_object_set_new(o, "of", json_string(e->of));
            return;
        }
}

static json_t *metric_json(const struct judge *j, enum service_metric m)
{
    json_t *o = json_pack("{s:s,s:s}", "metric", service_metric_name(m), "unit", unit_of(j, m));
    if (j->metric[m].known)
        put_known(j, m, o);
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
    return json_pack(
        "{s:s,s:I,s:s,s:i,s:i,s:f,s:I,s:s,s:I,s:I,s:f,s:I,s:o,s:o}", "origin", origin, "clock_hz",
        (json_int_t)clock_hz, "stop", stop, "blocks", blocks, "lost_blocks", lost, "confidence",
        p->confidence, "seed", (json_int_t)p->seed, "design", service_design_name(p->design),
        "step_windows", (json_int_t)p->step_windows, "warmup", (json_int_t)p->warmup, "burst_s",
        p->burst_s, "shared_windows", shared, "versions", versions, "metrics", metrics);
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
