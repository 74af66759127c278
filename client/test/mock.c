// SPDX-License-Identifier: Apache-2.0
#include "client/test/mock.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <zmq.h>

#include "protocol/service.h"

#define HASH "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a0"

enum { VARIANTS = 4, DELAYED = 512, PARTS = 5, PART_BYTES = 4096 };

// An answer to be sent at due_ns, or after the next one (due_ns 0).
struct delayed {
    bool used;
    uint64_t due_ns;
    size_t count;
    struct {
        size_t n;
        char bytes[PART_BYTES];
    } part[PARTS];
};

struct mock {
    void *context, *socket, *stop; // stop: PAIR whose message ends the thread
    void *stopper;
    pthread_t thread;
    unsigned latency_ms;
    atomic_uint cancels;
    int active; // index of the variant on the board, -1 none
    uint64_t inferences, swaps;
    uint32_t pause_ms; // of the power monitor
    struct delayed delayed[DELAYED];
};

static const struct {
    const char *name, *task;
    unsigned window, features, outputs;
} variants[VARIANTS] = {
    {"demand-w8", "demand", 4, 1, 1},
    {"demand-w4", "demand", 4, 1, 1},
    {"weather-w8", "weather", 3, 2, 2},
    {"broken", "demand", 4, 1, 1},
};

static uint64_t now_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * UINT64_C(1000000000) + (uint64_t)t.tv_nsec;
}

#define SET(to, text) snprintf(to, sizeof(to), "%s", text)

static void set_hash(char out[SERVICE_HASH_HEX + 1], int variant)
{
    snprintf(out, SERVICE_HASH_HEX + 1, HASH "%c", (char)('0' + variant));
}

static int find_variant(const char *name)
{
    for (int v = 0; v < VARIANTS; v++)
        if (strcmp(variants[v].name, name) == 0)
            return v;
    return -1;
}

// The variant that serves name, a variant or a task; else -1 with *e filled.
static int serving(const struct mock *m, const char *name, struct service_error *e)
{
    int v = find_variant(name);
    bool known = v >= 0;
    for (int i = 0; i < VARIANTS; i++)
        known = known || strcmp(variants[i].task, name) == 0;
    if (m->active >= 0 && (v == m->active || strcmp(variants[m->active].task, name) == 0))
        return m->active;
    if (!known)
        service_error_set(e, SERVICE_UNKNOWN_MODEL, "model_name", "no variant or task '%s'", name);
    else if (m->swaps && v >= 0)
        service_error_set(e, SERVICE_STALE, NULL, "%s was swapped away", name);
    else
        service_error_set(e, SERVICE_NOT_READY, NULL, "%s is on no board", name);
    return -1;
}

static void answer_infer(struct mock *m, const struct service_request *q, struct service_reply *r)
{
    double values[SERVICE_WINDOW_MAX * SERVICE_FEATURES_MAX];
    struct service_inference *i = &r->u.infer;
    int v = serving(m, q->model_name, &r->error);
    if (v < 0)
        return;
    if (q->window.rows != variants[v].window || q->window.columns != variants[v].features) {
        service_error_set(&r->error, SERVICE_BAD_REQUEST, "inputs[0].shape",
                          "[%d, %d] where %s takes [%u, %u]", q->window.rows, q->window.columns,
                          variants[v].name, variants[v].window, variants[v].features);
        return;
    }
    service_window_values(&q->window, values);
    SET(i->model_name, q->model_name);
    SET(i->variant, variants[v].name);
    SET(i->task, variants[v].task);
    SET(i->board, "bench");
    set_hash(i->version, v);
    i->origin = SERVICE_MODEL;
    i->fpga_cycles = 12345;
    i->clock_hz = 100000000;
    i->fpga_ns = 123450;
    i->stages_ns.queue = 1000;
    i->stages_ns.usb_in = 2000;
    i->stages_ns.fpga = 3000;
    i->stages_ns.usb_out = 4000;
    i->stages_ns.host = 5000;
    for (unsigned n = 0; n < variants[v].window * variants[v].features; n++)
        i->saturated += values[n] > 99999;
    i->outputs = (uint16_t)variants[v].outputs;
    for (unsigned k = 0; k < variants[v].outputs; k++) {
        i->values[k] = values[(variants[v].window - 1) * variants[v].features] + k;
        i->codes[k] = (int16_t)variants[v].window;
    }
    m->inferences++;
}

