// SPDX-License-Identifier: Apache-2.0
// From one variant to another: drain, program, verify, and back where that fails.
#include <stdio.h>
#include <string.h>

#include "daemon/board_inside.h"
#include "daemon/board_memory.h"
#include "daemon/log.h"

#define FAULT_BACKOFF_MAX_NS (60 * NS_PER_S)

static void change_failed(struct board *b, const char *reason, bool touched);
static void pump_golden(struct board *b);

void board_end_load(struct board *b, enum service_code code, const char *reason)
{
    if (!b->is_load)
        return;
    struct queue_slot *s = b->load;
    b->is_load = false;
    b->load = NULL;
    b->total_ns = now_ns() - b->load_begin_ns;
    b->calls->loaded(b->arg, b, s, code, reason);
}

void board_become_ready(struct board *b, struct package *p)
{
    board_hold(&b->active, p);
    board_hold(&b->want, p);
    board_hold(&b->target, NULL);
    board_hold(&b->previous, NULL);
    b->depth = b->identity.window_buffers + 1; // one more, so that the fabric never waits for us
    if (b->depth > WIRE_INFLIGHT)
        b->depth = WIRE_INFLIGHT;
    b->faults = 0;
    b->fault_backoff_ns = BOARD_FAULT_BACKOFF_MIN_NS;
    b->unloaded = b->in_place = false;
    b->trusted = true;
    sched_timer_clear(b->sched, &b->fault_timer);
    board_enter(b, BOARD_READY, "");
    board_memory_write(b->daemon_conf->run_dir, b->conf->name, p->name);
    log_info("board", "ready board=%s variant=%s hash=%.16s", b->conf->name, p->name,
             p->variant->hash_hex);
}

static void retry_fault(void *arg)
{
    struct board *b = arg;
    if (b->phase == BOARD_FAULT)
        board_settle(b);
}

void board_become_fault(struct board *b, const char *reason)
{
    board_hold(&b->active, NULL);
    board_hold(&b->target, NULL);
    board_hold(&b->previous, NULL);
    board_enter(b, BOARD_FAULT, reason);
    log_error("board", "fault board=%s reason=\"%s\" again_in_s=%.0f", b->conf->name, reason,
              (double)b->fault_backoff_ns / 1e9);
    sched_timer_set(b->sched, &b->fault_timer, now_ns() + b->fault_backoff_ns, retry_fault, b);
    b->fault_backoff_ns *= 2;
    if (b->fault_backoff_ns > FAULT_BACKOFF_MAX_NS)
        b->fault_backoff_ns = FAULT_BACKOFF_MAX_NS;
}

// The target did not come up. touched: the FPGA no longer runs the previous variant.
static void change_failed(struct board *b, const char *reason, bool touched)
{
    bool was_restoring = b->restoring;
    if (b->in_place) { // it ran already, but wrongly
        struct package *p = package_ref(b->target);
        log_warn("board", "verification failed, programming board=%s reason=\"%s\"", b->conf->name,
                 reason);
        board_begin_program(b, p);
        package_unref(p);
        return;
    }
    log_error("board", "variant refused board=%s variant=%s reason=\"%s\"", b->conf->name,
              b->target ? b->target->name : "", reason);
    b->restoring = false;
    if (!was_restoring && b->is_load)
        snprintf(b->failure, sizeof b->failure, "%s", reason);
    if (!was_restoring && b->previous && touched) {
        struct package *previous = package_ref(b->previous);
        b->restoring = true;
        board_begin_program(b, previous);
        package_unref(previous);
        return;
    }
    if (!was_restoring && b->previous) {
        struct package *previous = package_ref(b->previous);
        board_become_ready(b, previous);
        package_unref(previous);
    } else {
        board_become_fault(b, reason);
    }
    board_end_load(b, SERVICE_SWAP_FAILED, b->failure);
    b->calls->changed(b->arg, b);
}

