// SPDX-License-Identifier: Apache-2.0
// Filling replies and sending them.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/energy.h"
#include "daemon/frontend.h"
#include "daemon/log.h"

#define PUT(to, ...) snprintf(to, sizeof(to), __VA_ARGS__)

void frontend_send(struct frontend *fe, int socket, const uint8_t *peer, size_t peer_bytes)
{
    struct service_reply *r = &fe->reply;
    uint8_t values[SERVICE_OUTPUTS_MAX * sizeof(double)];
    uint8_t codes[SERVICE_OUTPUTS_MAX * sizeof(int16_t)];
    struct service_frame frames[3] = {{fe->header, 0}, {values, 0}, {codes, 0}};
    size_t count = 1;
    frames[0].n = service_reply_encode(r, fe->header, sizeof fe->header);
    if (!frames[0].n) {
        log_error("service", "reply does not fit verb=%s", service_verb_name(r->verb));
        service_error_set(&r->error, SERVICE_INTERNAL, NULL, "the reply does not fit a message");
        frames[0].n = service_reply_encode(r, fe->header, sizeof fe->header);
    }
    if (r->verb == SERVICE_INFER && r->error.code == SERVICE_OK) {
        service_pack_fp64(r->u.infer.values, r->u.infer.outputs, values);
        service_pack_int16(r->u.infer.codes, r->u.infer.outputs, codes);
        frames[1].n = r->u.infer.outputs * sizeof(double);
        frames[2].n = r->u.infer.outputs * sizeof(int16_t);
        count = 3;
    }
    void *steps = NULL;
    if (r->verb == SERVICE_AB_RESULT && r->error.code == SERVICE_OK) {
        size_t n = r->u.result.n * SERVICE_STEP_COLUMNS;
        steps = malloc(8 * n + 1);
        if (steps) {
            service_pack_fp64(r->u.result.steps, n, steps);
            frames[1] = (struct service_frame){steps, 8 * n};
            count = 2;
        } else {
            service_error_set(&r->error, SERVICE_INTERNAL, NULL, "out of memory");
            frames[0].n = service_reply_encode(r, fe->header, sizeof fe->header);
        }
    }
    if (r->error.code != SERVICE_OK)
        log_debug("service", "error verb=%s code=%s message=\"%s\"", service_verb_name(r->verb),
                  service_code_name(r->error.code), r->error.message);
    listener_send(&fe->listener[socket], peer, peer_bytes, frames, count);
    free(steps);
}

void frontend_answer_slot(struct frontend *fe, struct queue_slot *s)
{
    frontend_send(fe, s->socket, s->peer, s->peer_bytes);
}

static uint64_t span(uint64_t from, uint64_t to)
{
    return to > from ? to - from : 0;
}

enum service_origin frontend_origin(const struct board *b)
{
    return b->identity.origin == LINK_ORIGIN_BOARD     ? SERVICE_BOARD
           : b->identity.origin == LINK_ORIGIN_VIRTUAL ? SERVICE_VIRTUAL
                                                       : SERVICE_MODEL;
}

bool frontend_has_meter(const struct board *b)
{
    return strcmp(b->conf->meter, "none") != 0;
}

static void fill_rail(struct service_rail *to, const struct measured *m, const char *why)
{
    if (m->gap != MEASURED_NO_GAP) {
        PUT(to->reason, "%s%s%s", measured_gap_text(m->gap), *why ? ": " : "", why);
        return;
    }
    to->watt = m->value;
    to->uncertainty_watt = m->uncertainty;
    to->count = m->count;
}

static void fill_power(struct service_power *to, const struct wire_power *from,
                       const struct board *b)
{
    if (!from->rails.n) {
        PUT(to->reason, "%s",
            frontend_has_meter(b) ? "no window of the power monitor yet" : "no power monitor");
        return;
    }
    const struct measured *first = &from->power.rail[0];
    to->origin = first->origin == MEASURED_VIRTUAL ? SERVICE_VIRTUAL : SERVICE_BOARD;
    to->window_s = (double)(from->power.end_ns - from->power.begin_ns) / (double)NS_PER_S;
    to->rails = (uint16_t)from->rails.n;
    for (int i = 0; i < from->rails.n; i++) {
        PUT(to->rail[i].name, "%s", from->rails.rail[i].name);
        fill_rail(&to->rail[i], &from->power.rail[i], from->power.why);
    }
}

static void fill_burst(struct service_inference *i, const struct board *b,
                       const struct wire_result *r)
{
    i->burst = (struct service_burst){.runs = r->burst.runs,
                                      .end = b->burst_end,
                                      .cycles = r->burst.cycles,
                                      .busy_cycles = r->burst.busy_cycles};
    if (i->clock_hz)
        i->burst.seconds = (double)r->burst.cycles / i->clock_hz;
}