static void answer_metadata(const struct mock *m, const struct service_request *q,
                            struct service_reply *r)
{
    struct service_metadata *d = &r->u.metadata;
    int v = find_variant(q->model_name);
    if (v < 0)
        v = serving(m, q->model_name, &r->error);
    if (v < 0)
        return;
    SET(d->name, variants[v].name);
    SET(d->task, variants[v].task);
    set_hash(d->version, v);
    d->window = (uint16_t)variants[v].window;
    d->features = (uint16_t)variants[v].features;
    d->outputs = (uint16_t)variants[v].outputs;
    SET(d->feature[0].name, v == 2 ? "temperature" : "demand");
    SET(d->feature[1].name, "humidity");
    SET(d->target[0].name, v == 2 ? "temperature+1" : "demand");
    SET(d->target[1].name, "temperature+2");
    SET(d->target[0].unit, v == 2 ? "K" : "MW");
    SET(d->target[1].unit, "K");
    for (int k = 0; k < 2; k++)
        d->feature[k].scale = d->target[k].scale = 1;
    d->x_scale = 0.5;
    d->y_scale = 0.25;
    d->x_bits = d->y_bits = 8;
}

static void answer_index(const struct mock *m, struct service_reply *r)
{
    static struct service_model_row rows[VARIANTS];
    memset(rows, 0, sizeof rows);
    for (int v = 0; v < VARIANTS; v++) {
        SET(rows[v].name, variants[v].name);
        SET(rows[v].task, variants[v].task);
        set_hash(rows[v].version, v);
        rows[v].state = v == m->active ? SERVICE_READY : SERVICE_AVAILABLE;
        if (v == m->active) {
            rows[v].boards.n = 1;
            SET(rows[v].boards.name[0], "bench");
        }
    }
    rows[3].state = SERVICE_UNAVAILABLE;
    SET(rows[3].reason, "integers.json: SHA-256 differs from the manifest");
    r->u.index.rows = rows;
    r->u.index.n = VARIANTS;
}

static void answer_boards(const struct mock *m, struct service_reply *r)
{
    static struct service_board_row rows[2];
    memset(rows, 0, sizeof rows);
    for (int b = 0; b < 2; b++) {
        SET(rows[b].name, b ? "spare" : "bench");
        SET(rows[b].serial, b ? "MOCK0002" : "MOCK0001");
        SET(rows[b].part, "xc7s15");
        rows[b].origin = SERVICE_MODEL;
    }
    SET(rows[1].power.reason, "no power monitor");
    rows[0].power = (struct service_power){
        .origin = SERVICE_MODEL,
        .window_s = 1,
        .rails = 2,
        .rail = {{.name = "FPGA_1V0", .watt = 0.03125, .uncertainty_watt = 0.0005, .count = 1024},
                 {.name = "BOARD", .reason = "the sensor did not answer"}},
    };
    rows[0].clock_hz = 100000000;
    rows[0].inferences = m->inferences;
    rows[0].swaps = m->swaps;
    if (m->active >= 0) {
        rows[0].state = SERVICE_BOARD_READY;
        SET(rows[0].variant, variants[m->active].name);
        set_hash(rows[0].version, m->active);
    } else {
        rows[0].state = SERVICE_BOARD_IDLE;
    }
    SET(rows[1].reason, "no device with that serial");
    r->u.boards.rows = rows;
    r->u.boards.n = 2;
}

static void answer_statistics(const struct mock *m, const struct service_request *q,
                              struct service_reply *r)
{
    static struct service_model_stats rows[1];
    const char *name = q->model_name[0] ? q->model_name : "demand-w8";
    memset(rows, 0, sizeof rows);
    if (find_variant(name) < 0) {
        service_error_set(&r->error, SERVICE_UNKNOWN_MODEL, "model_name", "no variant '%s'", name);
        return;
    }
    SET(rows[0].name, name);
    set_hash(rows[0].version, find_variant(name));
    rows[0].success = (struct service_count){m->inferences, m->inferences * 2000000};
    rows[0].compute_infer = (struct service_count){m->inferences, m->inferences * 123450};
    rows[0].saturated_values = 3;
    r->u.statistics.rows = rows;
    r->u.statistics.n = 1;
}

