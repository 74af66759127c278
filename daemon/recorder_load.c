// SPDX-License-Identifier: Apache-2.0
#include "daemon/recorder_load.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/log.h"

// An experiment while its records are read. Windows and steps come in order or not at all: what
// stands behind a gap is as good as lost.
struct loading {
    struct recorder_loaded *to;
    struct judge *judge;
    bool ended;
    int pieces, stray; // stray: records that do not fit
};

struct load {
    struct loading *item; // [RECORDER_EXPERIMENTS]
    int n;
};

static size_t values_of(const struct experiment_spec *s)
{
    return (size_t)s->plan.windows * s->rows * s->columns;
}

static size_t targets_of(const struct experiment_spec *s)
{
    return (size_t)s->plan.windows * s->outputs;
}

static struct loading *find(struct load *all, const char *id)
{
    for (int i = 0; i < all->n; i++)
        if (strcmp(all->item[i].to->id, id) == 0)
            return &all->item[i];
    return NULL;
}

static void drop_windows(struct recorder_loaded *to)
{
    free(to->windows);
    free(to->targets);
    to->windows = to->targets = NULL;
}

static void free_loading(struct loading *l)
{
    if (l->to)
        drop_windows(l->to);
    free(l->to);
    judge_free(l->judge);
    memset(l, 0, sizeof *l);
}

static void on_start(struct load *all, const struct record *r)
{
    if (find(all, r->experiment) || all->n == RECORDER_EXPERIMENTS)
        return;
    struct recorder_loaded *to = calloc(1, sizeof *to);
    if (!to || !experiment_spec_read(&to->spec, r->body, r->bytes) ||
        values_of(&to->spec) + targets_of(&to->spec) > EXPERIMENT_VALUES_MAX) {
        free(to);
        return;
    }
    const struct service_plan *p = &to->spec.plan;
    struct service_experiment *row = &to->row;
    snprintf(to->id, sizeof to->id, "%s", r->experiment);
    snprintf(row->id, sizeof row->id, "%s", r->experiment);
    memcpy(row->name, p->name, sizeof row->name);
    memcpy(row->board, to->spec.board, sizeof row->board);
    memcpy(row->arm, p->arm, sizeof row->arm);
    row->arms = p->arms;
    row->windows = p->windows;
    row->budget_blocks = p->blocks;
    to->windows = calloc(values_of(&to->spec), sizeof *to->windows);
    to->targets = calloc(targets_of(&to->spec), sizeof *to->targets);
    struct judge *judge = judge_new(&to->spec);
    struct loading l = {.to = to, .judge = judge};
    if (!to->windows || !to->targets || !judge) {
        free_loading(&l);
        return;
    }
    all->item[all->n++] = l;
}

// A piece: [k][rows * columns] windows, then [k][outputs] targets, FP64.
static bool take_piece(struct loading *l, const struct record *r)
{
    struct recorder_loaded *to = l->to;
    if (!to->windows)
        return false;
    size_t window = (size_t)to->spec.rows * to->spec.columns, target = to->spec.outputs;
    size_t k = r->bytes / ((window + target) * 8), at = to->row.received;
    if (r->number != l->pieces || !k || r->bytes != k * (window + target) * 8 ||
        at + k > to->row.windows)
        return false;
    service_unpack_fp64(r->body, k * window, to->windows + at * window);
    service_unpack_fp64((const char *)r->body + k * window * 8, k * target,
                        to->targets + at * target);
    to->row.received += (uint32_t)k;
    l->pieces++;
    return true;
}

static bool take_run(struct loading *l, const struct record *r)
{
    json_t *o = json_loadb(r->body, r->bytes, JSON_REJECT_DUPLICATES, NULL);
    const char *before = "", *origin = "";
    json_int_t clock = 0;
    bool good = o && json_unpack(o, "{s:s,s:s,s:I}", "before", &before, "origin", &origin,
                                 "clock_hz", &clock) == 0;
    if (good) {
        l->to->ran = true;
        snprintf(l->to->before, sizeof l->to->before, "%s", before);
        snprintf(l->to->origin, sizeof l->to->origin, "%s", origin);
        l->to->clock_hz = (uint32_t)clock;
    }
    json_decref(o);
    return good;
}

static bool take_step(struct loading *l, const struct record *r)
{
    struct experiment_step s;
    char why[SERVICE_TEXT_MAX + 1];
    if (!l->judge || !l->to->ran || r->number != judge_steps(l->judge) ||
        !experiment_step_read(&s, r->body, r->bytes) || !judge_step(l->judge, &s, why, sizeof why))
        return false;
    l->to->row.seconds = s.begin_s + s.duration_s;
    return true;
}

