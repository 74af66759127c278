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

#define COPY(to, from)                                                                             \
    do {                                                                                           \
        _Static_assert(sizeof(to) >= sizeof(from), "text fits");                                   \
        memcpy(to, from, sizeof(from));                                                            \
    } while (0)

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
    COPY(to->reason, from->reason);
    COPY(to->of, from->of);
    to->origin = (enum sc_origin)from->origin;
    to->window_s = from->window_s;
    to->has_idle = from->has_idle;
    to->total = joule_of(&from->total);
    to->above_idle = joule_of(&from->above_idle);
    to->rails = from->rails;
    for (int i = 0; i < from->rails; i++) {
        struct sc_energy_rail *r = &to->rail[i];
        COPY(r->name, from->rail[i].name);
        COPY(r->reason, from->rail[i].reason);
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
    COPY(f->model, i->model_name);
    COPY(f->variant, i->variant);
    COPY(f->task, i->task);
    COPY(f->board, i->board);
    COPY(f->hash, i->version);
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
    COPY(f->values, i->values);
    COPY(f->codes, i->codes);
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
    COPY(to->name, from->name);
}

static void copy_power(struct sc_power *to, const struct service_power *from)
{
    COPY(to->reason, from->reason);
    to->origin = (enum sc_origin)from->origin;
    to->window_s = from->window_s;
    to->rails = from->rails;
    for (int i = 0; i < from->rails; i++) {
        COPY(to->rail[i].name, from->rail[i].name);
        COPY(to->rail[i].reason, from->rail[i].reason);
        to->rail[i].watt = from->rail[i].watt;
        to->rail[i].uncertainty_watt = from->rail[i].uncertainty_watt;
        to->rail[i].count = from->rail[i].count;
    }
}

struct sc_status *result_status(const char *version, bool ready,
                                const struct service_board_row *rows, size_t n)
{
    struct sc_status *s = result_new(sizeof *s + n * sizeof s->boards[0]);
    if (!s)
        return NULL;
    snprintf(s->version, sizeof s->version, "%s", version);
    s->ready = ready;
    s->count = (uint32_t)n;
    for (size_t i = 0; i < n; i++) {
        struct sc_board *b = &s->boards[i];
        COPY(b->name, rows[i].name);
        COPY(b->serial, rows[i].serial);
        COPY(b->part, rows[i].part);
        snprintf(b->state, sizeof b->state, "%s", service_board_state_name(rows[i].state));
        COPY(b->variant, rows[i].variant);
        COPY(b->hash, rows[i].version);
        b->origin = (enum sc_origin)rows[i].origin;
        b->clock_hz = rows[i].clock_hz;
        b->queue = rows[i].queue;
        b->inferences = rows[i].inferences;
        b->swaps = rows[i].swaps;
        b->restarts = rows[i].restarts;
        COPY(b->reason, rows[i].reason);
        copy_power(&b->power, &rows[i].power);
    }
    return s;
}

struct sc_power_log *result_power_log(const struct service_power_log *log)
{
    struct sc_power_log *out = result_new(sizeof *out + log->n * sizeof out->rows[0]);
    if (!out)
        return NULL;
    COPY(out->board, log->board);
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

struct sc_variants *result_variants(const struct service_model_row *rows, size_t n)
{
    struct sc_variants *v = result_new(sizeof *v + n * sizeof v->variants[0]);
    if (!v)
        return NULL;
    v->count = (uint32_t)n;
    for (size_t i = 0; i < n; i++) {
        struct sc_variant *to = &v->variants[i];
        COPY(to->name, rows[i].name);
        COPY(to->task, rows[i].task);
        COPY(to->hash, rows[i].version);
        snprintf(to->state, sizeof to->state, "%s", service_model_state_name(rows[i].state));
        COPY(to->reason, rows[i].reason);
        copy_names(&to->boards, &rows[i].boards);
    }
    return v;
}

static struct sc_count count_of(const struct service_count *c)
{
    return (struct sc_count){.count = c->count, .ns = c->ns};
}

struct sc_statistics *result_statistics(const struct service_model_stats *rows, size_t n)
{
    struct sc_statistics *s = result_new(sizeof *s + n * sizeof s->models[0]);
    if (!s)
        return NULL;
    s->count = (uint32_t)n;
    for (size_t i = 0; i < n; i++) {
        struct sc_model_statistics *to = &s->models[i];
        COPY(to->name, rows[i].name);
        COPY(to->hash, rows[i].version);
        to->success = count_of(&rows[i].success);
        to->fail = count_of(&rows[i].fail);
        to->queue = count_of(&rows[i].queue);
        to->compute_input = count_of(&rows[i].compute_input);
        to->compute_infer = count_of(&rows[i].compute_infer);
        to->compute_output = count_of(&rows[i].compute_output);
        to->saturated_values = rows[i].saturated_values;
    }
    return s;
}

static void copy_column(struct sc_column *to, const struct service_column *from)
{
    COPY(to->name, from->name);
    COPY(to->unit, from->unit);
    to->offset = from->offset;
    to->scale = from->scale;
}

struct sc_metadata *result_metadata(const struct service_metadata *m)
{
    struct sc_metadata *to = result_new(sizeof *to);
    if (!to)
        return NULL;
    COPY(to->name, m->name);
    COPY(to->task, m->task);
    COPY(to->hash, m->version);
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

struct sc_swap *result_swap(const struct service_load *l)
{
    struct sc_swap *s = result_new(sizeof *s);
    if (!s)
        return NULL;
    COPY(s->board, l->board);
    COPY(s->variant, l->model_name);
    COPY(s->hash, l->version);
    s->drain_s = l->seconds.drain;
    s->program_s = l->seconds.program;
    s->verify_s = l->seconds.verify;
    s->total_s = l->seconds.total;
    return s;
}

struct sc_names *result_names(const struct service_names *n)
{
    struct sc_names *to = result_new(sizeof *to);
    if (to)
        copy_names(to, n);
    return to;
}
