// SPDX-License-Identifier: Apache-2.0
#include "tools/vboard/usbfs.h"

#include <errno.h>
#include <linux/usbdevice_fs.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>

#include "tools/vboard/log.h"
#include "tools/vboard/usbfs_session.h"

enum { SETUP_BYTES = 8, CONTROL_MAX = 4096, MAX_PENDING = 4096 };

struct urb {
    struct urb *next;
    struct session *session;
    uint64_t name; // the client's
    uint32_t type, endpoint;
    uint8_t *data; // owned
    size_t n, done;
    struct ftdi_in in;
};

static struct usbfs_device *devices[USBFS_MAX_DEVICES];
static size_t device_count;
static size_t pending;

static void urb_free(struct urb *u)
{
    pending--;
    free(u->data);
    free(u);
}

static void complete(struct urb *u, int status, size_t actual, const uint8_t *data, size_t n)
{
    struct usbfs_wire m = {.type = USBFS_WIRE_COMPLETE,
                           .n = (uint32_t)n,
                           .urb = u->name,
                           .status = status,
                           .actual = (int32_t)actual};
    session_send(&u->session->async, &m, data);
    session_wake(u->session);
    urb_free(u);
}

static void append(struct urb **queue, struct urb *u)
{
    while (*queue)
        queue = &(*queue)->next;
    *queue = u;
}

// --- moving data ---

static void pump_out(struct usbfs_device *d, unsigned channel)
{
    struct urb *u;
    while ((u = d->out[channel])) {
        u->done += ftdi_out(d->chip, channel, u->data + u->done, u->n - u->done);
        if (u->done < u->n)
            return; // the chip's buffer is full: NAK
        d->out[channel] = u->next;
        complete(u, 0, u->n, NULL, 0);
    }
}

static void pump_in(struct usbfs_device *d, unsigned channel)
{
    struct urb *u;
    d->timer[channel].due_ns = LOOP_NEVER;
    while ((u = d->in[channel])) {
        uint64_t now = loop_now_ns(), due = LOOP_NEVER;
        if (!u->in.since_ns)
            u->in.since_ns = now;
        if (!ftdi_in(d->chip, channel, &u->in, now, &due)) {
            d->timer[channel].due_ns = due;
            return;
        }
        d->in[channel] = u->next;
        complete(u, 0, u->in.filled, u->data, u->in.filled);
    }
}

// Reading may let a stalled write go on, and writing may bring answers: OUT first, then IN.
static void pump(struct usbfs_device *d, unsigned channel)
{
    if (!d->present || d->pumping[channel]) // the chip reports what the pump itself causes, too
        return;
    d->pumping[channel] = true;
    pump_out(d, channel);
    pump_in(d, channel);
    pump_out(d, channel);
    pump_in(d, channel);
    d->pumping[channel] = false;
}

static void chip_changed(void *ctx, unsigned channel)
{
    pump(ctx, channel);
}

static void timer_due(struct loop_timer *t)
{
    struct usbfs_device *d = t->ctx;
    pump(d, (unsigned)(t - d->timer));
}

// --- what clients ask ---

static bool stall_now(struct usbfs_device *d)
{
    d->transfers++;
    if (!d->faults.stall_after || --d->faults.stall_after)
        return false;
    if (d->faults.stall_count) {
        d->faults.stall_count--;
        d->faults.stall_after = 1;
    }
    d->stalls++;
    log_info("usbfs: transfer stalled by order device=%u", d->number);
    return true;
}

static void submit_bulk(struct usbfs_device *d, struct urb *u)
{
    unsigned channel = ((u->endpoint & 0x0fu) - 1) / 2;
    bool in = u->endpoint & 0x80;
    unsigned expected = in ? 0x81 + 2 * channel : 0x02 + 2 * channel;
    if (channel >= d->chip->channels || u->endpoint != expected) {
        complete(u, -ENOENT, 0, NULL, 0);
        return;
    }
    if (stall_now(d)) {
        append(&d->stalled, u);
        return;
    }
    if (in)
        u->in = (struct ftdi_in){.buffer = u->data, .capacity = u->n};
    append(in ? &d->in[channel] : &d->out[channel], u);
    pump(d, channel);
}

static void submit_control(struct usbfs_device *d, struct urb *u)
{
    uint8_t answer[CONTROL_MAX];
    size_t length = u->data[6] | (size_t)u->data[7] << 8;
    bool in = u->data[0] & 0x80;
    if (length > CONTROL_MAX || length + SETUP_BYTES > u->n) {
        complete(u, -EINVAL, 0, NULL, 0);
        return;
    }
    if (!in)
        memcpy(answer, u->data + SETUP_BYTES, length);
    int r = ftdi_control(d->chip, u->data, answer);
    complete(u, r < 0 ? r : 0, r < 0 ? 0 : (size_t)r, answer, in && r > 0 ? (size_t)r : 0);
}

static void submit(struct session *s, const struct usbfs_wire *m, const uint8_t *data)
{
    struct usbfs_device *d = s->device;
    bool is_control = m->urb_type == USBDEVFS_URB_TYPE_CONTROL;
    size_t n = m->buffer_bytes;
    if (n > USBFS_WIRE_MAX_BYTES || m->n > n || (is_control && m->n < SETUP_BYTES) ||
        pending >= MAX_PENDING) {
        log_error("usbfs: a client sent an impossible transfer of %zu bytes; closed", n);
        s->dead = true;
        return;
    }
    struct urb *u = calloc(1, sizeof *u);
    uint8_t *buffer = calloc(1, n + SETUP_BYTES);
    if (!u || !buffer)
        abort();
    *u = (struct urb){.session = s, .name = m->urb, .type = m->urb_type, .endpoint = m->endpoint};
    u->data = buffer;
    u->n = n;
    pending++;
    if (m->n)
        memcpy(buffer, data, m->n);
    if (!d->present)
        complete(u, -ESHUTDOWN, 0, NULL, 0);
    else if (is_control)
        submit_control(d, u);
    else
        submit_bulk(d, u);
}