static bool take_end(struct loading *l, const struct record *r)
{
    json_t *o = json_loadb(r->body, r->bytes, JSON_REJECT_DUPLICATES, NULL);
    const char *state = "", *reason = "";
    int steps = 0, blocks = 0, decided = 0, comparisons = 0;
    struct service_experiment *row = &l->to->row;
    bool good = o && json_unpack(o, "{s:s,s:s,s:F,s:i,s:i,s:i,s:i}", "state", &state, "reason",
                                 &reason, "seconds", &row->seconds, "steps", &steps, "blocks",
                                 &blocks, "decided", &decided, "comparisons", &comparisons) == 0;
    for (int s = SERVICE_EXPERIMENT_DONE; good && s < SERVICE_EXPERIMENT_STATES; s++)
        if (strcmp(state, service_experiment_state_name((enum service_experiment_state)s)) == 0) {
            l->ended = true;
            row->state = (enum service_experiment_state)s;
            row->steps = (uint32_t)steps;
            row->blocks = (uint32_t)blocks;
            row->decided = (uint32_t)decided;
            row->comparisons = (uint32_t)comparisons;
            snprintf(row->reason, sizeof row->reason, "%s", reason);
        }
    json_decref(o);
    if (!l->ended)
        return false;
    drop_windows(l->to);
    judge_free(l->judge);
    l->judge = NULL;
    return good;
}

static bool on_record(void *arg, const struct record *r)
{
    struct load *all = arg;
    if (r->kind == RECORD_START) {
        on_start(all, r);
        return true;
    }
    struct loading *l = find(all, r->experiment);
    bool good = l && ((r->kind == RECORD_DATA && take_piece(l, r)) ||
                      (r->kind == RECORD_RUN && take_run(l, r)) ||
                      (r->kind == RECORD_STEP && take_step(l, r)) ||
                      (r->kind == RECORD_END && take_end(l, r)));
    if (!good && l)
        l->stray++;
    return true;
}

static void fill_unfinished(struct loading *l)
{
    struct service_experiment *row = &l->to->row;
    int comparisons;
    l->to->steps = judge_steps(l->judge);
    l->to->pieces = l->pieces;
    row->steps = (uint32_t)l->to->steps;
    row->blocks = (uint32_t)judge_blocks(l->judge);
    row->decided = (uint32_t)judge_decided(l->judge, &comparisons);
    row->comparisons = (uint32_t)comparisons;
    row->state = row->received < row->windows ? SERVICE_EXPERIMENT_RECEIVING
                 : l->to->ran                 ? SERVICE_EXPERIMENT_RUNNING
                                              : SERVICE_EXPERIMENT_QUEUED;
}

int recorder_load(struct record_file *f, recorder_loaded_fn *loaded, void *arg, struct judge **live,
                  char *live_id)
{
    struct load all = {.item = calloc(RECORDER_EXPERIMENTS, sizeof *all.item)};
    int r = all.item ? record_scan(f, NULL, on_record, &all) : -1;
    *live = NULL;
    for (int i = 0; i < all.n; i++) {
        struct loading *l = &all.item[i];
        int dropped = 0;
        if (r == 0 && !l->ended) {
            dropped = judge_trim(l->judge);
            if (dropped || l->stray)
                record_remove_from(f, l->to->id, RECORD_STEP, judge_steps(l->judge));
            fill_unfinished(l);
            log_info("record", "found experiment=%s state=%s steps=%d taken_back=%d lost=%d",
                     l->to->id, service_experiment_state_name(l->to->row.state), l->to->steps,
                     dropped, l->stray);
            if (l->to->row.state == SERVICE_EXPERIMENT_RUNNING && !*live) {
                *live = l->judge;
                l->judge = NULL;
                snprintf(live_id, RECORD_ID_MAX + 1, "%s", l->to->id);
            }
        }
        if (r == 0)
            loaded(arg, l->to);
        free_loading(l);
    }
    free(all.item);
    return r;
}

// ---- results

struct result {
    struct judge *judge;
    json_t *report;
};

static bool on_result_record(void *arg, const struct record *r)
{
    struct result *x = arg;
    struct experiment_step s;
    char why[SERVICE_TEXT_MAX + 1];
    if (r->kind == RECORD_STEP && experiment_step_read(&s, r->body, r->bytes))
        judge_step(x->judge, &s, why, sizeof why); // behind a gap none fits
    if (r->kind == RECORD_END) {
        json_t *o = json_loadb(r->body, r->bytes, JSON_REJECT_DUPLICATES, NULL);
        json_decref(x->report);
        x->report = json_incref(json_object_get(o, "report"));
        json_decref(o);
    }
    return true;
}

bool recorder_read_result(struct record_file *f, struct recorder_job *job)
{
    struct result x = {.judge = judge_new(&job->spec)};
    if (x.judge && record_scan(f, job->id, on_result_record, &x) == 0 && x.report) {
        job->report = json_incref(x.report);
        job->steps = judge_steps(x.judge);
        job->table = judge_table(x.judge);
    }
    json_decref(x.report);
    judge_free(x.judge);
    return job->report && job->table;
}