static void change_done(struct board *b)
{
    bool restored = b->restoring;
    struct package *p = package_ref(b->target);
    b->restoring = false;
    b->verify_ns = now_ns() - b->phase_since_ns;
    b->swaps += !restored && !b->in_place;
    board_become_ready(b, p);
    package_unref(p);
    if (restored)
        log_warn("board", "previous variant restored board=%s variant=%s", b->conf->name,
                 b->active->name);
    board_end_load(b, restored ? SERVICE_SWAP_FAILED : SERVICE_OK, restored ? b->failure : "");
    b->calls->changed(b->arg, b);
}

void board_begin_program(struct board *b, struct package *target)
{
    struct wire_program m;
    memset(&m, 0, sizeof m);
    board_hold(&b->target, target);
    board_hold(&b->active, NULL);
    b->in_place = b->trusted = false;
    board_memory_forget(b->daemon_conf->run_dir, b->conf->name);
    snprintf(m.variant, sizeof m.variant, "%s", target->name);
    snprintf(m.path, sizeof m.path, "%s", target->bit_path);
    memcpy(m.sha256, target->bit_sha256, sizeof m.sha256);
    memcpy(m.hash, target->variant->hash, sizeof m.hash);
    b->program_tag = b->next_tag++;
    board_enter(b, BOARD_PROGRAM, b->restoring ? "restoring the previous variant" : "programming");
    log_info("board", "programming board=%s variant=%s%s", b->conf->name, target->name,
             b->restoring ? " restoring=yes" : "");
    supervise_send(&b->worker, &m, WIRE_PROGRAM, b->program_tag, sizeof m);
}

void board_after_drain(struct board *b)
{
    struct package *target = package_ref(b->target);
    sched_timer_clear(b->sched, &b->drain_timer);
    b->drain_ns = now_ns() - b->phase_since_ns;
    board_begin_program(b, target);
    package_unref(target);
}

static void drain_over(void *arg)
{
    struct board *b = arg;
    if (b->phase != BOARD_DRAIN)
        return;
    log_warn("board", "drain took too long board=%s running=%d", b->conf->name, b->running);
    board_after_drain(b);
}

// Stops giving the board new work, and programs the target when it has none left.
void board_drain(struct board *b)
{
    board_enter(b, BOARD_DRAIN, "draining");
    sched_timer_clear(b->sched, &b->fault_timer);
    board_stop_burst(b, SERVICE_BURST_YIELDED);
    uint64_t limit = ((uint64_t)b->conf->answer_timeout_ms + 1000) * NS_PER_MS;
    sched_timer_set(b->sched, &b->drain_timer, now_ns() + limit, drain_over, b);
    if (!b->running)
        board_after_drain(b);
}

enum service_code board_accepts(const struct board *b, const struct package *p, char *why,
                                size_t whycap)
{
    const char *name = b->conf->name;
    if (!p->available)
        snprintf(why, whycap, "%s is not usable: %.200s", p->name, p->reason);
    else if (strcmp(p->part, b->conf->part) != 0)
        snprintf(why, whycap, "%s is built for %s, board %s has %s", p->name, p->part, name,
                 b->conf->part);
    else if (p->is_virtual && !b->conf->allow_virtual)
        snprintf(why, whycap, "%s is a virtual bitstream and board %s has allow_virtual = no",
                 p->name, name);
    else
        return SERVICE_OK;
    return SERVICE_SWAP_FAILED;
}