// A single inference lasts less than a sample of any monitor.
static void fill_energy(struct service_inference *i, const struct board *b,
                        const struct wire_result *r)
{
    if (r->burst.runs)
        energy_of_result(b, r, &i->energy);
    else if (!frontend_has_meter(b))
        PUT(i->energy.reason, "no power monitor");
    else if (!b->power.rails.n)
        PUT(i->energy.reason, "no window of the power monitor yet");
    else
        PUT(i->energy.reason, "%s", measured_gap_text(MEASURED_TOO_SHORT));
    if (b->idle.rails.n)
        fill_power(&i->idle, &b->idle, b);
}

void frontend_fill_inference(struct frontend *fe, const struct board *b, const struct queue_slot *s,
                             const struct package *p, const struct wire_result *r)
{
    struct service_inference *i = &fe->reply.u.infer;
    const struct variant *v = p->variant;
    PUT(i->model_name, "%s", s->request.model_name);
    PUT(i->variant, "%s", v->name);
    PUT(i->task, "%s", v->task);
    PUT(i->board, "%s", b->conf->name);
    PUT(i->version, "%s", v->hash_hex);
    i->origin = frontend_origin(b);
    i->fpga_cycles = r->cycles;
    i->clock_hz = b->identity.clock_hz;
    i->fpga_ns = i->clock_hz ? (uint64_t)r->cycles * NS_PER_S / i->clock_hz : 0;
    i->saturated = (uint32_t)s->saturated;
    i->outputs = (uint16_t)v->model->shape.outputs;
    memcpy(i->codes, r->y, sizeof r->y);
    variant_decode(v, r->y, i->values);
    fill_burst(i, b, r);
    fill_energy(i, b, r);
    i->stages_ns.queue = span(s->received_ns, r->sent_ns);
    i->stages_ns.usb_in = span(r->sent_ns, r->written_ns);
    i->stages_ns.fpga = span(r->written_ns, r->first_ns);
    i->stages_ns.usb_out = span(r->first_ns, r->last_ns);
    uint64_t parts =
        i->stages_ns.queue + i->stages_ns.usb_in + i->stages_ns.fpga + i->stages_ns.usb_out;
    i->stages_ns.host = span(parts, span(s->received_ns, now_ns()));
}

static bool serves(const struct board *b, const struct package *p)
{
    return b->phase == BOARD_READY && b->active && p->variant &&
           strcmp(b->active->name, p->name) == 0;
}

void frontend_fill_index(struct frontend *fe)
{
    for (int k = 0; k < fe->packages.n; k++) {
        const struct package *p = fe->packages.item[k];
        struct service_model_row *row = &fe->model_rows[k];
        memset(row, 0, sizeof *row);
        PUT(row->name, "%s", p->name);
        PUT(row->task, "%s", p->variant ? p->variant->task : "");
        PUT(row->version, "%s", p->variant ? p->variant->hash_hex : "");
        PUT(row->reason, "%s", p->reason);
        for (int i = 0; i < fe->boards; i++)
            if (serves(&fe->board[i], p))
                PUT(row->boards.name[row->boards.n++], "%s", fe->board[i].conf->name);
        row->state = row->boards.n  ? SERVICE_READY
                     : p->available ? SERVICE_AVAILABLE
                                    : SERVICE_UNAVAILABLE;
    }
    fe->reply.u.index.rows = fe->model_rows;
    fe->reply.u.index.n = (size_t)fe->packages.n;
}

static enum service_board_state state_of(const struct board *b)
{
    switch (b->phase) {
    case BOARD_ABSENT:
        return SERVICE_BOARD_ABSENT;
    case BOARD_IDLE:
        return SERVICE_BOARD_IDLE;
    case BOARD_READY:
        return SERVICE_BOARD_READY;
    case BOARD_FAULT:
        return SERVICE_BOARD_FAULT;
    default:
        return SERVICE_BOARD_PROGRAMMING;
    }
}

uint32_t frontend_waiting(const struct frontend *fe, const struct board *b)
{
    const struct package *p = b->active ? b->active : b->want;
    uint32_t n = (uint32_t)b->running;
    for (const struct queue_slot *s = fe->queue.first; s && p; s = s->next)
        n += strcmp(queue_model(s), p->name) == 0 ||
             (p->variant && strcmp(queue_model(s), p->variant->task) == 0);
    return n;
}

