// SPDX-License-Identifier: Apache-2.0
// Experiments as a whole: which there are, their end, what the recorder says, life.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/experiments_inside.h"
#include "daemon/log.h"

bool experiments_unfinished(const struct experiment *x)
{
    return x->row.state <= SERVICE_EXPERIMENT_RUNNING;
}

struct experiment *experiments_find(struct experiments *e, const char *id)
{
    for (int i = 0; i < e->n; i++)
        if (strcmp(e->item[i].row.id, id) == 0)
            return &e->item[i];
    return NULL;
}

const char *experiments_on(const struct frontend *fe, const struct board *b)
{
    const struct experiments *e = fe->experiments;
    if (!e || e->board != b || (!e->active && !e->restoring))
        return NULL;
    return e->active ? e->active->row.id : "that has just ended";
}

bool experiments_will_serve(const struct frontend *fe, const char *model_name)
{
    const struct experiments *e = fe->experiments;
    if (!e || !e->board || e->board->phase == BOARD_FAULT ||
        board_lost_for_long(e->board, now_ns()))
        return false;
    if (!e->active)
        return e->restoring && strcmp(e->before, model_name) == 0;
    for (int i = 0; i < e->active->row.arms; i++)
        if (strcmp(e->active->row.arm[i], model_name) == 0)
            return true;
    return strcmp(e->active->spec.task, model_name) == 0;
}

static void wake(void *arg)
{
    struct experiments *e = arg;
    e->fe->dispatch_needed = true;
}

void experiments_wake_at(struct experiments *e, uint64_t at_ns)
{
    if (at_ns != UINT64_MAX)
        sched_timer_set(&e->fe->sched, &e->timer, at_ns, wake, e);
}

// ---- the end of one

static void forget_windows(struct experiment *x)
{
    free(x->windows);
    free(x->targets);
    x->windows = x->targets = NULL;
}

// Leaves the board; what ran before comes back to it unless another experiment goes on there.
static void leave_board(struct experiments *e)
{
    if (e->board)
        board_abandon(e->board, &e->slot);
    for (int i = 0; i < SERVICE_ARMS_MAX; i++) {
        package_unref(e->arm[i]);
        e->arm[i] = NULL;
    }
    experiment_end(&e->runner);
    e->active = NULL;
    e->flying = false;
    e->pending = 0;
    e->restoring = e->board && e->before[0];
    e->fe->dispatch_needed = e->fe->sweep_needed = true;
}

void experiments_finish(struct experiments *e, struct experiment *x,
                        enum service_experiment_state state, const char *stop, const char *reason)
{
    if (x->ending || !experiments_unfinished(x))
        return;
    if (x == e->active)
        x->row.seconds = experiment_seconds(&e->runner, now_ns());
    struct recorder_job *job = recorder_job_new(RECORDER_END, x->row.id);
    if (job) {
        job->state = state;
        job->seconds = x->row.seconds;
        job->clock_hz = x->clock_hz;
        snprintf(job->stop, sizeof job->stop, "%s", stop);
        snprintf(job->reason, sizeof job->reason, "%s", reason);
        snprintf(job->origin, sizeof job->origin, "%s", x->origin);
    }
    if (recorder_push(e->recorder, job) < 0) {
        experiments_wake_at(e, now_ns() + EXPERIMENTS_RETRY_NS); // it ends when there is room again
        return;
    }
    x->ending = true;
    x->row.state = state;
    snprintf(x->row.reason, sizeof x->row.reason, "%s", reason);
    forget_windows(x);
    log_info("ab", "ended experiment=%s state=%s blocks=%u steps=%u seconds=%.1f reason=\"%s\"",
             x->row.id, service_experiment_state_name(state), x->row.blocks, x->row.steps,
             x->row.seconds, reason);
    if (x == e->active)
        leave_board(e);
}

// ---- what the recorder says

