// SPDX-License-Identifier: Apache-2.0
#include "daemon/board.h"

#include <stdio.h>
#include <string.h>

#include "daemon/board_inside.h"
#include "daemon/log.h"

enum { FAULTS_TO_REPROGRAM = 2 };

static void take_usb_id(const char *text, uint16_t *vendor, uint16_t *product)
{
    unsigned v = 0, p = 0;
    if (sscanf(text, "%4x:%4x", &v, &p) == 2) {
        *vendor = (uint16_t)v;
        *product = (uint16_t)p;
    }
}

static void fill_meter(struct wire_config *m, const struct conf_board *c)
{
    char why[8];
    snprintf(m->meter, sizeof m->meter, "%s", c->meter);
    snprintf(m->meter_serial, sizeof m->meter_serial, "%s", c->meter_serial);
    take_usb_id(c->meter_usb_id, &m->meter_vendor, &m->meter_product);
    m->meter_address = (uint32_t)c->meter_address;
    if (*c->rails) // checked when the configuration was read
        meter_rails_parse(&m->rails, c->rails, why, sizeof why);
}

static void on_hello(struct board *b)
{
    struct wire_config m;
    const struct conf_board *c = b->conf;
    memset(&m, 0, sizeof m);
    snprintf(m.board, sizeof m.board, "%s", c->name);
    snprintf(m.serial, sizeof m.serial, "%s", c->serial);
    snprintf(m.part, sizeof m.part, "%s", c->part);
    snprintf(m.cable, sizeof m.cable, "%s", c->cable);
    snprintf(m.loader, sizeof m.loader, "%s", b->daemon_conf->loader);
    snprintf(m.run_dir, sizeof m.run_dir, "%s", b->daemon_conf->run_dir);
    take_usb_id(c->usb_id, &m.vendor, &m.product);
    m.jtag_mhz = (uint32_t)c->jtag_mhz;
    m.answer_timeout_ms = (uint32_t)c->answer_timeout_ms;
    m.program_timeout_ms = (uint32_t)c->program_timeout_ms;
    m.allow_virtual = c->allow_virtual;
    m.log_level = (uint32_t)log_level();
    fill_meter(&m, c);
    supervise_send(&b->worker, &m, WIRE_CONFIG, 0, sizeof m);
}

static void on_state(struct board *b, const struct wire_state *m)
{
    if (m->state == WIRE_ABSENT) {
        board_lose(b, *m->reason ? m->reason : "absent");
        return;
    }
    b->seen = (enum wire_board_state)m->state;
    if (b->seen == WIRE_IDENTIFIED &&
        link_identity_decode(m->identity, sizeof m->identity, &b->identity) < 0)
        b->seen = WIRE_SILENT;
    log_info("board", "seen board=%s state=%s %s", b->conf->name,
             b->seen == WIRE_IDENTIFIED     ? "identified"
             : b->seen == WIRE_UNCONFIGURED ? "unconfigured"
                                            : "silent",
             m->reason);
    if (b->phase == BOARD_ABSENT || b->phase == BOARD_READY || b->phase == BOARD_IDLE)
        board_settle(b);
}

// An inference went wrong: after some in a row the FPGA is programmed anew.
static void count_fault(struct board *b, const struct wire_result *m)
{
    log_error("board", "inference failed board=%s reason=\"%s\"", b->conf->name, m->reason);
    if (b->phase != BOARD_READY || ++b->faults < FAULTS_TO_REPROGRAM)
        return;
    log_warn("board", "programming again board=%s faults=%d", b->conf->name, b->faults);
    b->faults = 0;
    b->restoring = false;
    board_hold(&b->target, b->active);
    board_drain(b);
}

static void on_result(struct board *b, const struct wire_result *m)
{
    struct board_inflight *f = board_find_tag(b, m->head.tag);
    if (!f)
        return;
    struct board_inflight done = *f;
    package_ref(done.package);
    board_release(b, f);
    if (done.golden >= 0) {
        if (b->phase == BOARD_VERIFY && done.package == b->target)
            board_on_golden(b, done.golden, m);
    } else if (m->status == WIRE_OK) {
        b->faults = 0;
        b->inferences += 1 + m->burst.runs;
        b->burst_end = m->burst.stopped                  ? done.stop
                       : m->burst.runs < done.least_runs ? SERVICE_BURST_LIMIT
                                                         : SERVICE_BURST_DONE;
        if (done.slot)
            b->calls->result(b->arg, b, done.slot, done.package, m);
    } else if (m->status == WIRE_RETURNED) {
        if (done.slot)
            b->calls->returned(b->arg, b, done.slot);
    } else if (m->status == WIRE_REFUSED) {
        if (done.slot)
            b->calls->unanswered(b->arg, b, done.slot, SERVICE_BAD_REQUEST, m->reason);
    } else {
        enum service_code why = m->status == WIRE_LOST ? SERVICE_DEVICE_LOST : SERVICE_DEVICE_FAULT;
        if (done.slot)
            b->calls->unanswered(b->arg, b, done.slot, why, m->reason);
        if (m->status != WIRE_LOST)
            count_fault(b, m);
    }
    package_unref(done.package);
    if (b->phase == BOARD_DRAIN && !b->running)
        board_after_drain(b);
    b->calls->changed(b->arg, b);
}

