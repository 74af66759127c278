// SPDX-License-Identifier: Apache-2.0
#include "daemon/experiment_judge_inside.h"

#include <assert.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PATIENCE = 16 }; // measurements without energy

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

// Why a metric that had no value so far will have none; NULL: it may yet. Monitors have bad moments
// as other parts have not, so an energy is waited for.
static const char *never_comes(const struct judge *j, enum service_metric m)
{
    const char *why = NULL;
    int without = 0;
    for (int i = 0; i < j->steps; i++) {
        if (isfinite(j->metric[m].value[i]))
            return NULL;
        if (j->step[i].reason[0]) // the whole measurement was lost: the next one tells
            continue;
        without++;
        why = judge_is_energy(m) && j->step[i].no_energy[0] ? j->step[i].no_energy : "no value";
    }
    return judge_is_energy(m) && experiment_bursts(&j->spec.plan) && without < PATIENCE ? NULL
                                                                                        : why;
}

static bool stopped(const struct metric *m, int arms)
{
    for (int arm = 1; arm < arms; arm++)
        if (m->against[arm].test.stop == SEQUENTIAL_GO_ON)
            return false;
    return true;
}

// Why the energies that there are cannot be compared; NULL: they can.
static const char *not_comparable(const struct judge *j, enum service_metric m)
{
    const struct experiment_step *first = NULL;
    for (int i = 0; i < j->steps; i++) {
        const struct experiment_step *s = &j->step[i];
        if (!isfinite(s->value[m]))
            continue;
        first = first ? first : s;
        if (s->energy.origin != first->energy.origin)
            return "energies of two origins are not compared";
        if (strcmp(s->energy.of, first->energy.of) != 0)
            return "energies of other rails are not compared";
        if (s->value[m] <= 0) // leaving it out would favour the others
            return "a burst was not above idle: ratios say nothing";
    }
    return NULL;
}

// Metrics that will have no values, or none that can be compared, drop out. At whole blocks only,
// because judge_trim takes back what is behind them.
static void settle_metrics(struct judge *j)
{
    for (int m = 0; m < SERVICE_METRICS; m++) {
        struct metric *metric = &j->metric[m];
        const char *why = NULL;
        if (!on(metric) || stopped(metric, j->spec.plan.arms))
            continue;
        if (!metric->known) {
            why = never_comes(j, (enum service_metric)m);
            for (int i = 0; i < j->steps && !metric->known; i++)
                metric->known = isfinite(metric->value[i]);
        }
        if (judge_is_energy((enum service_metric)m) && metric->known)
            why = not_comparable(j, (enum service_metric)m);
        if (why)
            snprintf(metric->reason, sizeof metric->reason, "%s", why);
    }
}

static bool at_whole_block(const struct judge *j)
{
    int behind = j->steps - design_warmup_steps(&j->design);
    return behind >= 0 && behind % design_block_steps(&j->design) == 0;
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
        if (isinf(s->value[m]) || (m != SERVICE_METRIC_ABOVE && s->value[m] < 0) ||
            (m != SERVICE_METRIC_ERROR && m != SERVICE_METRIC_ABOVE && s->value[m] <= 0)) {
            snprintf(why, whycap, "step %d: %s is %g", s->index,
                     service_metric_name((enum service_metric)m), s->value[m]);
            return false;
        }
    for (int m = 0; m < SERVICE_METRICS; m++)
        j->metric[m].value[s->index] = s->value[m];
    j->step[j->steps++] = *s;
    if (at_whole_block(j))
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
