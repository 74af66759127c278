// SPDX-License-Identifier: Apache-2.0
#include "daemon/board.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "daemon/board_memory.h"
#include "daemon/log.h"

#define FAULT_BACKOFF_MIN_NS (2 * NS_PER_S)
#define FAULT_BACKOFF_MAX_NS (60 * NS_PER_S)

enum { FAULTS_TO_REPROGRAM = 2, ATTEMPTS_MAX = 2 };

static void settle(struct board *b);
static void begin_program(struct board *b, struct package *target);
static void pump_golden(struct board *b);

static void hold(struct package **slot, struct package *p)
{
    package_ref(p);
    package_unref(*slot);
    *slot = p;
}

static void enter(struct board *b, enum board_phase phase, const char *reason)
{
    b->phase = phase;
    b->phase_since_ns = now_ns();
    snprintf(b->reason, sizeof b->reason, "%s", reason);
}

// ---- inferences on the board

static struct board_inflight *find_tag(struct board *b, uint32_t tag)
{
    for (int i = 0; i < WIRE_INFLIGHT; i++)
        if (b->inflight[i].used && b->inflight[i].tag == tag)
            return &b->inflight[i];
    return NULL;
}

static void release(struct board *b, struct board_inflight *f)
{
    package_unref(f->package);
    memset(f, 0, sizeof *f);
    b->running--;
}

bool board_has_room(const struct board *b)
{
    return b->phase == BOARD_READY && b->running < b->depth;
}

static int send_window(struct board *b, struct queue_slot *s, int golden, struct package *p,
                       const int8_t *codes)
{
    struct wire_infer m;
    m.window_bytes = (uint32_t)package_window_bytes(p);
    m.outputs = (uint32_t)p->variant->model->shape.outputs;
    memcpy(m.window, codes, m.window_bytes);
    struct board_inflight *f = b->inflight;
    while (f->used) // room was checked: running < depth <= WIRE_INFLIGHT
        f++;
    *f = (struct board_inflight){
        .used = true, .tag = b->next_tag++, .golden = golden, .package = package_ref(p)};
    b->running++;
    if (supervise_send(&b->worker, &m, WIRE_INFER, f->tag, wire_infer_bytes(&m)) < 0)
        return -1; // all of inflight is already released: see on_gone
    f->slot = s;
    return 0;
}

int board_infer(struct board *b, struct queue_slot *s, const int8_t *codes)
{
    return send_window(b, s, -1, b->active, codes);
}

void board_abandon(struct board *b, const struct queue_slot *s)
{
    for (int i = 0; i < WIRE_INFLIGHT; i++)
        if (b->inflight[i].used && b->inflight[i].slot == s)
            b->inflight[i].slot = NULL;
    if (b->load == s)
        b->load = NULL;
}

// Takes every inference back from the board: it will not answer them.
static void take_back(struct board *b, const char *reason)
{
    for (int i = 0; i < WIRE_INFLIGHT; i++) {
        struct board_inflight *f = &b->inflight[i];
        if (!f->used)
            continue;
        struct queue_slot *s = f->slot;
        release(b, f);
        if (s)
            b->calls->unanswered(b->arg, b, s, SERVICE_DEVICE_LOST, reason);
    }
}

// ---- changes of variant

static void end_load(struct board *b, enum service_code code, const char *reason)
{
    if (!b->is_load)
        return;
    struct queue_slot *s = b->load;
    b->is_load = false;
    b->load = NULL;
    b->total_ns = now_ns() - b->load_begin_ns;
    b->calls->loaded(b->arg, b, s, code, reason);
}

static void become_ready(struct board *b, struct package *p)
{
    hold(&b->active, p);
    hold(&b->want, p);
    hold(&b->target, NULL);
    hold(&b->previous, NULL);
    b->depth = b->identity.window_buffers + 1; // one more, so that the fabric never waits for us
    if (b->depth > WIRE_INFLIGHT)
        b->depth = WIRE_INFLIGHT;
    b->faults = 0;
    b->fault_backoff_ns = FAULT_BACKOFF_MIN_NS;
    b->unloaded = b->in_place = false;
    b->trusted = true;
    sched_timer_clear(b->sched, &b->fault_timer);
    enter(b, BOARD_READY, "");
    board_memory_write(b->daemon_conf->run_dir, b->conf->name, p->name);
    log_info("board", "ready board=%s variant=%s hash=%.16s", b->conf->name, p->name,
             p->variant->hash_hex);
}

static void retry_fault(void *arg)
{
    struct board *b = arg;
    if (b->phase == BOARD_FAULT)
        settle(b);
}

