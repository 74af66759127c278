// SPDX-License-Identifier: Apache-2.0
#include "tools/train/session.h"

#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "tools/train/calibrate.h"

static double now_s(void)
{
    struct timespec ts;
    clock_gettime(CLOCK_MONOTONIC, &ts);
    return (double)ts.tv_sec + 1e-9 * (double)ts.tv_nsec;
}

static double validate_float(void *context, struct net *n, double best)
{
    struct session *s = context;
    (void)best;
    return fit_rmse(n, s->task, TASK_VALIDATION);
}

// An epoch whose steps cannot be exported is not the end of a run, only never its best.
static double validate_integers(void *context, struct net *n, double best)
{
    struct session *s = context;
    return golden_validate(n, s->task, best, s->why, sizeof s->why);
}

static void report_hook(void *context, const struct fit_epoch *e)
{
    struct session *s = context;
    report_epoch(&s->report, e);
}

static int write_state(struct session *s)
{
    s->saved_s = now_s();
    return resume_save(&s->state, s->key, s->o->resume, s->why, sizeof s->why);
}

static int save_hook(void *context, const struct fit_state *state)
{
    struct session *s = context;
    if (now_s() - s->saved_s < s->o->save_every_s)
        return 0;
    const struct fit_state owned = s->state.fit;
    s->state.fit = *state; // lent for the writing
    s->state.inside = 1;
    int rc = write_state(s);
    s->state.fit = owned;
    s->state.inside = 0;
    return rc;
}

// Notes the runs done so far; the next one has not begun.
static int save_between(struct session *s, int stage, int run, const struct fit_epoch *best,
                        uint64_t seed, const real *kept)
{
    struct resume *r = &s->state;
    if (!s->o->resume)
        return 0;
    r->stage = stage;
    r->run = run;
    r->note = s->float_note;
    r->best = *best;
    r->best_seed = seed;
    r->inside = 0;
    memcpy(r->best_param, kept, r->count * sizeof *kept);
    return write_state(s);
}

struct seeds {
    enum resume_stage stage;
    const real *from; // parameters to begin with; NULL: random ones
    struct fit_epoch best;
    uint64_t seed; // the best run's
};

// The run to begin with, and what came before it.
static int take_up(struct session *s, struct seeds *k, real *kept, const struct fit_state **from)
{
    struct resume *r = &s->state;
    k->best.best_rmse = INFINITY;
    if (!s->resumed || r->stage != (int)k->stage)
        return 0;
    s->resumed = 0;
    k->best = r->best;
    k->seed = r->best_seed;
    memcpy(kept, r->best_param, r->count * sizeof *kept);
    s->report.run = r->run;
    *from = r->inside ? &r->fit : NULL;
    return r->run;
}

// Trains with every seed; the best run stays in the net.
static int best_of_seeds(struct session *s, struct seeds *k, struct fit_options *f,
                         const struct fit_hooks *hooks)
{
    const size_t bytes = s->net->layout.count * sizeof *s->net->param;
    const struct fit_state *from = NULL;
    real *kept = calloc(1, bytes);
    int rc = kept ? 0 : -1;
    for (int i = rc ? 0 : take_up(s, k, kept, &from); !rc && i < s->o->seeds; i++) {
        struct fit_epoch now;
        f->seed = s->o->seed + (uint64_t)i;
        if (k->from)
            memcpy(s->net->param, k->from, bytes);
        else
            net_init(s->net, f->seed);
        rc = from ? 0 : save_between(s, k->stage, i, &k->best, k->seed, kept);
        if (!rc)
            rc = fit(s->net, s->task, f, hooks, from, &now);
        from = NULL;
        if (rc)
            break;
        report_run(&s->report, &now);
        if (now.best_rmse < k->best.best_rmse) {
            k->best = now;
            k->seed = f->seed;
            memcpy(kept, s->net->param, bytes);
        }
    }
    if (!rc && isfinite(k->best.best_rmse))
        memcpy(s->net->param, kept, bytes);
    free(kept);
    return rc;
}