void frontend_fill_boards(struct frontend *fe)
{
    for (int i = 0; i < fe->boards; i++) {
        const struct board *b = &fe->board[i];
        struct service_board_row *row = &fe->board_rows[i];
        memset(row, 0, sizeof *row);
        PUT(row->name, "%s", b->conf->name);
        PUT(row->serial, "%s", b->conf->serial);
        PUT(row->part, "%s", b->conf->part);
        row->state = state_of(b);
        if (b->active) {
            PUT(row->variant, "%s", b->active->name);
            PUT(row->version, "%s", b->active->variant->hash_hex);
            row->clock_hz = b->identity.clock_hz;
        }
        row->origin = frontend_origin(b);
        row->queue = frontend_waiting(fe, b);
        row->inferences = b->inferences;
        row->swaps = b->swaps;
        row->restarts = b->worker.starts ? b->worker.starts - 1 : 0;
        PUT(row->reason, "%s", b->reason);
        fill_power(&row->power, &b->power, b);
    }
    fe->reply.u.boards.rows = fe->board_rows;
    fe->reply.u.boards.n = (size_t)fe->boards;
}

void frontend_fill_power_log(struct frontend *fe, const struct board *b, uint64_t after)
{
    struct service_power_log *log = &fe->reply.u.power;
    const struct wire_power *window;
    uint64_t now = now_ns();
    PUT(log->board, "%s", b->conf->name);
    log->now_s = (double)now / (double)NS_PER_S;
    if (b->power_paused_ns > now)
        log->paused_ms = (uint32_t)((b->power_paused_ns - now + NS_PER_MS - 1) / NS_PER_MS);
    log->rows = fe->power_rows;
    while (log->n < SERVICE_POWER_ROWS_MAX &&
           (window = meter_log_next(&b->power_log, after, &after))) {
        struct service_power_row *row = &fe->power_rows[log->n++];
        memset(row, 0, sizeof *row);
        row->seq = after;
        row->begin_s = (double)window->power.begin_ns / (double)NS_PER_S;
        row->end_s = (double)window->power.end_ns / (double)NS_PER_S;
        fill_power(&row->power, window, b);
    }
}

void frontend_fill_statistics(struct frontend *fe, const char *model_name)
{
    size_t n = 0;
    for (int i = 0; i < fe->packages.n; i++) {
        const struct package *p = fe->packages.item[i];
        const struct package_stats *from = p->stats;
        if (!from || (*model_name && strcmp(p->name, model_name) != 0 &&
                      strcmp(p->variant->task, model_name) != 0))
            continue;
        struct service_model_stats *to = &fe->stats_rows[n++];
        memset(to, 0, sizeof *to);
        PUT(to->name, "%s", p->name);
        PUT(to->version, "%s", p->variant->hash_hex);
        to->success = (struct service_count){from->success, from->success_ns};
        to->fail = (struct service_count){from->fail, from->fail_ns};
        to->queue = (struct service_count){from->success, from->queue_ns};
        to->compute_input = (struct service_count){from->success, from->input_ns};
        to->compute_infer = (struct service_count){from->success, from->infer_ns};
        to->compute_output = (struct service_count){from->success, from->output_ns};
        to->saturated_values = from->saturated;
    }
    fe->reply.u.statistics.rows = fe->stats_rows;
    fe->reply.u.statistics.n = n;
}

void frontend_fill_metadata(struct frontend *fe, const struct package *p)
{
    struct service_metadata *to = &fe->reply.u.metadata;
    const struct variant *v = p->variant;
    const struct model_shape *s = &v->model->shape;
    PUT(to->name, "%s", p->name);
    PUT(to->task, "%s", v->task);
    PUT(to->version, "%s", v->hash_hex);
    to->window = (uint16_t)s->window;
    to->features = (uint16_t)s->features;
    to->outputs = (uint16_t)s->outputs;
    for (int i = 0; i < s->features; i++) {
        PUT(to->feature[i].name, "%s", v->feature[i].name);
        to->feature[i].offset = v->feature[i].offset;
        to->feature[i].scale = v->feature[i].scale;
    }
    for (int i = 0; i < s->outputs; i++) {
        PUT(to->target[i].name, "%s", v->target[i].name);
        PUT(to->target[i].unit, "%s", v->target[i].unit);
        to->target[i].offset = v->target[i].offset;
        to->target[i].scale = v->target[i].scale;
    }
    to->x_scale = v->x_scale;
    to->y_scale = v->y_scale;
    to->x_bits = (uint8_t)v->model->bits.x;
    to->y_bits = (uint8_t)v->model->bits.y;
    to->details = p->details;
}