static void become_fault(struct board *b, const char *reason)
{
    hold(&b->active, NULL);
    hold(&b->target, NULL);
    hold(&b->previous, NULL);
    enter(b, BOARD_FAULT, reason);
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
        begin_program(b, p);
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
        begin_program(b, previous);
        package_unref(previous);
        return;
    }
    if (!was_restoring && b->previous) {
        struct package *previous = package_ref(b->previous);
        become_ready(b, previous);
        package_unref(previous);
    } else {
        become_fault(b, reason);
    }
    end_load(b, SERVICE_SWAP_FAILED, b->failure);
    b->calls->changed(b->arg, b);
}

static void change_done(struct board *b)
{
    bool restored = b->restoring;
    struct package *p = package_ref(b->target);
    b->restoring = false;
    b->verify_ns = now_ns() - b->phase_since_ns;
    b->swaps += !restored && !b->in_place;
    become_ready(b, p);
    package_unref(p);
    if (restored)
        log_warn("board", "previous variant restored board=%s variant=%s", b->conf->name,
                 b->active->name);
    end_load(b, restored ? SERVICE_SWAP_FAILED : SERVICE_OK, restored ? b->failure : "");
    b->calls->changed(b->arg, b);
}

static void begin_program(struct board *b, struct package *target)
{
    struct wire_program m;
    memset(&m, 0, sizeof m);
    hold(&b->target, target);
    hold(&b->active, NULL);
    b->in_place = b->trusted = false;
    board_memory_forget(b->daemon_conf->run_dir, b->conf->name);
    snprintf(m.variant, sizeof m.variant, "%s", target->name);
    snprintf(m.path, sizeof m.path, "%s", target->bit_path);
    memcpy(m.sha256, target->bit_sha256, sizeof m.sha256);
    memcpy(m.hash, target->variant->hash, sizeof m.hash);
    b->program_tag = b->next_tag++;
    enter(b, BOARD_PROGRAM, b->restoring ? "restoring the previous variant" : "programming");
    log_info("board", "programming board=%s variant=%s%s", b->conf->name, target->name,
             b->restoring ? " restoring=yes" : "");
    supervise_send(&b->worker, &m, WIRE_PROGRAM, b->program_tag, sizeof m);
}

static void after_drain(struct board *b)
{
    struct package *target = package_ref(b->target);
    sched_timer_clear(b->sched, &b->drain_timer);
    b->drain_ns = now_ns() - b->phase_since_ns;
    begin_program(b, target);
    package_unref(target);
}

static void drain_over(void *arg);

// Stops giving the board new work, and programs the target when it has none left.
static void drain(struct board *b)
{
    enter(b, BOARD_DRAIN, "draining");
    sched_timer_clear(b->sched, &b->fault_timer);
    uint64_t limit = ((uint64_t)b->conf->answer_timeout_ms + 1000) * NS_PER_MS;
    sched_timer_set(b->sched, &b->drain_timer, now_ns() + limit, drain_over, b);
    if (!b->running)
        after_drain(b);
}

static void drain_over(void *arg)
{
    struct board *b = arg;
    if (b->phase != BOARD_DRAIN)
        return;
    log_warn("board", "drain took too long board=%s running=%d", b->conf->name, b->running);
    after_drain(b);
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
        end_load(b, SERVICE_OK, "");
        return SERVICE_OK;
    }
    b->restoring = false;
    hold(&b->previous, b->active);
    hold(&b->target, p);
    if (!b->previous)
        hold(&b->want, p);
    drain(b);
    return SERVICE_OK;
}

void board_unload(struct board *b)
{
    hold(&b->want, NULL);
    b->unloaded = true;
    board_memory_forget(b->daemon_conf->run_dir, b->conf->name);
    if (b->phase == BOARD_READY || b->phase == BOARD_FAULT) {
        hold(&b->active, NULL);
        sched_timer_clear(b->sched, &b->fault_timer);
        enter(b, BOARD_IDLE, "unloaded");
    }
    b->calls->changed(b->arg, b);
}

// ---- what the board runs against what it should

// Whether the identity on the link is that of p; says why not.
static bool identity_fits(const struct board *b, const struct package *p, char *why, size_t whycap)
{
    const struct link_identity *id = &b->identity;
    const struct model *m = p->variant->model;
    char hex[2 * VARIANT_HASH_BYTES + 1];
    variant_hex(id->hash, sizeof id->hash, hex);
    if (memcmp(id->hash, p->variant->hash, sizeof id->hash) != 0)
        snprintf(why, whycap, "the board runs %.16s, not %s (%.16s)", hex, p->name,
                 p->variant->hash_hex);
    else if (id->window != m->shape.window || id->features != m->shape.features ||
             id->outputs != m->shape.outputs || id->x_bits != m->bits.x || id->y_bits != m->bits.y)
        snprintf(why, whycap,
                 "identity says %ux%u -> %u, bits %u/%u; %s is %dx%d -> %d, bits %d/%d", id->window,
                 id->features, id->outputs, id->x_bits, id->y_bits, p->name, m->shape.window,
                 m->shape.features, m->shape.outputs, m->bits.x, m->bits.y);
    else if (!id->window_buffers || !id->clock_hz)
        snprintf(why, whycap, "identity says window_buffers=%u clock_hz=%u", id->window_buffers,
                 id->clock_hz);
    else if ((id->origin == LINK_ORIGIN_BOARD) == p->is_virtual)
        snprintf(why, whycap, "identity says origin %s, but %s is a %s bitstream",
                 id->origin == LINK_ORIGIN_BOARD ? "board" : "virtual", p->name,
                 p->is_virtual ? "virtual" : "real");
    else
        return true;
    return false;
}