static void answer_load(struct mock *m, const struct service_request *q, struct service_reply *r)
{
    int v = find_variant(q->model_name);
    if (v < 0 || (q->board[0] && strcmp(q->board, "bench") != 0)) {
        service_error_set(&r->error, SERVICE_UNKNOWN_MODEL,
                          v < 0 ? "model_name" : "parameters.board", "no %s '%s'",
                          v < 0 ? "variant" : "board", v < 0 ? q->model_name : q->board);
    } else if (v == 3) {
        service_error_set(&r->error, SERVICE_SWAP_FAILED, NULL, "board bench: DONE stayed low");
        SET(r->error.active, m->active >= 0 ? variants[m->active].name : "");
    } else {
        m->active = v;
        m->swaps++;
        SET(r->u.load.board, "bench");
        SET(r->u.load.model_name, variants[v].name);
        set_hash(r->u.load.version, v);
        r->u.load.seconds.drain = 0.0625;
        r->u.load.seconds.program = 1.5;
        r->u.load.seconds.verify = 0.25;
        r->u.load.seconds.total = 1.8125;
    }
}

// Three windows, the last one without a value; board spare has no monitor.
static void answer_power(struct mock *m, const struct service_request *q, struct service_reply *r)
{
    static struct service_power_row rows[3];
    if (strcmp(q->board, "bench") != 0) {
        service_error_set(&r->error, SERVICE_NOT_READY, "parameters.board",
                          "board %s has no power monitor", q->board);
        return;
    }
    if (q->pauses)
        m->pause_ms = q->pause_ms;
    SET(r->u.power.board, q->board);
    r->u.power.now_s = 12.5;
    r->u.power.paused_ms = m->pause_ms;
    r->u.power.rows = rows;
    for (uint64_t seq = q->after + 1; seq <= 3; seq++)
        rows[r->u.power.n++] = (struct service_power_row){
            .seq = seq,
            .begin_s = 8.5 + (double)seq,
            .end_s = 9.5 + (double)seq,
            .power = {.origin = SERVICE_MODEL,
                      .window_s = 1,
                      .rails = 1,
                      .rail = {{.name = "FPGA_1V0", .watt = 0.03125, .count = 1024}}},
        };
    if (r->u.power.n)
        SET(rows[r->u.power.n - 1].power.rail[0].reason, "the sensor did not answer");
}

static void answer(struct mock *m, const struct service_request *q, struct service_reply *r)
{
    switch (q->verb) {
    case SERVICE_SERVER_LIVE:
        r->u.flag = true;
        break;
    case SERVICE_SERVER_READY:
        r->u.flag = m->active >= 0;
        break;
    case SERVICE_SERVER_METADATA:
        SET(r->u.server.version, "0.0.0-mock");
        break;
    case SERVICE_MODEL_READY:
        r->u.flag = serving(m, q->model_name, &r->error) >= 0;
        r->error.code = SERVICE_OK;
        break;
    case SERVICE_MODEL_METADATA:
        answer_metadata(m, q, r);
        break;
    case SERVICE_MODEL_STATISTICS:
        answer_statistics(m, q, r);
        break;
    case SERVICE_INFER:
        answer_infer(m, q, r);
        break;
    case SERVICE_REPOSITORY_INDEX:
        answer_index(m, r);
        break;
    case SERVICE_BOARDS:
        answer_boards(m, r);
        break;
    case SERVICE_POWER:
        answer_power(m, q, r);
        break;
    case SERVICE_LOAD:
        answer_load(m, q, r);
        break;
    case SERVICE_UNLOAD:
        if (m->active < 0) {
            service_error_set(&r->error, SERVICE_NOT_READY, NULL, "no board serves it");
            break;
        }
        m->active = -1;
        r->u.unload.n = 1;
        SET(r->u.unload.name[0], "bench");
        break;
    default:
        atomic_fetch_add(&m->cancels, 1);
        r->u.canceled = 1;
        break;
    }
}

static void put_part(struct delayed *d, const void *bytes, size_t n)
{
    d->part[d->count].n = n < PART_BYTES ? n : PART_BYTES;
    memcpy(d->part[d->count].bytes, bytes, d->part[d->count].n);
    d->count++;
}

