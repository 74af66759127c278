// SPDX-License-Identifier: Apache-2.0
#include "daemon/channel.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>

#include "daemon/log.h"

enum {
    STATUS_BYTES = 2, // modem and line status before each packet's data
    USB_TIMEOUT_MS = 500,
    LATENCY_MS = 16, // the design flushes by SIWU#: nothing waits for this timer
    EXIT_WEDGED = 3,
};

static void die(struct channel *c, const char *what, int code)
{
    if (c->dead)
        return;
    c->dead = true;
    snprintf(c->why_dead, sizeof c->why_dead, "%s: %s", what, libusb_error_name(code));
}

static const char *status_text(enum libusb_transfer_status s)
{
    switch (s) {
    case LIBUSB_TRANSFER_NO_DEVICE:
        return "unplugged";
    case LIBUSB_TRANSFER_STALL:
        return "stalled";
    case LIBUSB_TRANSFER_TIMED_OUT:
        return "timed out";
    case LIBUSB_TRANSFER_OVERFLOW:
        return "overflow";
    default:
        return "transfer failed";
    }
}

static void die_of(struct channel *c, enum libusb_transfer_status s)
{
    if (!c->dead)
        snprintf(c->why_dead, sizeof c->why_dead, "%s", status_text(s));
    c->dead = true;
}

static void LIBUSB_CALL on_read(struct libusb_transfer *t)
{
    struct channel *c = t->user_data;
    int index = 0;
    while (c->reads[index] != t)
        index++;
    c->reading[index] = false;
    if (t->status == LIBUSB_TRANSFER_COMPLETED) {
        uint64_t now = now_ns();
        size_t n = (size_t)t->actual_length, packet = c->ftdi->max_packet_size;
        c->heard_ns = now;
        for (size_t at = 0; at < n; at += packet) {
            size_t have = n - at < packet ? n - at : packet;
            if (have > STATUS_BYTES && !c->quiet)
                c->calls->received(c->arg, t->buffer + at + STATUS_BYTES, have - STATUS_BYTES, now);
        }
    } else if (t->status != LIBUSB_TRANSFER_CANCELLED) {
        die_of(c, t->status);
    }
    if (c->quiet || c->dead)
        return;
    int r = libusb_submit_transfer(t);
    c->reading[index] = r == 0;
    if (r < 0)
        die(c, "read", r);
}

static void LIBUSB_CALL on_written(struct libusb_transfer *t)
{
    struct channel_write *w = t->user_data;
    struct channel *c = w->owner;
    w->busy = false;
    if (t->status == LIBUSB_TRANSFER_COMPLETED && t->actual_length == t->length)
        c->calls->written(c->arg, w->tag, now_ns());
    else if (t->status != LIBUSB_TRANSFER_CANCELLED && t->status != LIBUSB_TRANSFER_TIMED_OUT)
        die_of(c, t->status); // a write that timed out shows as an answer that does not come
}

void channel_pump(struct channel *c, uint64_t max_wait_ns)
{
    struct timeval t = {(time_t)(max_wait_ns / NS_PER_S),
                        (suseconds_t)(max_wait_ns % NS_PER_S / 1000)};
    int r = libusb_handle_events_timeout_completed(c->ftdi->usb_ctx, &t, NULL);
    if (r < 0 && r != LIBUSB_ERROR_INTERRUPTED)
        die(c, "events", r);
}

static void on_usb_fd(void *arg, short revents)
{
    (void)revents;
    channel_pump(arg, 0);
}

static void LIBUSB_CALL fd_added(int fd, short events, void *arg)
{
    struct channel *c = arg;
    sched_fd_add(c->sched, fd, events, on_usb_fd, c);
}

static void LIBUSB_CALL fd_removed(int fd, void *arg)
{
    struct channel *c = arg;
    sched_fd_del(c->sched, fd);
}

static void watch_fds(struct channel *c)
{
    const struct libusb_pollfd **fds = libusb_get_pollfds(c->ftdi->usb_ctx);
    for (int i = 0; fds && fds[i]; i++)
        fd_added(fds[i]->fd, fds[i]->events, c);
    libusb_free_pollfds(fds);
    libusb_set_pollfd_notifiers(c->ftdi->usb_ctx, fd_added, fd_removed, c);
}

static int alloc_transfers(struct channel *c)
{
    for (int i = 0; i < CHANNEL_READS; i++)
        if (!(c->reads[i] = libusb_alloc_transfer(0)))
            return -1;
    for (int i = 0; i < CHANNEL_WRITES; i++) {
        c->writes[i].owner = c;
        if (!(c->writes[i].transfer = libusb_alloc_transfer(0)))
            return -1;
    }
    return 0;
}

static int set_up(struct channel *c)
{
    struct ftdi_context *f = c->ftdi;
    f->usb_read_timeout = f->usb_write_timeout = USB_TIMEOUT_MS;
    int r = ftdi_set_bitmode(f, 0, BITMODE_RESET); // FIFO mode itself is set in the EEPROM
    return r < 0 ? r : ftdi_set_latency_timer(f, LATENCY_MS);
}