enum service_code board_load(struct board *b, struct package *p, struct queue_slot *s, char *why,
                             size_t whycap)
{
    enum service_code code = board_accepts(b, p, why, whycap);
    if (code != SERVICE_OK)
        return code;
    if (b->phase == BOARD_ABSENT) {
        snprintf(why, whycap, "board %s is absent: %.180s", b->conf->name, b->reason);
        return SERVICE_DEVICE_LOST;
    }
    if (b->phase == BOARD_DRAIN || b->phase == BOARD_PROGRAM || b->phase == BOARD_VERIFY) {
        snprintf(why, whycap, "board %s is being programmed with %s", b->conf->name,
                 b->target->name);
        return SERVICE_NOT_READY;
    }
    b->is_load = true;
    b->load = s;
    b->load_begin_ns = now_ns();
    b->drain_ns = b->program_ns = b->verify_ns = 0;
    if (b->phase == BOARD_READY && b->active == p) {
        board_end_load(b, SERVICE_OK, "");
        return SERVICE_OK;
    }
    b->restoring = false;
    board_hold(&b->previous, b->active);
    board_hold(&b->target, p);
    if (!b->previous)
        board_hold(&b->want, p);
    board_drain(b);
    return SERVICE_OK;
}

void board_unload(struct board *b)
{
    board_hold(&b->want, NULL);
    b->unloaded = true;
    board_memory_forget(b->daemon_conf->run_dir, b->conf->name);
    if (b->phase == BOARD_READY || b->phase == BOARD_FAULT) {
        board_hold(&b->active, NULL);
        sched_timer_clear(b->sched, &b->fault_timer);
        board_enter(b, BOARD_IDLE, "unloaded");
    }
    b->calls->changed(b->arg, b);
}

static void pump_golden(struct board *b)
{
    int depth = b->identity.window_buffers;
    depth = depth > WIRE_INFLIGHT ? WIRE_INFLIGHT : depth;
    struct package *p = b->target;
    while (b->phase == BOARD_VERIFY && b->running < depth && b->golden_sent < p->windows) {
        int i = b->golden_sent++;
        const int8_t *x = p->x + (size_t)i * (size_t)package_window_bytes(p);
        if (board_send_window(b, NULL, i, p, x) < 0)
            return;
    }
}

static void begin_verify(struct board *b)
{
    b->golden_sent = b->golden_good = 0;
    board_enter(b, BOARD_VERIFY, "running the golden windows");
    pump_golden(b);
}

// The board shows the right identity, but nobody vouches for what it computes.
void board_verify_in_place(struct board *b, struct package *p)
{
    log_info("board", "verifying what runs board=%s variant=%s", b->conf->name, p->name);
    board_hold(&b->target, p);
    b->in_place = true;
    b->restoring = false;
    begin_verify(b);
}

void board_on_programmed(struct board *b, const struct wire_programmed *m)
{
    char why[PACKAGE_REASON_MAX + 1];
    if (b->phase != BOARD_PROGRAM || m->head.tag != b->program_tag)
        return;
    b->program_ns = now_ns() - b->phase_since_ns;
    if (!m->ok) {
        change_failed(b, m->reason, m->touched);
        return;
    }
    if (link_identity_decode(m->identity, sizeof m->identity, &b->identity) < 0) {
        change_failed(b, "identity registers are not ours", true);
        return;
    }
    b->seen = WIRE_IDENTIFIED;
    if (!board_identity_fits(b, b->target, why, sizeof why)) {
        change_failed(b, why, true);
        return;
    }
    begin_verify(b);
}

void board_on_golden(struct board *b, int golden, const struct wire_result *m)
{
    char why[PACKAGE_REASON_MAX + 1];
    struct package *p = b->target;
    int outputs = p->variant->model->shape.outputs;
    const int16_t *want = p->y + (size_t)golden * (size_t)outputs;
    if (m->status != WIRE_OK) {
        snprintf(why, sizeof why, "golden window %d: %.180s", golden, m->reason);
        change_failed(b, why, true);
        return;
    }
    for (int k = 0; k < outputs; k++) {
        if (m->outputs == (uint32_t)outputs && m->y[k] == want[k])
            continue;
        snprintf(why, sizeof why, "golden window %d: y[%d] is %d, must be %d", golden, k, m->y[k],
                 want[k]);
        change_failed(b, why, true);
        return;
    }
    if (++b->golden_good == p->windows)
        change_done(b);
    else
        pump_golden(b);
}