static struct error float_error(struct session *s, enum task_part part)
{
    const struct task *t = s->task;
    struct error_sum sum = {0};
    real *y = malloc((size_t)t->count[part] * (size_t)t->outputs * sizeof *y);
    if (!y)
        return (struct error){0};
    fit_forecast(s->net, t, part, y);
    for (int i = 0; i < t->count[part]; i++) {
        double forecast[MODEL_MAX_OUTPUTS];
        for (int k = 0; k < t->outputs; k++)
            forecast[k] =
                (double)y[i * t->outputs + k] * t->scale[t->features] + t->offset[t->features];
        error_add(&sum, t, t->start[part][i], forecast);
    }
    free(y);
    return error_end(&sum);
}

static int train_float(struct session *s)
{
    const struct options *o = s->o;
    struct fit_options f = o->fit;
    const struct fit_hooks hooks = {s, validate_float, report_hook, o->resume ? save_hook : NULL};
    struct seeds k = {.stage = RESUME_FLOAT};
    f.epochs = o->epochs_float;
    f.rate = o->rate_float;
    report_stage(&s->report, "float", o->seeds, f.epochs);
    s->why[0] = 0;
    if (best_of_seeds(s, &k, &f, &hooks))
        return train_complain(*s->why ? EXIT_WRITE : EXIT_FAILED, "floating point: %s",
                              *s->why ? s->why : "out of memory");
    s->float_note = (struct checkpoint_note){k.seed, k.best.epoch, f.epochs};
    if (o->checkpoint &&
        checkpoint_save(s->net, &s->float_note, o->checkpoint, s->why, sizeof s->why))
        return train_complain(EXIT_WRITE, "%s", s->why);
    return 0;
}

int session_float(struct session *s)
{
    const struct options *o = s->o;
    const size_t bytes = s->net->layout.count * sizeof *s->net->param;
    int rc = 0;
    if (s->resumed && s->state.stage == RESUME_QUANTISED) {
        memcpy(s->net->param, s->state.floating, bytes);
        s->float_note = s->state.note;
    } else if (o->checkpoint && !access(o->checkpoint, F_OK)) {
        if (checkpoint_load(s->net, &s->float_note, o->checkpoint, s->why, sizeof s->why))
            rc = train_complain(EXIT_VARIANT, "%s", s->why);
    } else {
        rc = train_float(s);
    }
    for (int p = 0; !rc && p < TASK_PARTS; p++)
        s->float_error[p] = float_error(s, p);
    if (!rc && o->resume)
        memcpy(s->state.floating, s->net->param, bytes);
    return rc;
}

int session_quantised(struct session *s)
{
    const struct options *o = s->o;
    const size_t bytes = s->net->layout.count * sizeof *s->net->param;
    struct fit_options f = o->fit;
    const struct fit_hooks hooks = {s, validate_integers, report_hook,
                                    o->resume ? save_hook : NULL};
    struct seeds k = {.stage = RESUME_QUANTISED};
    real *from = malloc(bytes);
    f.epochs = o->epochs_qat;
    f.rate = o->rate_qat;
    if (!from || calibrate(s->net, s->task, &s->bits, o->seed)) {
        free(from);
        return train_complain(EXIT_FAILED, "calibration: out of memory");
    }
    memcpy(from, s->net->param, bytes);
    k.from = from;
    report_stage(&s->report, "quantised", o->seeds, f.epochs);
    s->why[0] = 0;
    int rc = best_of_seeds(s, &k, &f, &hooks);
    free(from);
    if (rc || !isfinite(k.best.best_rmse))
        return train_complain(EXIT_FAILED, "quantised training: %s",
                              *s->why ? s->why : "out of memory");
    s->quantised_best = k.best;
    s->quantised_seed = k.seed;
    return 0;
}