int channel_open(struct channel *c, struct sched *sched, uint16_t vendor, uint16_t product,
                 const char *serial, const struct channel_calls *calls, void *arg, char *why,
                 size_t whycap)
{
    memset(c, 0, sizeof *c);
    c->sched = sched;
    c->calls = calls;
    c->arg = arg;
    c->quiet = true;
    c->heard_ns = now_ns();
    c->ftdi = ftdi_new();
    if (!c->ftdi) {
        snprintf(why, whycap, "libftdi does not start");
        return -1;
    }
    ftdi_set_interface(c->ftdi, INTERFACE_B);
    if (ftdi_usb_open_desc(c->ftdi, vendor, product, NULL, serial) < 0) {
        snprintf(why, whycap, "%s %04x:%04x: %s", serial, vendor, product,
                 ftdi_get_error_string(c->ftdi));
        ftdi_free(c->ftdi);
        c->ftdi = NULL;
        return -1;
    }
    watch_fds(c);
    if (alloc_transfers(c) == 0 && set_up(c) == 0)
        return 0;
    snprintf(why, whycap, "%s: %s", serial, ftdi_get_error_string(c->ftdi));
    channel_close(c);
    return -1;
}

static bool any_pending(const struct channel *c)
{
    bool pending = false;
    for (int i = 0; i < CHANNEL_READS; i++)
        pending |= c->reading[i];
    for (int i = 0; i < CHANNEL_WRITES; i++)
        pending |= c->writes[i].busy;
    return pending;
}

void channel_hush(struct channel *c)
{
    c->quiet = true;
    for (int i = 0; i < CHANNEL_READS; i++)
        if (c->reading[i])
            libusb_cancel_transfer(c->reads[i]);
    for (int i = 0; i < CHANNEL_WRITES; i++)
        if (c->writes[i].busy)
            libusb_cancel_transfer(c->writes[i].transfer);
    uint64_t until = now_ns() + NS_PER_S;
    while (any_pending(c)) {
        if (now_ns() > until) {
            log_error("usb", "transfers cannot be cancelled, giving up the process");
            _Exit(EXIT_WEDGED);
        }
        channel_pump(c, 20 * NS_PER_MS);
    }
}

void channel_close(struct channel *c)
{
    if (!c->ftdi)
        return;
    channel_hush(c);
    for (int i = 0; i < CHANNEL_READS; i++)
        libusb_free_transfer(c->reads[i]);
    for (int i = 0; i < CHANNEL_WRITES; i++)
        libusb_free_transfer(c->writes[i].transfer);
    libusb_set_pollfd_notifiers(c->ftdi->usb_ctx, NULL, NULL, NULL);
    const struct libusb_pollfd **fds = libusb_get_pollfds(c->ftdi->usb_ctx);
    for (int i = 0; fds && fds[i]; i++)
        sched_fd_del(c->sched, fds[i]->fd);
    libusb_free_pollfds(fds);
    ftdi_usb_close(c->ftdi);
    ftdi_free(c->ftdi);
    c->ftdi = NULL;
}

int channel_listen(struct channel *c)
{
    // libftdi names its endpoints from the chip's side: out_ep is where we read.
    c->quiet = false;
    for (int i = 0; i < CHANNEL_READS && !c->dead; i++) {
        if (c->reading[i])
            continue;
        libusb_fill_bulk_transfer(c->reads[i], c->ftdi->usb_dev, (unsigned char)c->ftdi->out_ep,
                                  c->read_bytes[i], CHANNEL_READ_BYTES, on_read, c, 0);
        int r = libusb_submit_transfer(c->reads[i]);
        c->reading[i] = r == 0;
        if (r < 0)
            die(c, "read", r);
    }
    return c->dead ? -1 : 0;
}

int channel_purge(struct channel *c)
{
    int r = ftdi_tcioflush(c->ftdi);
    if (r < 0)
        die(c, "purge", LIBUSB_ERROR_IO);
    return r < 0 ? -1 : 0;
}

int channel_send(struct channel *c, uint32_t tag, const uint8_t *data, size_t n)
{
    struct channel_write *w = c->writes;
    while (w < c->writes + CHANNEL_WRITES && w->busy)
        w++;
    if (c->dead || w == c->writes + CHANNEL_WRITES || n > sizeof w->bytes)
        return -1;
    w->tag = tag;
    memcpy(w->bytes, data, n);
    libusb_fill_bulk_transfer(w->transfer, c->ftdi->usb_dev, (unsigned char)c->ftdi->in_ep,
                              w->bytes, (int)n, on_written, w, 0);
    int r = libusb_submit_transfer(w->transfer);
    w->busy = r == 0;
    if (r < 0)
        die(c, "write", r);
    return r < 0 ? -1 : 0;
}

void channel_check(struct channel *c, uint64_t now)
{
    unsigned short status;
    if (c->dead || c->quiet || now - c->heard_ns < NS_PER_S)
        return;
    c->heard_ns = now;
    if (ftdi_poll_modem_status(c->ftdi, &status) < 0)
        die(c, "sign of life", LIBUSB_ERROR_NO_DEVICE);
}

int channel_fifo_mode(struct channel *c)
{
    int type = 0;
    if (ftdi_read_eeprom(c->ftdi) < 0 || ftdi_eeprom_decode(c->ftdi, 0) < 0 ||
        ftdi_get_eeprom_value(c->ftdi, CHANNEL_B_TYPE, &type) < 0)
        return -1;
    return type == CHANNEL_IS_FIFO;
}
