// SPDX-License-Identifier: Apache-2.0
// Result objects: the public structs behind a hidden reference count.
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client/lib/client.h"

// The union keeps the result behind it aligned for any type.
union head {
    atomic_uint references;
    max_align_t align;
};

void *result_new(size_t bytes)
{
    union head *head = calloc(1, sizeof *head + bytes);
    if (!head)
        return NULL;
    atomic_init(&head->references, 1);
    return head + 1;
}

static union head *head_of(const void *result)
{
    return (union head *)(uintptr_t)result - 1;
}

const void *sc_keep(const void *result)
{
    if (result)
        atomic_fetch_add_explicit(&head_of(result)->references, 1, memory_order_relaxed);
    return result;
}

void sc_free(const void *result)
{
    if (result &&
        atomic_fetch_sub_explicit(&head_of(result)->references, 1, memory_order_acq_rel) == 1)
        free(head_of(result));
}

static struct sc_joule joule_of(const struct service_joule *j)
{
    return (struct sc_joule){.value = j->value, .uncertainty = j->uncertainty};
}

static void copy_energy(struct sc_energy *to, const struct service_energy *from)
{
    RESULT_COPY(to->reason, from->reason);
    RESULT_COPY(to->of, from->of);
    to->origin = (enum sc_origin)from->origin;
    to->window_s = from->window_s;
    to->has_idle = from->has_idle;
    to->total = joule_of(&from->total);
    to->above_idle = joule_of(&from->above_idle);
    to->rails = from->rails;
    for (int i = 0; i < from->rails; i++) {
        struct sc_energy_rail *r = &to->rail[i];
        RESULT_COPY(r->name, from->rail[i].name);
        RESULT_COPY(r->reason, from->rail[i].reason);
        r->watt = from->rail[i].watt;
        r->uncertainty_watt = from->rail[i].uncertainty_watt;
        r->count = from->rail[i].count;
        r->total = joule_of(&from->rail[i].total);
        r->above_idle = joule_of(&from->rail[i].above_idle);
    }
}

struct sc_forecast *result_forecast(const struct service_inference *i, uint64_t round_trip_ns)
{
    struct sc_forecast *f = result_new(sizeof *f);
    if (!f)
        return NULL;
    RESULT_COPY(f->model, i->model_name);
    RESULT_COPY(f->variant, i->variant);
    RESULT_COPY(f->task, i->task);
    RESULT_COPY(f->board, i->board);
    RESULT_COPY(f->hash, i->version);
    f->origin = (enum sc_origin)i->origin;
    f->fpga_cycles = i->fpga_cycles;
    f->clock_hz = i->clock_hz;
    f->fpga_ns = i->fpga_ns;
    f->saturated = i->saturated;
    f->stages_ns.queue = i->stages_ns.queue;
    f->stages_ns.usb_in = i->stages_ns.usb_in;
    f->stages_ns.fpga = i->stages_ns.fpga;
    f->stages_ns.usb_out = i->stages_ns.usb_out;
    f->stages_ns.host = i->stages_ns.host;
    f->round_trip_ns = round_trip_ns;
    f->outputs = i->outputs;
    RESULT_COPY(f->values, i->values);
    RESULT_COPY(f->codes, i->codes);
    f->burst = (struct sc_burst){.runs = i->burst.runs,
                                 .end = (enum sc_burst_end)i->burst.end,
                                 .cycles = i->burst.cycles,
                                 .busy_cycles = i->burst.busy_cycles,
                                 .seconds = i->burst.seconds};
    copy_energy(&f->energy, &i->energy);
    return f;
}

static void copy_names(struct sc_names *to, const struct service_names *from)
{
    to->count = from->n;
    RESULT_COPY(to->name, from->name);
}

static void copy_power(struct sc_power *to, const struct service_power *from)
{
    RESULT_COPY(to->reason, from->reason);
    to->origin = (enum sc_origin)from->origin;
    to->window_s = from->window_s;
    to->rails = from->rails;
    for (int i = 0; i < from->rails; i++) {
        RESULT_COPY(to->rail[i].name, from->rail[i].name);
        RESULT_COPY(to->rail[i].reason, from->rail[i].reason);
        to->rail[i].watt = from->rail[i].watt;
        to->rail[i].uncertainty_watt = from->rail[i].uncertainty_watt;
        to->rail[i].count = from->rail[i].count;
    }
}

void *result_boards(const struct service_reply *reply)
{
    const struct service_board_row *rows = reply->u.boards.rows;
    size_t n = reply->u.boards.n;
    struct sc_status *s = result_new(sizeof *s + n * sizeof s->boards[0]);
    if (!s)
        return NULL;
    s->count = (uint32_t)n;
    for (size_t i = 0; i < n; i++) {
        struct sc_board *b = &s->boards[i];
        RESULT_COPY(b->name, rows[i].name);
        RESULT_COPY(b->serial, rows[i].serial);
        RESULT_COPY(b->part, rows[i].part);
        snprintf(b->state, sizeof b->state, "%s", service_board_state_name(rows[i].state));
        RESULT_COPY(b->variant, rows[i].variant);
        RESULT_COPY(b->hash, rows[i].version);
        b->origin = (enum sc_origin)rows[i].origin;
        b->clock_hz = rows[i].clock_hz;
        b->queue = rows[i].queue;
        b->inferences = rows[i].inferences;
        b->swaps = rows[i].swaps;
        b->restarts = rows[i].restarts;
        RESULT_COPY(b->reason, rows[i].reason);
        copy_power(&b->power, &rows[i].power);
    }
    return s;
}

