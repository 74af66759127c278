// SPDX-License-Identifier: Apache-2.0
#include "tools/train/trial.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "tools/train/calibrate.h"
#include "tools/train/golden.h"

struct field {
    const char *name;
    size_t offset;
};
#define TOP(member)                                                                                \
    {                                                                                              \
#member, offsetof(struct model_bits, member)                                               \
    }
#define INNER(member)                                                                              \
    {                                                                                              \
#member, offsetof(struct model_layer_bits, member)                                         \
    }
static const struct field top[] = {TOP(x), TOP(h), TOP(o), TOP(w_in), TOP(w_y)};
static const struct field inner[] = {INNER(q),   INNER(k),   INNER(v),   INNER(u),   INNER(e),
                                     INNER(c),   INNER(r),   INNER(f),   INNER(z),   INNER(w_q),
                                     INNER(w_k), INNER(w_v), INNER(w_o), INNER(w_1), INNER(w_2)};
enum { TOPS = sizeof top / sizeof top[0], INNERS = sizeof inner / sizeof inner[0] };

int trial_tensors(const struct model_shape *s, char name[TRIAL_MAX_TENSORS][TRIAL_NAME_BYTES])
{
    int count = 0;
    for (int i = 0; i < TOPS; i++)
        snprintf(name[count++], TRIAL_NAME_BYTES, "%s", top[i].name);
    for (int l = 0; l < s->layers; l++)
        for (int i = 0; i < INNERS; i++)
            snprintf(name[count++], TRIAL_NAME_BYTES, "layers.%d.%s", l, inner[i].name);
    return count;
}

int *trial_width(const struct model_shape *s, struct model_bits *bits, int i)
{
    (void)s;
    if (i < TOPS)
        return (int *)(void *)((char *)bits + top[i].offset);
    i -= TOPS;
    return (int *)(void *)((char *)&bits->layer[i / INNERS] + inner[i % INNERS].offset);
}

struct judge {
    const struct task *task;
    char why[MODEL_WHY_MAX];
};

static double validate(void *context, struct net *n, double best)
{
    struct judge *j = context;
    return golden_validate(n, j->task, best, j->why, sizeof j->why);
}

static double cpu_s(void)
{
    struct timespec now;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

// The test part by the integers of n, which holds the best epoch's parameters.
static int test(struct net *n, const struct task *task, double *rmse)
{
    char why[MODEL_WHY_MAX];
    struct golden_result result;
    net_begin(n);
    struct variant *v = golden_variant(n, task, why, sizeof why);
    int rc = v ? golden_evaluate(v, task, TASK_TEST, &result, why, sizeof why) : -1;
    variant_free(v);
    *rmse = rc ? NAN : result.error.rmse;
    return rc;
}

int trial_run(const struct trial_plan *plan, struct net *n, struct trial *t)
{
    struct judge judge = {.task = plan->task};
    const struct fit_hooks hooks = {&judge, validate, NULL, NULL};
    struct fit_options f = plan->fit;
    struct fit_epoch best;
    const double from = cpu_s();
    f.seed = t->seed;
    f.epochs = t->epochs ? t->epochs : f.epochs;
    f.rate = t->rate > 0 ? t->rate : f.rate;
    memcpy(n->param, plan->floating, n->layout.count * sizeof *n->param);
    if (calibrate(n, plan->task, &t->bits, t->seed) || fit(n, plan->task, &f, &hooks, NULL, &best))
        return -1;
    t->validation_rmse = best.best_rmse * plan->task->scale[plan->task->features];
    t->best_epoch = best.epoch;
    t->test_rmse = NAN;
    if (plan->test && isfinite(best.best_rmse) && test(n, plan->task, &t->test_rmse))
        return -1;
    t->seconds = cpu_s() - from;
    t->done = 1;
    return 0;
}

// What a process sends for a trial; short enough to be written in one piece.
struct message {
    int index;
    struct trial trial;
};
_Static_assert(sizeof(struct message) <= _POSIX_PIPE_BUF, "a message is written atomically");

// Every processes-th of the undone trials. Returns the process's exit status.
static int work(const struct trial_plan *plan, const struct trial *trials, int count, int process,
                int out)
{
    struct net *n = net_new(&plan->shape);
    int rc = n ? 0 : 1, undone = 0;
    for (int i = 0; !rc && i < count; i++) {
        struct message m;
        if (trials[i].done || undone++ % plan->processes != process)
            continue;
        memset(&m, 0, sizeof m);
        m.index = i;
        m.trial = trials[i];
        rc = trial_run(plan, n, &m.trial) ? 1 : 0;
        if (!rc && write(out, &m, sizeof m) != (ssize_t)sizeof m)
            rc = 2;
    }
    net_free(n);
    return rc;
}

// 1 with a message, 0 at the end of all, -1 on an error.
static int receive(int in, struct message *m)
{
    size_t got = 0;
    while (got < sizeof *m) {
        ssize_t n = read(in, (char *)m + got, sizeof *m - got);
        if (n == 0)
            return got ? -1 : 0;
        if (n < 0 && errno != EINTR)
            return -1;
        got += n > 0 ? (size_t)n : 0;
    }
    return 1;
}

static int start(const struct trial_plan *plan, const struct trial *trials, int count,
                 const int ends[2], pid_t *child)
{
    fflush(NULL);
    for (int p = 0; p < plan->processes; p++) {
        child[p] = fork();
        if (child[p] < 0)
            return -1;
        if (!child[p]) {
            close(ends[0]);
            _exit(work(plan, trials, count, p, ends[1]));
        }
    }
    return 0;
}

int trial_run_all(const struct trial_plan *plan, struct trial *trials, int count,
                  void (*told)(void *context, const struct trial *t), void *context, char *why,
                  size_t whycap)
{
    pid_t *child = calloc((size_t)plan->processes, sizeof *child);
    int ends[2], left = 0;
    struct message m;
    if (!child || pipe(ends)) {
        free(child);
        snprintf(why, whycap, "trials: %s", strerror(errno));
        return count;
    }
    int rc = start(plan, trials, count, ends, child);
    close(ends[1]); // so that the end is seen when the last process has closed its own
    while (!rc && receive(ends[0], &m) == 1)
        if (m.index >= 0 && m.index < count) {
            trials[m.index] = m.trial;
            if (told)
                told(context, &m.trial);
        }
    close(ends[0]);
    for (int p = 0; p < plan->processes; p++)
        if (child[p] > 0)
            waitpid(child[p], NULL, 0);
    for (int i = 0; i < count; i++)
        left += !trials[i].done;
    if (left)
        snprintf(why, whycap, "trials: %d of %d ended without a result", left, count);
    free(child);
    return left;
}
