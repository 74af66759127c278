// SPDX-License-Identifier: Apache-2.0
// Plans and steps as records.
#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "daemon/experiment.h"
#include "protocol/service_experiment.h"

struct design experiment_design(const struct service_plan *p)
{
    return (struct design){
        .kind = p->design == SERVICE_ABBA ? DESIGN_ABBA : DESIGN_RANDOM_PAIRS,
        .variants = p->arms,
        .blocks = (int)p->blocks,
        .warmup = 1,
        .seed = p->seed,
    };
}

int experiment_fresh_blocks(const struct service_plan *p)
{
    uint32_t slices = p->design == SERVICE_ABBA ? 2 : 1;
    uint32_t blocks = p->windows / (slices * p->step_windows);
    return (int)(blocks < p->blocks ? blocks : p->blocks);
}

size_t experiment_spec_write(const struct experiment_spec *s, char *out, size_t capacity)
{
    struct service_writer writer, *w = &writer;
    service_write_begin(w, out, capacity);
    service_write_open(w, NULL, '{');
    service_plan_write(w, &s->plan);
    service_write_text(w, "board", s->board);
    service_write_text(w, "task", s->task);
    service_write_integer(w, "rows", s->rows);
    service_write_integer(w, "columns", s->columns);
    service_write_integer(w, "outputs", s->outputs);
    service_write_text(w, "unit", s->unit);
    service_write_open(w, "divisors", '[');
    for (int i = 0; i < s->outputs; i++)
        service_write_real(w, NULL, s->divisor[i]);
    service_write_close(w, ']');
    service_write_open(w, "versions", '[');
    for (int i = 0; i < s->plan.arms; i++)
        service_write_text(w, NULL, s->version[i]);
    service_write_close(w, ']');
    service_write_close(w, '}');
    return service_write_end(w);
}

static bool read_size(json_t *root, const char *key, int high, uint16_t *out,
                      struct service_error *e)
{
    int64_t n = 0;
    bool good = service_json_integer(root, "", key, SERVICE_REQUIRED, 1, high, &n, e);
    *out = (uint16_t)n;
    return good;
}

static bool read_lists(json_t *root, struct experiment_spec *s, struct service_error *e)
{
    json_t *divisors, *versions;
    if (!service_json_array(root, "", "divisors", s->outputs, s->outputs, &divisors, e) ||
        !service_json_array(root, "", "versions", s->plan.arms, s->plan.arms, &versions, e))
        return false;
    for (size_t i = 0; i < s->outputs; i++) {
        s->divisor[i] = json_number_value(json_array_get(divisors, i));
        if (!(s->divisor[i] > 0))
            return false;
    }
    for (size_t i = 0; i < s->plan.arms; i++) {
        const json_t *v = json_array_get(versions, i);
        if (json_string_length(v) != SERVICE_HASH_HEX)
            return false;
        memcpy(s->version[i], json_string_value(v), SERVICE_HASH_HEX + 1);
    }
    return true;
}

bool experiment_spec_read(struct experiment_spec *s, const void *data, size_t n)
{
    struct service_error why = {0}, *e = &why;
    struct service_frame frame = {data, n};
    memset(s, 0, sizeof *s);
    json_t *root = service_json_parse(&frame, e);
    bool good = root && service_plan_read(root, true, &s->plan, e) &&
                service_json_name(root, "", "board", SERVICE_REQUIRED, s->board, e) &&
                service_json_text(root, "", "task", SERVICE_REQUIRED, s->task, sizeof s->task, e) &&
                read_size(root, "rows", SERVICE_WINDOW_MAX, &s->rows, e) &&
                read_size(root, "columns", SERVICE_FEATURES_MAX, &s->columns, e) &&
                read_size(root, "outputs", SERVICE_OUTPUTS_MAX, &s->outputs, e) &&
                service_json_text(root, "", "unit", SERVICE_REQUIRED, s->unit, sizeof s->unit, e) &&
                read_lists(root, s, e);
    json_decref(root);
    if (s->plan.burst_s < 0) // a record from before there were bursts
        s->plan.burst_s = 0;
    return good;
}

static void write_energy(struct service_writer *w, const struct experiment_energy *e)
{
    service_write_open(w, "of_energy", '{');
    service_write_text(w, "origin", service_origin_name(e->origin));
    service_write_text(w, "rail", e->of);
    service_write_real(w, "window_s", e->window_s);
    service_write_real(w, "runs", e->runs);
    service_write_real(w, "uncertainty", e->uncertainty_j);
    service_write_real(w, "above_idle_uncertainty", e->above_uncertainty_j);
    service_write_close(w, '}');
}

