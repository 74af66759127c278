// SPDX-License-Identifier: Apache-2.0
// A worker without a board, for tests of the front end: speaks wire.h, computes with the golden
// model, and misbehaves as the file STANDIN_CONTROL says (read before each packet), words of:
//   absent          the board is not there            mute        PROGRAM is never answered
//   slow=MS         each inference takes that long     hang        INFER is never answered
//   frozen          stops altogether                   die=infer   ends on the next INFER
//   fail=program    PROGRAM fails after touching       refuse      PROGRAM fails, FPGA untouched
//   wrong=identity  shows another hash after PROGRAM   wrong=y     last output off by one
//   fault           every INFER fails                  die=program ends during PROGRAM
//   old             its design knows no bursts; others take a millisecond a run
// What it "configured" lives in STANDIN_STATE, as it does in a real board, so that another worker
// finds it. STANDIN_PACKAGES is the folder of packages.
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "daemon/sched.h"
#include "daemon/wire.h"
#include "protocol/link.h"
#include "tools/model/variant.h"

static struct {
    char words[256];
    struct variant *variant;
    struct model_trace *trace;
    int absent; // as last told
    struct wire_infer queue[WIRE_INFLIGHT];
    uint64_t since[WIRE_INFLIGHT];
    int queued;
    bool stopped; // the burst that runs
} me;

static void read_text(const char *path, char *out, size_t cap)
{
    int fd = path ? open(path, O_RDONLY | O_CLOEXEC) : -1;
    ssize_t n = fd >= 0 ? read(fd, out, cap - 1) : 0;
    out[n > 0 ? n : 0] = '\0';
    if (fd >= 0)
        close(fd);
}

