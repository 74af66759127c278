// SPDX-License-Identifier: Apache-2.0
// What the board runs against what it should run.
#include <stdio.h>
#include <string.h>

#include "daemon/board_inside.h"
#include "daemon/board_memory.h"
#include "daemon/log.h"

void board_hold(struct package **slot, struct package *p)
{
    package_ref(p);
    package_unref(*slot);
    *slot = p;
}

void board_enter(struct board *b, enum board_phase phase, const char *reason)
{
    b->phase = phase;
    b->phase_since_ns = now_ns();
    if (phase != BOARD_READY) // idle is the variant that runs, in peace
        b->idle.rails.n = 0;
    snprintf(b->reason, sizeof b->reason, "%s", reason);
}

// Whether the identity on the link is that of p; says why not.
bool board_identity_fits(const struct board *b, const struct package *p, char *why, size_t whycap)
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

static void adopt(struct board *b)
{
    char why[PACKAGE_REASON_MAX + 1];
    struct package *p = packages_by_hash(b->packages, b->identity.hash);
    if (p && !b->unloaded && board_accepts(b, p, why, sizeof why) == SERVICE_OK &&
        board_identity_fits(b, p, why, sizeof why)) {
        board_verify_in_place(b, p);
        return;
    }
    board_enter(b, BOARD_IDLE,
                b->unloaded ? "unloaded"
                : p         ? why
                            : "runs a design that is not ours");
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
        board_hold(&b->want, packages_find(b->packages, name));
    if (*name && !b->want)
        log_error("board", "no such variant board=%s variant=%s", b->conf->name, name);
}

// The worker sees the board and nothing is under way: go where the board should be.
void board_settle(struct board *b)
{
    char why[PACKAGE_REASON_MAX + 1] = "";
    choose_initial(b);
    if (b->seen == WIRE_ABSENT)
        return;
    if (!b->want) {
        if (b->seen == WIRE_IDENTIFIED)
            adopt(b);
        else
            board_enter(b, BOARD_IDLE,
                        b->seen == WIRE_SILENT ? "does not answer" : "not configured");
    } else if (board_accepts(b, b->want, why, sizeof why) != SERVICE_OK) {
        board_become_fault(b, why);
    } else if (b->seen == WIRE_IDENTIFIED && board_identity_fits(b, b->want, why, sizeof why)) {
        struct package *p = package_ref(b->want);
        if (b->trusted) {
            log_info("board", "attached board=%s variant=%s reprogrammed=no", b->conf->name,
                     p->name);
            board_become_ready(b, p);
        } else {
            board_verify_in_place(b, p);
        }
        package_unref(p);
    } else {
        if (b->seen == WIRE_IDENTIFIED)
            log_warn("board", "runs something else board=%s reason=\"%s\"", b->conf->name, why);
        struct package *p = package_ref(b->want);
        b->restoring = false;
        board_begin_program(b, p);
        package_unref(p);
    }
    b->calls->changed(b->arg, b);
}

void board_lose(struct board *b, const char *reason)
{
    if (b->phase != BOARD_ABSENT) {
        b->lost_ns = now_ns();
        log_warn("board", "lost board=%s reason=\"%s\"", b->conf->name, reason);
    }
    b->seen = WIRE_ABSENT;
    b->restoring = false;
    sched_timer_clear(b->sched, &b->drain_timer);
    sched_timer_clear(b->sched, &b->fault_timer);
    board_enter(b, BOARD_ABSENT, reason);
    board_hold(&b->active, NULL);
    board_hold(&b->target, NULL);
    board_hold(&b->previous, NULL); // want still names it: a failed load leaves want as it was
    board_take_back(b, reason);
    board_end_load(b, SERVICE_DEVICE_LOST, reason);
    b->calls->changed(b->arg, b);
}