static void put_reply(struct delayed *d, const struct service_reply *r)
{
    static char header[SERVICE_HEADER_MAX];
    uint8_t tensor[SERVICE_OUTPUTS_MAX * 8];
    put_part(d, "", 0);
    put_part(d, header, service_reply_encode(r, header, sizeof header));
    if (r->verb != SERVICE_INFER || r->error.code)
        return;
    service_pack_fp64(r->u.infer.values, r->u.infer.outputs, tensor);
    put_part(d, tensor, 8u * r->u.infer.outputs);
    service_pack_int16(r->u.infer.codes, r->u.infer.outputs, tensor);
    put_part(d, tensor, 2u * r->u.infer.outputs);
}

// The answers of a bad daemon. False when name asks for none of them.
static bool misbehave(struct delayed *d, const struct service_request *q, struct service_reply *r)
{
    const char *name = q->model_name;
    if (q->verb != SERVICE_INFER)
        return false;
    if (strcmp(name, "mute") == 0) {
        d->count = 0;
    } else if (strcmp(name, "wrong-id") == 0) {
        SET(r->id, "somebody-else");
        r->verb = SERVICE_SERVER_LIVE;
        put_reply(d, r);
    } else if (strcmp(name, "malformed") == 0) {
        put_part(d, "", 0);
        put_part(d, "{\"verb\":", 8);
    } else if (strcmp(name, "short") == 0) {
        char header[SERVICE_HEADER_MAX / 16];
        r->u.infer.outputs = 1;
        put_part(d, "", 0);
        put_part(d, header, service_reply_encode(r, header, sizeof header));
    } else if (strcmp(name, "bare") == 0) {
        put_part(d, "{}", 2);
    } else if (strcmp(name, "other-verb") == 0) {
        r->verb = SERVICE_SERVER_LIVE;
        put_reply(d, r);
    } else if (strncmp(name, "error-", 6) == 0 && service_code_from(name + 6, &r->error.code)) {
        SET(r->error.message, "as asked for");
        SET(r->error.field, "model_name");
        put_reply(d, r);
    } else {
        return false;
    }
    return true;
}

static void send_parts(struct mock *m, struct delayed *d)
{
    for (size_t i = 0; i < d->count; i++)
        zmq_send(m->socket, d->part[i].bytes, d->part[i].n, i + 1 < d->count ? ZMQ_SNDMORE : 0);
    d->used = false;
}

// Sent at once: more than fits a part that is kept for later.
static void send_result(struct mock *m, const struct service_request *q,
                        const struct service_frame *peer)
{
    static char header[SERVICE_HEADER_MAX];
    static double steps[SERVICE_STEPS_MAX][SERVICE_STEP_COLUMNS];
    static uint8_t bytes[sizeof steps];
    struct service_reply r;
    service_reply_init(&r, q);
    unsigned long n = strtoul(q->experiment + strlen("steps-"), NULL, 10);
    r.u.result.n = n < SERVICE_STEPS_MAX ? n : SERVICE_STEPS_MAX;
    for (size_t i = 0; i < r.u.result.n; i++) {
        steps[i][0] = (double)(i % 2);
        steps[i][4] = (double)i;
    }
    SET(r.u.result.row.id, q->experiment);
    r.u.result.row.state = SERVICE_EXPERIMENT_DONE;
    r.u.result.report = json_pack("{s:s}", "origin", "model");
    service_pack_fp64(&steps[0][0], r.u.result.n * SERVICE_STEP_COLUMNS, bytes);
    zmq_send(m->socket, peer->data, peer->n, ZMQ_SNDMORE);
    zmq_send(m->socket, "", 0, ZMQ_SNDMORE);
    zmq_send(m->socket, header, service_reply_encode(&r, header, sizeof header), ZMQ_SNDMORE);
    zmq_send(m->socket, bytes, r.u.result.n * SERVICE_STEP_COLUMNS * 8, 0);
    json_decref(r.u.result.report);
}

static struct delayed *free_delayed(struct mock *m)
{
    for (size_t i = 0; i < DELAYED; i++)
        if (!m->delayed[i].used)
            return &m->delayed[i];
    abort();
}