static void begin_verify(struct board *b)
{
    b->golden_sent = b->golden_good = 0;
    enter(b, BOARD_VERIFY, "running the golden windows");
    pump_golden(b);
}

// The board shows the right identity, but nobody vouches for what it computes.
static void verify_in_place(struct board *b, struct package *p)
{
    log_info("board", "verifying what runs board=%s variant=%s", b->conf->name, p->name);
    hold(&b->target, p);
    b->in_place = true;
    b->restoring = false;
    begin_verify(b);
}

static void adopt(struct board *b)
{
    char why[PACKAGE_REASON_MAX + 1];
    struct package *p = packages_by_hash(b->packages, b->identity.hash);
    if (p && !b->unloaded && board_accepts(b, p, why, sizeof why) == SERVICE_OK &&
        identity_fits(b, p, why, sizeof why)) {
        verify_in_place(b, p);
        return;
    }
    enter(b, BOARD_IDLE, b->unloaded ? "unloaded" : p ? why : "runs a design that is not ours");
}

// The first time that the board is seen: what did it run before this front end was started, what
// does the configuration say?
static void choose_initial(struct board *b)
{
    char name[VARIANT_NAME_MAX + 1];
    if (!b->first_settle)
        return;
    b->first_settle = false;
    b->trusted = board_memory_read(b->daemon_conf->run_dir, b->conf->name, name, sizeof name);
    if (!b->trusted)
        snprintf(name, sizeof name, "%s", b->conf->variant);
    if (*name)
        hold(&b->want, packages_find(b->packages, name));
    if (*name && !b->want)
        log_error("board", "no such variant board=%s variant=%s", b->conf->name, name);
}

// The worker sees the board and nothing is under way: go where the board should be.
static void settle(struct board *b)
{
    char why[PACKAGE_REASON_MAX + 1] = "";
    choose_initial(b);
    if (b->seen == WIRE_ABSENT)
        return;
    if (!b->want) {
        if (b->seen == WIRE_IDENTIFIED)
            adopt(b);
        else
            enter(b, BOARD_IDLE, b->seen == WIRE_SILENT ? "does not answer" : "not configured");
    } else if (board_accepts(b, b->want, why, sizeof why) != SERVICE_OK) {
        become_fault(b, why);
    } else if (b->seen == WIRE_IDENTIFIED && identity_fits(b, b->want, why, sizeof why)) {
        struct package *p = package_ref(b->want);
        if (b->trusted) {
            log_info("board", "attached board=%s variant=%s reprogrammed=no", b->conf->name,
                     p->name);
            become_ready(b, p);
        } else {
            verify_in_place(b, p);
        }
        package_unref(p);
    } else {
        if (b->seen == WIRE_IDENTIFIED)
            log_warn("board", "runs something else board=%s reason=\"%s\"", b->conf->name, why);
        struct package *p = package_ref(b->want);
        b->restoring = false;
        begin_program(b, p);
        package_unref(p);
    }
    b->calls->changed(b->arg, b);
}

static void lose(struct board *b, const char *reason)
{
    if (b->phase != BOARD_ABSENT) {
        b->lost_ns = now_ns();
        log_warn("board", "lost board=%s reason=\"%s\"", b->conf->name, reason);
    }
    b->seen = WIRE_ABSENT;
    b->restoring = false;
    sched_timer_clear(b->sched, &b->drain_timer);
    sched_timer_clear(b->sched, &b->fault_timer);
    enter(b, BOARD_ABSENT, reason);
    hold(&b->active, NULL);
    hold(&b->target, NULL);
    hold(&b->previous, NULL); // want still names it: a failed load leaves want as it was
    take_back(b, reason);
    end_load(b, SERVICE_DEVICE_LOST, reason);
    b->calls->changed(b->arg, b);
}