static bool read_energy(json_t *step, struct experiment_energy *out, struct service_error *e)
{
    json_t *o;
    char origin[16] = "";
    if (!service_json_object(step, "", "of_energy", SERVICE_REQUIRED, &o, e) ||
        !service_json_text(o, "", "origin", SERVICE_REQUIRED, origin, sizeof origin, e) ||
        !service_json_text(o, "", "rail", SERVICE_REQUIRED, out->of, sizeof out->of, e) ||
        !service_json_number(o, "", "window_s", &out->window_s, e) ||
        !service_json_number(o, "", "runs", &out->runs, e) ||
        !service_json_number(o, "", "uncertainty", &out->uncertainty_j, e) ||
        !service_json_number(o, "", "above_idle_uncertainty", &out->above_uncertainty_j, e))
        return false;
    out->origin =
        strcmp(origin, service_origin_name(SERVICE_BOARD)) == 0 ? SERVICE_BOARD : SERVICE_VIRTUAL;
    return true;
}

size_t experiment_step_write(const struct experiment_step *s, char *out, size_t capacity)
{
    struct service_writer writer, *w = &writer;
    service_write_begin(w, out, capacity);
    service_write_open(w, NULL, '{');
    service_write_integer(w, "step", (uint64_t)s->index);
    service_write_integer(w, "arm", (uint64_t)s->arm);
    service_write_integer(w, "block", (uint64_t)(s->block + 1)); // 0: the first round
    service_write_real(w, "begin_s", s->begin_s);
    service_write_real(w, "duration_s", s->duration_s);
    service_write_real(w, "inferences_s", s->inferences_s);
    for (int m = 0; m < SERVICE_METRICS; m++)
        if (isfinite(s->value[m]))
            service_write_real(w, service_metric_name((enum service_metric)m), s->value[m]);
    service_write_text_if(w, "reason", s->reason);
    service_write_text_if(w, "no_energy", s->no_energy);
    if (isfinite(s->value[SERVICE_METRIC_ENERGY]))
        write_energy(w, &s->energy);
    service_write_integer(w, "shared", s->shared);
    service_write_close(w, '}');
    return service_write_end(w);
}

bool experiment_step_read(struct experiment_step *s, const void *data, size_t n)
{
    struct service_error why = {0}, *e = &why;
    struct service_frame frame = {data, n};
    int64_t index = 0, arm = 0, block = 0, shared = 0;
    memset(s, 0, sizeof *s);
    json_t *root = service_json_parse(&frame, e);
    bool good =
        root &&
        service_json_integer(root, "", "step", SERVICE_REQUIRED, 0, SERVICE_STEPS_MAX, &index, e) &&
        service_json_integer(root, "", "arm", SERVICE_REQUIRED, 0, SERVICE_ARMS_MAX - 1, &arm, e) &&
        service_json_integer(root, "", "block", SERVICE_REQUIRED, 0, SERVICE_STEPS_MAX, &block,
                             e) &&
        service_json_number(root, "", "begin_s", &s->begin_s, e) &&
        service_json_number(root, "", "duration_s", &s->duration_s, e) &&
        service_json_text(root, "", "reason", SERVICE_OPTIONAL, s->reason, sizeof s->reason, e) &&
        service_json_text(root, "", "no_energy", SERVICE_OPTIONAL, s->no_energy,
                          sizeof s->no_energy, e) &&
        service_json_integer(root, "", "shared", SERVICE_REQUIRED, 0, EXPERIMENT_STEP_WINDOWS,
                             &shared, e);
    for (int m = 0; good && m < SERVICE_METRICS; m++) {
        const char *key = service_metric_name((enum service_metric)m);
        s->value[m] = NAN;
        if (json_object_get(root, key))
            good = service_json_number(root, "", key, &s->value[m], e);
    }
    s->inferences_s = s->duration_s; // as before there were bursts
    if (good && json_object_get(root, "inferences_s"))
        good = service_json_number(root, "", "inferences_s", &s->inferences_s, e);
    if (good && isfinite(s->value[SERVICE_METRIC_ENERGY]))
        good = read_energy(root, &s->energy, e);
    json_decref(root);
    s->index = (int)index;
    s->arm = (int)arm;
    s->block = (int)block - 1;
    s->shared = (uint32_t)shared;
    return good;
}