static void handle(struct mock *m, const struct service_frame *frames, size_t count,
                   const struct service_frame *peer)
{
    struct service_request q;
    struct service_reply r;
    struct service_error e;
    struct delayed *d = free_delayed(m);
    bool late = false, hold = false;
    service_request_decode(frames, count, &q, &e);
    if (q.verb == SERVICE_AB_RESULT && strncmp(q.experiment, "steps-", 6) == 0) {
        send_result(m, &q, peer);
        return;
    }
    service_reply_init(&r, &q);
    r.error = e;
    d->count = 0;
    put_part(d, peer->data, peer->n);
    if (!e.code && misbehave(d, &q, &r)) {
        late = hold = false;
    } else {
        late = q.verb == SERVICE_INFER && strcmp(q.model_name, "late") == 0;
        hold = q.verb == SERVICE_INFER && strcmp(q.model_name, "hold") == 0;
        if (late || hold)
            SET(q.model_name, "demand");
        if (!e.code)
            answer(m, &q, &r);
        put_reply(d, &r);
    }
    uint64_t delay_ms = late ? 300 : q.verb == SERVICE_INFER ? m->latency_ms : 0;
    d->used = true;
    d->due_ns = hold ? 0 : now_ns() + delay_ms * 1000000;
    if (hold || delay_ms)
        return;
    send_parts(m, d);
    for (size_t i = 0; i < DELAYED; i++)
        if (m->delayed[i].used && !m->delayed[i].due_ns)
            send_parts(m, &m->delayed[i]);
}

static void receive(struct mock *m)
{
    static zmq_msg_t part[16];
    struct service_frame frame[16];
    size_t n = 0;
    int more = 1;
    while (more && n < 16) {
        zmq_msg_init(&part[n]);
        zmq_msg_recv(&part[n], m->socket, 0);
        frame[n] = (struct service_frame){zmq_msg_data(&part[n]), zmq_msg_size(&part[n])};
        more = zmq_msg_more(&part[n++]);
    }
    if (n >= 3 && frame[1].n == 0)
        handle(m, frame + 2, n - 2, &frame[0]);
    while (n)
        zmq_msg_close(&part[--n]);
}

static void *serve(void *argument)
{
    struct mock *m = argument;
    for (;;) {
        zmq_pollitem_t items[2] = {{.socket = m->socket, .events = ZMQ_POLLIN},
                                   {.socket = m->stop, .events = ZMQ_POLLIN}};
        long wait = 1000;
        for (size_t i = 0; i < DELAYED; i++)
            if (m->delayed[i].used && m->delayed[i].due_ns)
                wait = 1;
        zmq_poll(items, 2, wait);
        if (items[1].revents)
            return NULL;
        if (items[0].revents)
            receive(m);
        for (size_t i = 0; i < DELAYED; i++)
            if (m->delayed[i].used && m->delayed[i].due_ns && m->delayed[i].due_ns <= now_ns())
                send_parts(m, &m->delayed[i]);
    }
}

struct mock *mock_start(const char *endpoint, unsigned latency_ms)
{
    struct mock *m = calloc(1, sizeof *m);
    int zero = 0;
    if (!m)
        return NULL;
    m->latency_ms = latency_ms;
    m->context = zmq_ctx_new();
    m->socket = zmq_socket(m->context, ZMQ_ROUTER);
    m->stop = zmq_socket(m->context, ZMQ_PAIR);
    m->stopper = zmq_socket(m->context, ZMQ_PAIR);
    zmq_setsockopt(m->socket, ZMQ_LINGER, &zero, sizeof zero);
    if (zmq_bind(m->stop, "inproc://stop") || zmq_connect(m->stopper, "inproc://stop") ||
        zmq_bind(m->socket, endpoint) || pthread_create(&m->thread, NULL, serve, m)) {
        zmq_close(m->socket);
        zmq_close(m->stop);
        zmq_close(m->stopper);
        zmq_ctx_term(m->context);
        free(m);
        return NULL;
    }
    return m;
}

void mock_stop(struct mock *m)
{
    if (!m)
        return;
    zmq_send(m->stopper, "", 0, 0);
    pthread_join(m->thread, NULL);
    zmq_close(m->socket);
    zmq_close(m->stop);
    zmq_close(m->stopper);
    zmq_ctx_term(m->context);
    free(m);
}

unsigned mock_cancels(struct mock *m)
{
    return atomic_load(&m->cancels);
}