// ---- packets of the worker

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
    unsigned vendor = 0, product = 0;
    if (sscanf(c->usb_id, "%4x:%4x", &vendor, &product) == 2) {
        m.vendor = (uint16_t)vendor;
        m.product = (uint16_t)product;
    }
    m.jtag_mhz = (uint32_t)c->jtag_mhz;
    m.answer_timeout_ms = (uint32_t)c->answer_timeout_ms;
    m.program_timeout_ms = (uint32_t)c->program_timeout_ms;
    m.allow_virtual = c->allow_virtual;
    m.log_level = (uint32_t)log_level();
    supervise_send(&b->worker, &m, WIRE_CONFIG, 0, sizeof m);
}

static void on_state(struct board *b, const struct wire_state *m)
{
    if (m->state == WIRE_ABSENT) {
        lose(b, *m->reason ? m->reason : "absent");
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
        settle(b);
}

static void on_programmed(struct board *b, const struct wire_programmed *m)
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
    if (!identity_fits(b, b->target, why, sizeof why)) {
        change_failed(b, why, true);
        return;
    }
    begin_verify(b);
}

static void pump_golden(struct board *b)
{
    int depth = b->identity.window_buffers;
    depth = depth > WIRE_INFLIGHT ? WIRE_INFLIGHT : depth;
    struct package *p = b->target;
    while (b->phase == BOARD_VERIFY && b->running < depth && b->golden_sent < p->windows) {
        int i = b->golden_sent++;
        const int8_t *x = p->x + (size_t)i * (size_t)package_window_bytes(p);
        if (send_window(b, NULL, i, p, x) < 0)
            return;
    }
}

static void on_golden(struct board *b, int golden, const struct wire_result *m)
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

// An inference went wrong: after some in a row the FPGA is programmed anew.
static void count_fault(struct board *b, const struct wire_result *m)
{
    log_error("board", "inference failed board=%s reason=\"%s\"", b->conf->name, m->reason);
    if (b->phase != BOARD_READY || ++b->faults < FAULTS_TO_REPROGRAM)
        return;
    log_warn("board", "programming again board=%s faults=%d", b->conf->name, b->faults);
    b->faults = 0;
    b->restoring = false;
    hold(&b->target, b->active);
    drain(b);
}

static void on_result(struct board *b, const struct wire_result *m)
{
    struct board_inflight *f = find_tag(b, m->head.tag);
    if (!f)
        return;
    struct board_inflight done = *f;
    package_ref(done.package);
    release(b, f);
    if (done.golden >= 0) {
        if (b->phase == BOARD_VERIFY && done.package == b->target)
            on_golden(b, done.golden, m);
    } else if (m->status == WIRE_OK) {
        b->faults = 0;
        b->inferences++;
        if (done.slot)
            b->calls->result(b->arg, b, done.slot, done.package, m);
    } else if (m->status == WIRE_RETURNED) {
        if (done.slot)
            b->calls->returned(b->arg, b, done.slot);
    } else {
        enum service_code why = m->status == WIRE_LOST ? SERVICE_DEVICE_LOST : SERVICE_DEVICE_FAULT;
        if (done.slot)
            b->calls->unanswered(b->arg, b, done.slot, why, m->reason);
        if (m->status != WIRE_LOST)
            count_fault(b, m);
    }
    package_unref(done.package);
    if (b->phase == BOARD_DRAIN && !b->running)
        after_drain(b);
    b->calls->changed(b->arg, b);
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
        on_programmed(b, &p->programmed);
        break;
    case WIRE_RESULT:
        on_result(b, &p->result);
        break;
    default:
        break;
    }
}

static void on_gone(void *arg, const char *reason)
{
    char why[PACKAGE_REASON_MAX + 1];
    snprintf(why, sizeof why, "worker %.200s", reason);
    lose(arg, why);
}

// ---- for the front end

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
        hold(slot, p);
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
            hold(&b->want, p);
        settle(b);
    } else if (b->phase == BOARD_IDLE && !b->want && !b->unloaded) {
        b->first_settle = true; // the variant of the configuration may be there now
        settle(b);
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
    b->fault_backoff_ns = FAULT_BACKOFF_MIN_NS;
    b->lost_ns = now_ns();
    enter(b, BOARD_ABSENT, "starting");
    const char *program = *conf->worker ? conf->worker : "/proc/self/exe";
    supervise_start(&b->worker, sched, program, board_conf->name, &worker_calls, b);
}

void board_fini(struct board *b)
{
    sched_timer_clear(b->sched, &b->drain_timer);
    sched_timer_clear(b->sched, &b->fault_timer);
    for (int i = 0; i < WIRE_INFLIGHT; i++)
        if (b->inflight[i].used)
            release(b, &b->inflight[i]);
    struct package **held[] = {&b->active, &b->want, &b->target, &b->previous};
    for (int i = 0; i < 4; i++)
        hold(held[i], NULL);
}
