// SPDX-License-Identifier: Apache-2.0
#include "protocol/service_experiment.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "protocol/service_tensor.h"

static const char plan_path[] = "parameters.plan";

// ---- the plan

// *out is the default; 0 where there is none and the key must be there.
static bool read_count(json_t *plan, const char *key, int64_t low, int64_t high, uint32_t *out,
                       struct service_error *e)
{
    int64_t value = *out;
    enum service_presence presence = low > 0 && !value ? SERVICE_REQUIRED : SERVICE_OPTIONAL;
    if (!service_json_integer(plan, plan_path, key, presence, low, high, &value, e))
        return false;
    *out = (uint32_t)value;
    return true;
}

static bool read_real(json_t *plan, const char *key, double low, double high, double *out,
                      struct service_error *e)
{
    double value = 0;
    if (!json_object_get(plan, key))
        return true;
    if (!service_json_number(plan, plan_path, key, &value, e))
        return false;
    if (!(value >= low && value <= high))
        return service_json_bad(e, plan_path, key, "not from %g to %g", low, high);
    *out = value;
    return true;
}

static bool read_burst(json_t *plan, double *out, struct service_error *e)
{
    if (!read_real(plan, "burst_s", 0, SERVICE_BURST_MAX_S, out, e))
        return false;
    return *out <= 0 || *out >= SERVICE_PLAN_BURST_MIN_S ||
           service_json_bad(e, plan_path, "burst_s", "not 0 and below %g",
                            SERVICE_PLAN_BURST_MIN_S);
}

static bool read_arms(json_t *plan, struct service_plan *out, struct service_error *e)
{
    if (!service_json_names(plan, plan_path, "variants", 2, SERVICE_ARMS_MAX, out->arm, &out->arms,
                            e))
        return false;
    for (int i = 0; i < out->arms; i++)
        for (int k = 0; k < i; k++)
            if (strcmp(out->arm[k], out->arm[i]) == 0)
                return service_json_bad(e, plan_path, "variants", "%s is there twice", out->arm[i]);
    return true;
}

static bool read_metrics(json_t *plan, struct service_plan *out, struct service_error *e)
{
    json_t *array;
    if (!json_object_get(plan, "metrics")) {
        for (int m = 0; m < SERVICE_METRICS; m++)
            out->metric[m] = true;
        return true;
    }
    if (!service_json_array(plan, plan_path, "metrics", 1, SERVICE_METRICS, &array, e))
        return false;
    for (size_t i = 0; i < json_array_size(array); i++) {
        const char *word = json_string_value(json_array_get(array, i));
        int m = 0;
        while (m < SERVICE_METRICS &&
               (!word || strcmp(word, service_metric_name((enum service_metric)m))))
            m++;
        if (m == SERVICE_METRICS || out->metric[m])
            return service_json_bad(e, plan_path, "metrics",
                                    "each of error, cycles, latency, energy, energy_above_idle "
                                    "at most once");
        out->metric[m] = true;
    }
    return true;
}

static bool read_design(json_t *plan, struct service_plan *out, struct service_error *e)
{
    unsigned design = SERVICE_ABBA;
    bool good = service_json_word(plan, plan_path, "design", SERVICE_OPTIONAL, service_design_words,
                                  &design, e);
    out->design = (enum service_design)design;
    return good;
}

bool service_plan_read(json_t *parameters, bool due, struct service_plan *out,
                       struct service_error *e)
{
    static const char *const allowed[] = {"name",         "variants", "design",     "blocks",
                                          "budget_s",     "first",    "windows",    "step_windows",
                                          "warmup",       "seed",     "confidence", "margin_pct",
                                          "error_margin", "metrics",  "burst_s",    NULL};
    json_t *plan;
    int64_t seed = 1;
    if (!due && json_object_get(parameters, "plan"))
        return service_json_bad(e, "parameters", "plan", "this verb does not take it");
    if (!due)
        return true;
    *out = (struct service_plan){.blocks = 40,
                                 .first = 8,
                                 .step_windows = 16,
                                 .warmup = 4,
                                 .confidence = 0.95,
                                 .margin_pct = 1,
                                 .burst_s = -1};
    if (!service_json_object(parameters, "parameters", "plan", SERVICE_REQUIRED, &plan, e) ||
        !service_json_only(plan, plan_path, allowed, e) ||
        !service_json_name(plan, plan_path, "name", SERVICE_OPTIONAL, out->name, e) ||
        !read_arms(plan, out, e) || !read_design(plan, out, e) ||
        !read_count(plan, "blocks", 6, 1000, &out->blocks, e) ||
        !read_count(plan, "budget_s", 0, 604800, &out->budget_s, e) ||
        !read_count(plan, "first", 6, 1000, &out->first, e) ||
        !read_count(plan, "step_windows", 1, 1024, &out->step_windows, e) ||
        !read_count(plan, "warmup", 0, 1024, &out->warmup, e) ||
        !read_count(plan, "windows", 1, SERVICE_LABELLED_MAX, &out->windows, e) ||
        !service_json_integer(plan, plan_path, "seed", SERVICE_OPTIONAL, 0, INT64_MAX, &seed, e) ||
        !read_real(plan, "confidence", 0.5, 0.9999, &out->confidence, e) ||
        !read_real(plan, "margin_pct", 0, 100, &out->margin_pct, e) ||
        !read_real(plan, "error_margin", 0, 1e12, &out->error_margin, e) ||
        !read_burst(plan, &out->burst_s, e) || !read_metrics(plan, out, e))
        return false;
    out->seed = (uint64_t)seed;
    if (out->first > out->blocks)
        return service_json_bad(e, plan_path, "first", "%u, more than the budget of %u blocks",
                                out->first, out->blocks);
    return true;
}