static void on_stored_step(struct experiments *e, const struct recorder_job *job)
{
    struct experiment *x = e->active;
    if (!x || strcmp(x->row.id, job->id) != 0)
        return;
    e->pending--;
    x->row.steps = (uint32_t)job->steps;
    x->row.blocks = (uint32_t)job->blocks;
    x->row.decided = (uint32_t)job->decided;
    x->row.comparisons = (uint32_t)job->comparisons;
    if (!job->done)
        experiments_finish(e, x, SERVICE_EXPERIMENT_FAILED, "", job->reason);
    else if (job->stopped)
        experiments_finish(e, x,
                           job->comparisons ? SERVICE_EXPERIMENT_DONE : SERVICE_EXPERIMENT_FAILED,
                           "", job->comparisons ? "" : "no metric has values");
    e->fe->dispatch_needed = true;
}

static void on_job(void *arg, struct recorder_job *job)
{
    struct experiments *e = arg;
    struct experiment *x = experiments_find(e, job->id);
    if (e->stopped)
        return;
    if (job->kind == RECORDER_STEP)
        on_stored_step(e, job);
    else if (job->kind == RECORDER_END && x) {
        if (job->steps) {
            x->row.steps = (uint32_t)job->steps;
            x->row.blocks = (uint32_t)job->blocks;
            x->row.decided = (uint32_t)job->decided;
            x->row.comparisons = (uint32_t)job->comparisons;
        }
    } else if (job->kind == RECORDER_RUN && !job->done && x)
        experiments_finish(e, x, SERVICE_EXPERIMENT_FAILED, "", "its beginning cannot be recorded");
    if (job->ticket)
        experiments_answer(e, job);
}

static void on_loaded_record(void *arg, struct recorder_loaded *l)
{
    struct experiments *e = arg;
    unsigned number = 0;
    if (e->n == RECORDER_EXPERIMENTS)
        return;
    struct experiment *x = &e->item[e->n++];
    memset(x, 0, sizeof *x);
    x->row = l->row;
    x->spec = l->spec;
    x->windows = l->windows;
    x->targets = l->targets;
    l->windows = l->targets = NULL;
    x->ran = l->ran;
    x->piece_ns = now_ns();
    x->clock_hz = l->clock_hz;
    x->pieces = l->pieces;
    snprintf(x->before, sizeof x->before, "%s", l->before);
    snprintf(x->origin, sizeof x->origin, "%s", l->origin);
    if (sscanf(x->row.id, "ab-%u", &number) == 1 && number >= e->next_id)
        e->next_id = number + 1;
}

// ---- life

struct experiments *experiments_new(struct frontend *fe)
{
    char path[CONF_PATH_MAX + 32];
    struct experiments *e = calloc(1, sizeof *e);
    if (!e)
        return NULL;
    e->fe = fe;
    e->next_id = 1;
    e->slot.owner = &experiments_owner;
    e->slot.owner_arg = e;
    e->slot.state = QUEUE_RUNNING;
    e->item = calloc(RECORDER_EXPERIMENTS, sizeof *e->item);
    if (!e->item) {
        free(e);
        return NULL;
    }
    if (!fe->conf->experiments) {
        snprintf(e->off, sizeof e->off, "the configuration says experiments = 0");
        return e;
    }
    snprintf(path, sizeof path, "%s/experiments.db", fe->conf->state_dir);
    e->recorder =
        recorder_open(path, &fe->sched, on_loaded_record, on_job, e, e->off, sizeof e->off);
    if (!e->recorder)
        log_warn("ab", "no experiments, the records cannot be opened reason=\"%s\"", e->off);
    experiments_watch_uploads(e);
    fe->dispatch_needed = true;
    return e;
}

void experiments_stop(struct frontend *fe)
{
    struct experiments *e = fe->experiments;
    if (!e)
        return;
    e->stopped = true;
    e->restoring = false;
    if (e->active && e->board) {
        board_abandon(e->board, &e->slot);
        log_info("ab", "goes on later experiment=%s steps=%u", e->active->row.id,
                 e->active->row.steps);
    }
}

void experiments_free(struct experiments *e)
{
    if (!e)
        return;
    e->stopped = true;
    sched_timer_clear(&e->fe->sched, &e->timer);
    sched_timer_clear(&e->fe->sched, &e->upload_timer);
    recorder_close(e->recorder);
    for (int i = 0; i < SERVICE_ARMS_MAX; i++)
        package_unref(e->arm[i]);
    if (e->active)
        experiment_end(&e->runner);
    for (int i = 0; i < e->n; i++)
        forget_windows(&e->item[i]);
    free(e->item);
    free(e);
}