// Idle is a window in which the board was ready and nothing was sent to it, ran or was answered, or
// the rest before a burst.
static void on_power(struct board *b, const struct wire_power *m)
{
    bool idle = b->phase == BOARD_READY && !b->running && b->phase_since_ns < m->power.begin_ns &&
                b->worked_ns < m->power.begin_ns;
    bool good = true;
    for (int i = 0; i < m->rails.n; i++)
        good &= m->power.rail[i].gap == MEASURED_NO_GAP;
    if (m->window == WIRE_WINDOW_BURST)
        b->burst_power = *m;
    if (m->window == WIRE_WINDOW_LEAD) {
        b->lead_power = *m;
        idle = b->phase == BOARD_READY; // the worker saw to that
    }
    if (m->power.rail[0].gap == MEASURED_NO_METER) // reading pauses
        return;
    b->power = *m;
    meter_log_add(&b->power_log, m);
    if (idle && good)
        b->idle = *m;
}

static void on_packet(void *arg, const union wire_packet *p)
{
    struct board *b = arg;
    switch (p->head.type) {
    case WIRE_HELLO:
        on_hello(b);
        break;
    case WIRE_STATE:
        on_state(b, &p->state);
        break;
    case WIRE_PROGRAMMED:
        board_on_programmed(b, &p->programmed);
        break;
    case WIRE_RESULT:
        on_result(b, &p->result);
        b->worked_ns = now_ns();
        break;
    case WIRE_POWER:
        on_power(b, &p->power);
        break;
    default:
        break;
    }
}

static void on_gone(void *arg, const char *reason)
{
    struct board *b = arg;
    b->power.rails.n = b->idle.rails.n = 0;
    b->burst_power.rails.n = b->lead_power.rails.n = 0;
    b->power_paused_ns = 0;
    char why[PACKAGE_REASON_MAX + 1];
    snprintf(why, sizeof why, "worker %.200s", reason);
    board_lose(arg, why);
}

void board_pause_power(struct board *b, uint64_t until_ns)
{
    struct wire_meter m = {.until_ns = until_ns};
    b->power_paused_ns = until_ns;
    supervise_send(&b->worker, &m, WIRE_METER, 0, sizeof m);
}

void board_prospects(const struct board *b, const struct package *out[2])
{
    out[0] = b->want;
    out[1] = b->target && b->target != b->want ? b->target : NULL;
    if (b->previous && b->previous != b->want) // a first load over an adopted variant
        out[0] = b->previous;
}

bool board_lost_for_long(const struct board *b, uint64_t now)
{
    return b->phase == BOARD_ABSENT &&
           now - b->lost_ns >= (uint64_t)b->daemon_conf->return_grace_ms * NS_PER_MS;
}

static void renew(struct board *b, struct package **slot)
{
    struct package *p = *slot ? packages_find(b->packages, (*slot)->name) : NULL;
    if (p && p != *slot && p->available && (*slot)->available &&
        memcmp(p->variant->hash, (*slot)->variant->hash, VARIANT_HASH_BYTES) == 0)
        board_hold(slot, p);
}

void board_packages_changed(struct board *b)
{
    if (b->phase == BOARD_READY || b->phase == BOARD_FAULT || b->phase == BOARD_ABSENT ||
        b->phase == BOARD_IDLE) { // not while a change compares pointers
        renew(b, &b->active);
        renew(b, &b->want);
    }
    if (b->phase == BOARD_FAULT && b->want) { // a package may have been mended
        struct package *p = packages_find(b->packages, b->want->name);
        if (p)
            board_hold(&b->want, p);
        board_settle(b);
    } else if (b->phase == BOARD_IDLE && !b->want && !b->unloaded) {
        b->first_settle = true; // the variant of the configuration may be there now
        board_settle(b);
    }
}

void board_init(struct board *b, const struct conf *conf, const struct conf_board *board_conf,
                struct sched *sched, struct packages *packages, const struct board_calls *calls,
                void *arg)
{
    static const struct supervise_calls worker_calls = {on_packet, on_gone};
    memset(b, 0, sizeof *b);
    b->conf = board_conf;
    b->daemon_conf = conf;
    b->sched = sched;
    b->packages = packages;
    b->calls = calls;
    b->arg = arg;
    b->first_settle = true;
    b->next_tag = 1;
    b->fault_backoff_ns = BOARD_FAULT_BACKOFF_MIN_NS;
    b->lost_ns = now_ns();
    board_enter(b, BOARD_ABSENT, "starting");
    const char *program = *conf->worker ? conf->worker : "/proc/self/exe";
    supervise_start(&b->worker, sched, program, board_conf->name, &worker_calls, b);
}

void board_fini(struct board *b)
{
    sched_timer_clear(b->sched, &b->drain_timer);
    sched_timer_clear(b->sched, &b->fault_timer);
    for (int i = 0; i < WIRE_INFLIGHT; i++)
        if (b->inflight[i].used)
            board_release(b, &b->inflight[i]);
    struct package **held[] = {&b->active, &b->want, &b->target, &b->previous};
    for (int i = 0; i < 4; i++)
        board_hold(held[i], NULL);
}