void service_plan_write(struct service_writer *w, const struct service_plan *p)
{
    service_write_open(w, "plan", '{');
    service_write_text_if(w, "name", p->name);
    service_write_open(w, "variants", '[');
    for (int i = 0; i < p->arms && i < SERVICE_ARMS_MAX; i++)
        service_write_text(w, NULL, p->arm[i]);
    service_write_close(w, ']');
    service_write_text(w, "design", service_design_name(p->design));
    service_write_integer(w, "blocks", p->blocks);
    service_write_integer(w, "budget_s", p->budget_s);
    service_write_integer(w, "first", p->first);
    service_write_integer(w, "windows", p->windows);
    service_write_integer(w, "step_windows", p->step_windows);
    service_write_integer(w, "warmup", p->warmup);
    service_write_integer(w, "seed", p->seed);
    service_write_real(w, "confidence", p->confidence);
    service_write_real(w, "margin_pct", p->margin_pct);
    service_write_real(w, "error_margin", p->error_margin);
    if (p->burst_s >= 0)
        service_write_real(w, "burst_s", p->burst_s);
    service_write_open(w, "metrics", '[');
    for (int m = 0; m < SERVICE_METRICS; m++)
        if (p->metric[m])
            service_write_text(w, NULL, service_metric_name((enum service_metric)m));
    service_write_close(w, ']');
    service_write_close(w, '}');
}

// ---- labelled windows

static bool read_input(json_t *inputs, size_t index, const char *name, size_t rank,
                       const int *limit, int *size, struct service_error *e)
{
    char datatype[16], field[24];
    if (!service_input_read(inputs, index, name, rank, limit, size, datatype, e))
        return false;
    snprintf(field, sizeof field, "inputs[%zu].datatype", index);
    return strcmp(datatype, "FP64") == 0 ||
           service_json_bad(e, field, NULL, "labelled windows are FP64");
}

bool service_labelled_read(json_t *root, struct service_labelled *out, struct service_error *e)
{
    static const int window_limit[] = {SERVICE_LABELLED_MAX, SERVICE_WINDOW_MAX,
                                       SERVICE_FEATURES_MAX};
    static const int target_limit[] = {SERVICE_LABELLED_MAX, SERVICE_OUTPUTS_MAX};
    json_t *inputs;
    int window[3], target[2];
    if (!service_json_array(root, "", "inputs", 2, 2, &inputs, e) ||
        !read_input(inputs, 0, "windows", 3, window_limit, window, e) ||
        !read_input(inputs, 1, "targets", 2, target_limit, target, e))
        return false;
    if (target[0] != window[0])
        return service_json_bad(e, "inputs[1]", "shape", "%d targets for %d windows", target[0],
                                window[0]);
    out->windows = (uint32_t)window[0];
    out->rows = (uint16_t)window[1];
    out->columns = (uint16_t)window[2];
    out->outputs = (uint16_t)target[1];
    return true;
}

static bool take_values(const struct service_frame *frame, int input, size_t n,
                        struct service_error *e)
{
    char field[40];
    snprintf(field, sizeof field, "inputs[%d].data", input);
    if (frame->n != 8 * n)
        return service_json_bad(e, field, NULL, "tensor of %zu bytes, its shape takes %zu",
                                frame->n, 8 * n);
    for (size_t i = 0; i < n; i++) {
        double value;
        service_unpack_fp64((const char *)frame->data + 8 * i, 1, &value);
        if (!isfinite(value)) {
            snprintf(field, sizeof field, "inputs[%d].data[%zu]", input, i);
            return service_json_bad(e, field, NULL, "%s",
                                    isnan(value) ? "not a number" : "infinite");
        }
    }
    return true;
}

bool service_labelled_take(const struct service_frame *frames, struct service_labelled *out,
                           struct service_error *e)
{
    size_t values = (size_t)out->windows * out->rows * out->columns;
    if (!take_values(&frames[0], 0, values, e) ||
        !take_values(&frames[1], 1, (size_t)out->windows * out->outputs, e))
        return false;
    out->data = frames[0].data;
    out->targets = frames[1].data;
    return true;
}