void *result_power_log(const struct service_reply *reply)
{
    const struct service_power_log *log = &reply->u.power;
    struct sc_power_log *out = result_new(sizeof *out + log->n * sizeof out->rows[0]);
    if (!out)
        return NULL;
    RESULT_COPY(out->board, log->board);
    out->now_s = log->now_s;
    out->paused_ms = log->paused_ms;
    out->count = (uint32_t)log->n;
    for (size_t i = 0; i < log->n; i++) {
        out->rows[i].seq = log->rows[i].seq;
        out->rows[i].begin_s = log->rows[i].begin_s;
        out->rows[i].end_s = log->rows[i].end_s;
        copy_power(&out->rows[i].power, &log->rows[i].power);
    }
    return out;
}

void *result_variants(const struct service_reply *reply)
{
    const struct service_model_row *rows = reply->u.index.rows;
    size_t n = reply->u.index.n;
    struct sc_variants *v = result_new(sizeof *v + n * sizeof v->variants[0]);
    if (!v)
        return NULL;
    v->count = (uint32_t)n;
    for (size_t i = 0; i < n; i++) {
        struct sc_variant *to = &v->variants[i];
        RESULT_COPY(to->name, rows[i].name);
        RESULT_COPY(to->task, rows[i].task);
        RESULT_COPY(to->hash, rows[i].version);
        snprintf(to->state, sizeof to->state, "%s", service_model_state_name(rows[i].state));
        RESULT_COPY(to->reason, rows[i].reason);
        copy_names(&to->boards, &rows[i].boards);
    }
    return v;
}

struct sc_count result_count(const struct service_count *c)
{
    return (struct sc_count){.count = c->count, .ns = c->ns};
}

void *result_statistics(const struct service_reply *reply)
{
    const struct service_model_stats *rows = reply->u.statistics.rows;
    size_t n = reply->u.statistics.n;
    struct sc_statistics *s = result_new(sizeof *s + n * sizeof s->models[0]);
    if (!s)
        return NULL;
    s->count = (uint32_t)n;
    for (size_t i = 0; i < n; i++) {
        struct sc_model_statistics *to = &s->models[i];
        RESULT_COPY(to->name, rows[i].name);
        RESULT_COPY(to->hash, rows[i].version);
        to->success = result_count(&rows[i].success);
        to->fail = result_count(&rows[i].fail);
        to->queue = result_count(&rows[i].queue);
        to->compute_input = result_count(&rows[i].compute_input);
        to->compute_infer = result_count(&rows[i].compute_infer);
        to->compute_output = result_count(&rows[i].compute_output);
        to->saturated_values = rows[i].saturated_values;
    }
    return s;
}

static void copy_column(struct sc_column *to, const struct service_column *from)
{
    RESULT_COPY(to->name, from->name);
    RESULT_COPY(to->unit, from->unit);
    to->offset = from->offset;
    to->scale = from->scale;
}

void *result_metadata(const struct service_reply *reply)
{
    const struct service_metadata *m = &reply->u.metadata;
    struct sc_metadata *to = result_new(sizeof *to);
    if (!to)
        return NULL;
    RESULT_COPY(to->name, m->name);
    RESULT_COPY(to->task, m->task);
    RESULT_COPY(to->hash, m->version);
    to->window = m->window;
    to->features = m->features;
    to->outputs = m->outputs;
    for (size_t i = 0; i < m->features; i++)
        copy_column(&to->feature[i], &m->feature[i]);
    for (size_t i = 0; i < m->outputs; i++)
        copy_column(&to->target[i], &m->target[i]);
    to->x_scale = m->x_scale;
    to->y_scale = m->y_scale;
    to->x_bits = m->x_bits;
    to->y_bits = m->y_bits;
    return to;
}

void *result_swap(const struct service_reply *reply)
{
    const struct service_load *l = &reply->u.load;
    struct sc_swap *s = result_new(sizeof *s);
    if (!s)
        return NULL;
    RESULT_COPY(s->board, l->board);
    RESULT_COPY(s->variant, l->model_name);
    RESULT_COPY(s->hash, l->version);
    s->drain_s = l->seconds.drain;
    s->program_s = l->seconds.program;
    s->verify_s = l->seconds.verify;
    s->total_s = l->seconds.total;
    return s;
}

void *result_names(const struct service_reply *reply)
{
    struct sc_names *to = result_new(sizeof *to);
    if (to)
        copy_names(to, &reply->u.unload);
    return to;
}