// Ends the URBs in a queue that belong to s and have this name (0: all). silent: s is gone.
static bool cancel(struct urb **queue, struct session *s, uint64_t name, int status, bool silent)
{
    bool found = false;
    while (*queue) {
        struct urb *u = *queue;
        if (u->session != s || (name && u->name != name)) {
            queue = &u->next;
            continue;
        }
        *queue = u->next;
        found = true;
        size_t filled = u->in.buffer ? u->in.filled : 0;
        if (silent)
            urb_free(u);
        else
            complete(u, status, u->in.buffer ? filled : u->done, u->data, filled);
    }
    return found;
}

static void cancel_all(struct session *s, uint64_t name, int status, bool silent)
{
    struct usbfs_device *d = s->device;
    cancel(&d->stalled, s, name, status, silent);
    for (unsigned i = 0; i < FTDI_MAX_CHANNELS; i++) {
        cancel(&d->in[i], s, name, status, silent);
        cancel(&d->out[i], s, name, status, silent);
        pump(d, i);
    }
}

static void async_message(struct session *s, const struct usbfs_wire *m, const uint8_t *data)
{
    if (!s->device) // refused
        s->dead = true;
    else if (m->type == USBFS_WIRE_SUBMIT)
        submit(s, m, data);
    else if (m->type == USBFS_WIRE_DISCARD)
        cancel_all(s, m->urb, -ENOENT, false);
    else
        s->dead = true;
}

static int claim(struct usbfs_device *d, struct session *s, const uint8_t *data, size_t n,
                 bool take)
{
    unsigned interface;
    if (n < sizeof interface)
        return -EINVAL;
    memcpy(&interface, data, sizeof interface);
    if (interface >= d->chip->channels)
        return -EINVAL;
    if (take && d->claimed[interface] && d->claimed[interface] != s)
        return -EBUSY;
    if (!take && d->claimed[interface] != s)
        return -EINVAL;
    d->claimed[interface] = take ? s : NULL;
    return 0;
}

static void sync_message(struct session *s, const struct usbfs_wire *m, const uint8_t *data)
{
    struct usbfs_device *d = s->device;
    uint8_t answer[CONTROL_MAX];
    struct usbfs_wire r = {.type = USBFS_WIRE_SYNC_REPLY};
    if (!d) { // refused
        s->dead = true;
        return;
    }
    if (!d->present) {
        r.status = -ENODEV;
    } else if (m->request == (uint32_t)USBDEVFS_CLAIMINTERFACE) {
        r.status = claim(d, s, data, m->n, true);
    } else if (m->request == (uint32_t)USBDEVFS_RELEASEINTERFACE) {
        r.status = claim(d, s, data, m->n, false);
    } else if (m->request == (uint32_t)USBDEVFS_CONTROL) {
        size_t length = m->n >= SETUP_BYTES ? data[6] | (size_t)data[7] << 8 : SIZE_MAX;
        bool in = m->n && data[0] & 0x80;
        if (length > CONTROL_MAX || (!in && m->n != SETUP_BYTES + length)) {
            r.status = -EINVAL;
        } else {
            memcpy(answer, data + SETUP_BYTES, in ? 0 : length);
            r.status = ftdi_control(d->chip, data, answer);
            r.n = in && r.status > 0 ? (uint32_t)r.status : 0;
        }
    } // configuration, alternate setting, halt, reset: nothing to do
    session_send(&s->sync, &r, answer);
}

static int hello(struct session *s, unsigned number)
{
    for (size_t i = 0; i < device_count; i++) {
        struct usbfs_device *d = devices[i];
        if (d->number == number && d->present) {
            s->device = d;
            d->opens++;
            return 0;
        }
    }
    return -ENODEV;
}

static void session_ended(struct session *s)
{
    struct usbfs_device *d = s->device;
    cancel_all(s, 0, 0, true);
    for (unsigned i = 0; i < FTDI_MAX_CHANNELS; i++) {
        if (d->claimed[i] == s)
            d->claimed[i] = NULL;
    }
}

static const struct session_callbacks session_calls = {
    .hello = hello,
    .async_message = async_message,
    .sync_message = sync_message,
    .ended = session_ended,
};

int usbfs_init(const char *dir)
{
    char path[256];
    if (snprintf(path, sizeof path, "%s/%s", dir, USBFS_WIRE_SOCKET) >= (int)sizeof path) {
        errno = ENAMETOOLONG;
        return -1;
    }
    return session_listen(path, &session_calls);
}

void usbfs_fini(void)
{
    session_shutdown();
}

void usbfs_add(struct usbfs_device *d, unsigned number, struct ftdi *chip)
{
    *d = (struct usbfs_device){.number = number, .chip = chip, .present = true};
    chip->changed = chip_changed;
    chip->changed_ctx = d;
    for (unsigned i = 0; i < FTDI_MAX_CHANNELS; i++) {
        d->timer[i] = (struct loop_timer){.due_ns = LOOP_NEVER, .fn = timer_due, .ctx = d};
        loop_add_timer(&d->timer[i]);
    }
    devices[device_count++] = d;
}

void usbfs_unplug(struct usbfs_device *d)
{
    d->present = false;
    for (struct session *s = session_first(); s; s = s->next) {
        if (s->device == d) {
            cancel_all(s, 0, -ESHUTDOWN, false);
            session_hang_up(s);
        }
    }
}

void usbfs_plug(struct usbfs_device *d)
{
    d->present = true;
}