void service_labelled_write(struct service_writer *w, const struct service_labelled *l)
{
    const unsigned window[] = {l->windows, l->rows, l->columns},
                   target[] = {l->windows, l->outputs};
    service_write_open(w, "inputs", '[');
    service_input_write(w, "windows", window, 3, "FP64");
    service_input_write(w, "targets", target, 2, "FP64");
    service_write_close(w, ']');
}

// ---- rows

bool service_experiment_read(json_t *object, const char *path, void *out, struct service_error *e)
{
    struct service_experiment *x = out;
    unsigned state = 0;
    memset(x, 0, sizeof *x);
    if (!service_json_fill(object, path, "id", x->id, e) ||
        !service_json_fill(object, path, "name", x->name, e) ||
        !service_json_fill(object, path, "board", x->board, e) ||
        !service_json_word(object, path, "state", SERVICE_REQUIRED, service_experiment_state_words,
                           &state, e) ||
        !service_json_fill(object, path, "reason", x->reason, e) ||
        !service_json_names(object, path, "variants", 0, SERVICE_ARMS_MAX, x->arm, &x->arms, e) ||
        !service_json_u32(object, path, "received", &x->received, e) ||
        !service_json_u32(object, path, "windows", &x->windows, e) ||
        !service_json_u32(object, path, "blocks", &x->blocks, e) ||
        !service_json_u32(object, path, "budget_blocks", &x->budget_blocks, e) ||
        !service_json_u32(object, path, "steps", &x->steps, e) ||
        !service_json_u32(object, path, "decided", &x->decided, e) ||
        !service_json_u32(object, path, "comparisons", &x->comparisons, e) ||
        !service_json_number(object, path, "seconds", &x->seconds, e))
        return false;
    x->state = (enum service_experiment_state)state;
    return true;
}

void service_experiment_write(struct service_writer *w, const char *key,
                              const struct service_experiment *x)
{
    service_write_open(w, key, '{');
    service_write_text(w, "id", x->id);
    service_write_text(w, "name", x->name);
    service_write_text(w, "board", x->board);
    service_write_text(w, "state", service_experiment_state_name(x->state));
    service_write_text(w, "reason", x->reason);
    service_write_open(w, "variants", '[');
    for (int i = 0; i < x->arms && i < SERVICE_ARMS_MAX; i++)
        service_write_text(w, NULL, x->arm[i]);
    service_write_close(w, ']');
    service_write_integer(w, "received", x->received);
    service_write_integer(w, "windows", x->windows);
    service_write_integer(w, "blocks", x->blocks);
    service_write_integer(w, "budget_blocks", x->budget_blocks);
    service_write_integer(w, "steps", x->steps);
    service_write_integer(w, "decided", x->decided);
    service_write_integer(w, "comparisons", x->comparisons);
    service_write_real(w, "seconds", x->seconds);
    service_write_close(w, '}');
}

// ---- results

bool service_result_read(json_t *root, const struct service_frame *frames, size_t count,
                         struct service_experiment_result *out, struct service_error *e)
{
    json_t *report, *outputs, *member, *shape;
    char path[sizeof e->field];
    if (!service_json_object(root, "", "report", SERVICE_REQUIRED, &report, e) ||
        !service_json_array(root, "", "outputs", 1, 1, &outputs, e) ||
        !service_json_member(outputs, 0, "", "outputs", &member, path, e) ||
        !service_json_array(member, path, "shape", 2, 2, &shape, e))
        return false;
    json_int_t n = json_integer_value(json_array_get(shape, 0));
    json_int_t columns = json_integer_value(json_array_get(shape, 1));
    if (n < 0 || n > SERVICE_STEPS_MAX || columns != SERVICE_STEP_COLUMNS || count != 2 ||
        frames[1].n != (size_t)n * SERVICE_STEP_COLUMNS * 8)
        return service_json_bad(e, path, "shape", "not a table of steps with its frame");
    out->steps = calloc((size_t)n * SERVICE_STEP_COLUMNS + 1, sizeof *out->steps);
    if (!out->steps)
        return service_json_bad(e, path, NULL, "out of memory");
    service_unpack_fp64(frames[1].data, (size_t)n * SERVICE_STEP_COLUMNS, out->steps);
    out->n = (size_t)n;
    out->report = json_incref(report);
    return true;
}

void service_result_write(struct service_writer *w, const struct service_experiment_result *r)
{
    const unsigned size[] = {(unsigned)r->n, SERVICE_STEP_COLUMNS};
    service_experiment_write(w, "experiment", &r->row);
    service_write_json(w, "report", r->report);
    service_write_open(w, "outputs", '[');
    service_tensor_write(w, "steps", "FP64", size, 2);
    service_write_close(w, ']');
}
