// SPDX-License-Identifier: Apache-2.0
#include "tools/vboard/fifo.h"

#include <assert.h>
#include <string.h>

#include "tools/vboard/loop.h"

void fifo_init(struct fifo *f)
{
    memset(f, 0, sizeof *f);
    f->noise = 0x2545f491u;
}

void fifo_fini(struct fifo *f)
{
    bytes_fini(&f->to_device);
    bytes_fini(&f->to_host);
}

static uint8_t noise_byte(struct fifo *f) // xorshift32: the same noise in every run
{
    f->noise ^= f->noise << 13;
    f->noise ^= f->noise >> 17;
    f->noise ^= f->noise << 5;
    return (uint8_t)f->noise;
}

static void append_faulty(struct fifo *f, enum fifo_direction d, struct bytes *q,
                          const uint8_t *data, size_t n)
{
    struct fifo_fault *fault = &f->fault[d];
    if (!fault->lose && !fault->corrupt && !fault->insert) {
        bytes_append(q, data, n);
        return;
    }
    for (size_t i = 0; i < n; i++) {
        for (; fault->insert; fault->insert--) {
            uint8_t b = noise_byte(f);
            bytes_append(q, &b, 1);
        }
        uint8_t b = data[i];
        if (fault->lose) {
            fault->lose--;
            continue;
        }
        if (fault->corrupt) {
            fault->corrupt--;
            b = (uint8_t)~b;
        }
        bytes_append(q, &b, 1);
    }
}

size_t fifo_write(struct fifo *f, const uint8_t *data, size_t n)
{
    size_t held = bytes_length(&f->to_device), room = held < FIFO_BYTES ? FIFO_BYTES - held : 0;
    if (n > room)
        n = room;
    if (!n)
        return 0;
    append_faulty(f, FIFO_TO_DEVICE, &f->to_device, data, n);
    f->to_device_bytes += n;
    if (f->pins_written)
        f->pins_written(f->pins_ctx);
    return n;
}

// n bytes left to_host: room for as many from the device, less what never came from it.
static void give_credit(struct fifo *f, size_t n)
{
    size_t noise = n < f->surplus ? n : f->surplus;
    f->surplus -= noise;
    if (n > noise && f->pins_taken)
        f->pins_taken(f->pins_ctx, n - noise);
}

void fifo_take(struct fifo *f, uint8_t *out, size_t n)
{
    if (!n)
        return;
    bytes_take(&f->to_host, out, n);
    f->flushed = f->flushed > n ? f->flushed - n : 0;
    f->to_host_since_ns = loop_now_ns();
    give_credit(f, n);
}

void fifo_purge(struct fifo *f, enum fifo_direction d)
{
    if (d == FIFO_TO_DEVICE) {
        // what was sent goes when the engine confirms that it dropped it
        f->to_device.tail = f->to_device.head + f->sent;
    } else {
        size_t n = bytes_length(&f->to_host);
        bytes_clear(&f->to_host);
        f->flushed = 0;
        give_credit(f, n);
    }
    if (f->pins_purge)
        f->pins_purge(f->pins_ctx, d);
    else if (d == FIFO_TO_DEVICE)
        bytes_clear(&f->to_device);
    if (f->changed)
        f->changed(f->changed_ctx);
}

const uint8_t *fifo_unsent(const struct fifo *f, size_t *n)
{
    *n = bytes_length(&f->to_device) - f->sent;
    return bytes_front(&f->to_device) + f->sent;
}

void fifo_sent(struct fifo *f, size_t n)
{
    f->sent += n;
    assert(f->sent <= bytes_length(&f->to_device));
}

void fifo_read(struct fifo *f, size_t n)
{
    if (n > f->sent) // an engine must not return more credit than it was given bytes
        n = f->sent;
    f->sent -= n;
    bytes_drop(&f->to_device, n);
    if (n && f->changed)
        f->changed(f->changed_ctx);
}

void fifo_disconnected(struct fifo *f)
{
    f->sent = 0;
    f->surplus = 0;
}

void fifo_from_device(struct fifo *f, const uint8_t *data, size_t n, bool flush)
{
    if (n && !bytes_length(&f->to_host))
        f->to_host_since_ns = loop_now_ns();
    size_t before = bytes_length(&f->to_host);
    append_faulty(f, FIFO_TO_HOST, &f->to_host, data, n);
    size_t appended = bytes_length(&f->to_host) - before;
    f->to_host_bytes += n;
    if (appended > n)
        f->surplus += appended - n;
    else
        give_credit(f, n - appended); // lost on the way
    if (flush)
        f->flushed = bytes_length(&f->to_host);
    if (f->changed)
        f->changed(f->changed_ctx);
}
