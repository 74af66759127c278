// SPDX-License-Identifier: Apache-2.0
#include "tools/explore/confirm.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tools/explore/options.h"
#include "tools/explore/pool.h"

enum { WHY_BYTES = 512 };

// Loss rises along the front: a point is on an edge where its figure is below all before it.
static int list_edges(const struct search *s, int *edge)
{
    long cycles = 0, lut = 0;
    int count = 0;
    for (int i = 0; i < s->count; i++) {
        const struct price *p = &s->point[i].price;
        const int faster = i == 0 || p->cycles < cycles, smaller = i == 0 || p->lut < lut;
        cycles = faster ? p->cycles : cycles;
        lut = smaller ? p->lut : lut;
        if (faster || smaller)
            edge[count++] = i;
    }
    return count;
}

int confirm_choose(const struct search *s, int count, int chosen[CONFIRM_MAX])
{
    int *edge = calloc((size_t)s->count + 1, sizeof *edge);
    if (!edge)
        return 0;
    const int edges = list_edges(s, edge);
    count = count < edges ? count : edges;
    for (int i = 0; i < count; i++)
        chosen[i] = edge[count > 1 ? (edges - 1) * i / (count - 1) : 0];
    free(edge);
    return count;
}

static void told(void *context, const struct pool_progress *p)
{
    const struct confirm_options *o = context;
    if (o->quiet || !isatty(STDERR_FILENO))
        return;
    fprintf(stderr, "\r%d of %d runs", p->done, p->total);
    if (p->left_s >= 0)
        fprintf(stderr, ", %.0f s left", p->left_s);
    fprintf(stderr, "\033[K");
}

static json_t *number(double value)
{
    return isfinite(value) ? json_real(value) : json_null();
}

static json_t *results(const struct confirm_options *o, const struct search *s, const int *chosen,
                       int count, const struct trial *trial)
{
    json_t *list = json_array();
    const double base = s->sens->base_rmse;
    for (int i = 0; i < count; i++) {
        json_t *runs = json_array();
        double validation = 0, test = 0;
        for (int k = 0; k < o->seeds; k++) {
            const struct trial *t = &trial[i * o->seeds + k];
            validation += t->validation_rmse / o->seeds;
            test += t->test_rmse / o->seeds;
            json_array_append_new(runs, number(t->validation_rmse));
        }
        const struct search_point *p = &s->point[chosen[i]];
        json_array_append_new(list, json_pack("{s:i, s:f, s:o, s:o, s:o}", "point", chosen[i],
                                              "predicted_rmse", sqrt(base * base + p->added),
                                              "validation_rmse", number(validation), "test_rmse",
                                              number(test), "runs", runs));
    }
    return list;
}

static int run(const struct confirm_options *o, const struct search *s,
               struct trial_setting *setting, struct record *record, struct trial *trial, int count)
{
    char why[WHY_BYTES];
    const struct sensitivity *sens = s->sens;
    if (trial_setting_open(setting, &sens->shape, &sens->spec, o->data, o->checkpoint, why,
                           sizeof why) ||
        (o->record && record_open(record, o->record, why, sizeof why)))
        return complain(EXIT_INPUT, "%s", why);
    setting->plan.test = 1;
    setting->plan.fit.epochs = o->epochs;
    setting->plan.fit.rate = o->rate;
    struct confirm_options copy = *o;
    struct pool pool = {.setting = setting,
                        .record = record,
                        .processes = o->jobs,
                        .timeout_s = o->timeout_s,
                        .told = told,
                        .context = &copy};
    const int left = pool_run(&pool, trial, count, why, sizeof why);
    if (!o->quiet && isatty(STDERR_FILENO))
        fprintf(stderr, "\r\033[K");
    return left ? complain(EXIT_FAILED, "%d of %d runs without a result: %s", left, count, why) : 0;
}

json_t *confirm_run(const struct confirm_options *o, const struct search *s, int *code)
{
    int chosen[CONFIRM_MAX];
    struct trial_setting setting;
    struct record record;
    json_t *list = NULL;
    const int count = confirm_choose(s, o->count, chosen);
    struct trial *trial = calloc((size_t)(count * o->seeds) + 1, sizeof *trial);
    memset(&setting, 0, sizeof setting);
    record_init(&record);
    *code = EXIT_FAILED;
    if (!trial || !count) {
        complain(EXIT_FAILED, "out of memory");
        goto done;
    }
    for (int i = 0; i < count * o->seeds; i++)
        trial[i] = (struct trial){.bits = search_bits(s->sens, &s->point[chosen[i / o->seeds]]),
                                  .seed = 1 + (uint64_t)(i % o->seeds)};
    *code = run(o, s, &setting, &record, trial, count * o->seeds);
    if (*code == 0)
        list = results(o, s, chosen, count, trial);
done:
    free(trial);
    record_close(&record);
    trial_setting_close(&setting);
    return list;
}