static void write_state(const char *name)
{
    int fd = open(getenv("STANDIN_STATE"), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (fd < 0 || write(fd, name, strlen(name)) < 0)
        exit(9);
    close(fd);
}

static int told_to(const char *word)
{
    return strstr(me.words, word) != NULL;
}

static void identity_of(const struct variant *v, uint8_t out[LINK_IDENTITY_BYTES])
{
    const struct model *m = v->model;
    struct link_identity id;
    memset(&id, 0, sizeof id);
    memcpy(id.hash, v->hash, sizeof id.hash);
    id.map_version = 1;
    id.flags = LINK_ORIGIN_VIRTUAL;
    id.origin = LINK_ORIGIN_VIRTUAL;
    id.window = (uint16_t)m->shape.window;
    id.features = (uint16_t)m->shape.features;
    id.outputs = (uint16_t)m->shape.outputs;
    id.x_bits = (uint8_t)m->bits.x;
    id.y_bits = (uint8_t)m->bits.y;
    id.window_buffers = 2;
    id.layers = (uint8_t)m->shape.layers;
    id.heads = (uint8_t)m->shape.heads;
    id.clock_hz = 100000000;
    if (told_to("wrong=identity"))
        id.hash[31] ^= 1;
    link_identity_encode(&id, out);
}

static int configure(const char *name)
{
    char path[512], why[256];
    variant_free(me.variant);
    model_trace_free(me.trace);
    me.trace = NULL;
    snprintf(path, sizeof path, "%s/%s", getenv("STANDIN_PACKAGES"), name);
    me.variant = *name ? variant_load(path, why, sizeof why) : NULL;
    if (me.variant)
        me.trace = model_trace_new(&me.variant->model->shape);
    return me.variant ? 0 : -1;
}

static void send_or_end(void *packet, uint32_t type, uint32_t tag, size_t n)
{
    if (wire_send(WIRE_FD, packet, type, tag, n) < 0)
        exit(0);
}

static void tell_state(void)
{
    struct wire_state m;
    char name[64];
    memset(&m, 0, sizeof m);
    me.absent = told_to("absent");
    if (me.absent) {
        m.state = WIRE_ABSENT;
        snprintf(m.reason, sizeof m.reason, "told to be absent");
    } else {
        read_text(getenv("STANDIN_STATE"), name, sizeof name);
        m.state = configure(name) == 0 ? WIRE_IDENTIFIED : WIRE_UNCONFIGURED;
        if (me.variant)
            identity_of(me.variant, m.identity);
    }
    send_or_end(&m, WIRE_STATE, 0, sizeof m);
}

static void program(const struct wire_program *p)
{
    struct wire_programmed m;
    memset(&m, 0, sizeof m);
    if (told_to("mute"))
        return;
    if (told_to("die=program"))
        _exit(1);
    m.program_ns = 1000000;
    if (told_to("refuse")) {
        snprintf(m.reason, sizeof m.reason, "told to refuse");
    } else if (told_to("fail=program") && told_to(p->variant)) {
        m.touched = 1;
        write_state("");
        configure("");
        snprintf(m.reason, sizeof m.reason, "DONE stayed low");
    } else {
        m.ok = m.touched = 1;
        write_state(p->variant);
        if (configure(p->variant) < 0)
            _exit(2);
        identity_of(me.variant, m.identity);
    }
    send_or_end(&m, WIRE_PROGRAMMED, p->head.tag, sizeof m);
}

static bool is_burst(const struct wire_infer *i)
{
    return i->repeat || i->burst_s > 0;
}

static uint32_t runs_of(const struct wire_infer *i)
{
    return i->repeat ? i->repeat : (uint32_t)(i->burst_s * 1000);
}

static uint32_t runs_done(void)
{
    uint64_t done = (now_ns() - me.since[0]) / NS_PER_MS;
    uint32_t all = runs_of(&me.queue[0]);
    return done < all ? (uint32_t)done : all;
}

static bool burst_goes_on(const struct wire_infer *i)
{
    return is_burst(i) && !told_to("old") && !me.stopped && now_ns() < i->until_ns &&
           runs_done() < runs_of(i);
}

static void fill_burst(struct wire_result *m, const struct wire_infer *i)
{
    if (told_to("old")) {
        m->status = WIRE_REFUSED;
        snprintf(m->reason, sizeof m->reason, "knows no bursts");
        return;
    }
    m->burst.runs = runs_done();
    m->burst.stopped = m->burst.runs < runs_of(i);
    m->burst.busy_cycles = m->burst.cycles = (uint64_t)m->burst.runs * m->cycles;
}

static void finish_infer(const struct wire_infer *i)
{
    struct wire_result m;
    memset(&m, 0, sizeof m);
    m.outputs = i->outputs;
    m.sent_ns = m.written_ns = now_ns();
    if (told_to("fault") || !me.variant) {
        m.status = WIRE_FAULT;
        snprintf(m.reason, sizeof m.reason, "told to fault");
    } else {
        model_run(me.variant->model, i->window, me.trace);
        memcpy(m.y, model_trace_get(me.trace, MODEL_Y, 0), i->outputs * sizeof m.y[0]);
        m.y[i->outputs - 1] = (int16_t)(m.y[i->outputs - 1] + told_to("wrong=y"));
        m.cycles = 1234;
    }
    if (is_burst(i))
        fill_burst(&m, i);
    m.first_ns = m.last_ns = now_ns();
    send_or_end(&m, WIRE_RESULT, i->head.tag, sizeof m);
}

// As a worker must: what came before is answered before.
static void give_up_queue(void)
{
    for (int i = 0; i < me.queued; i++) {
        struct wire_result m;
        memset(&m, 0, sizeof m);
        m.status = WIRE_TIMEOUT;
        snprintf(m.reason, sizeof m.reason, "programmed meanwhile");
        send_or_end(&m, WIRE_RESULT, me.queue[i].head.tag, sizeof m);
    }
    me.queued = 0;
}

static int slow_ms(void)
{
    const char *at = strstr(me.words, "slow=");
    return at ? (int)strtol(at + 5, NULL, 10) : 0;
}

static void run_queue(void)
{
    while (me.queued && !told_to("hang") &&
           now_ns() >= me.since[0] + (uint64_t)slow_ms() * NS_PER_MS &&
           !burst_goes_on(&me.queue[0])) {
        struct wire_infer first = me.queue[0];
        finish_infer(&first);
        me.stopped = false;
        me.queued--;
        memmove(me.queue, me.queue + 1, (size_t)me.queued * sizeof me.queue[0]);
        memmove(me.since, me.since + 1, (size_t)me.queued * sizeof me.since[0]);
        me.since[0] = now_ns();
    }
}

static void take(const union wire_packet *p)
{
    if (p->head.type == WIRE_CONFIG) {
        tell_state();
    } else if (p->head.type == WIRE_PROGRAM) {
        give_up_queue();
        program(&p->program);
    } else if (p->head.type == WIRE_INFER) {
        if (told_to("die=infer"))
            _exit(1);
        if (me.queued == WIRE_INFLIGHT)
            exit(8); // the front end broke the contract
        me.since[me.queued] = now_ns();
        me.queue[me.queued++] = p->infer;
    } else if (p->head.type == WIRE_STOP) {
        me.stopped = me.queued && p->head.tag == me.queue[0].head.tag;
    }
}

int main(void)
{
    struct wire_hello hello = {.pid = getpid()};
    uint64_t alive_ns = 0;
    send_or_end(&hello, WIRE_HELLO, 0, sizeof hello);
    for (;;) {
        struct pollfd fd = {.fd = WIRE_FD, .events = POLLIN};
        union wire_packet p;
        int wait = me.queued ? 1 : 20;
        poll(&fd, 1, wait);
        read_text(getenv("STANDIN_CONTROL"), me.words, sizeof me.words);
        while (told_to("frozen"))
            poll(NULL, 0, 100);
        int r;
        while ((r = wire_recv(WIRE_FD, &p)) > 0)
            take(&p);
        if (r < 0)
            return 0;
        if (me.absent != told_to("absent"))
            tell_state();
        if (!me.absent)
            run_queue();
        if (now_ns() - alive_ns > WIRE_ALIVE_MS * NS_PER_MS / 2) {
            struct wire_alive alive;
            send_or_end(&alive, WIRE_ALIVE, 0, sizeof alive);
            alive_ns = now_ns();
        }
    }
}
