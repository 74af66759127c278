// SPDX-License-Identifier: Apache-2.0
#include "tools/vboard/ftdi.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "tools/vboard/loop.h"

enum { // vendor requests
    REQUEST_RESET = 0x00,
    REQUEST_MODEM_CONTROL = 0x01,
    REQUEST_FLOW_CONTROL = 0x02,
    REQUEST_BAUD_RATE = 0x03,
    REQUEST_LINE = 0x04,
    REQUEST_MODEM_STATUS = 0x05,
    REQUEST_EVENT_CHAR = 0x06,
    REQUEST_ERROR_CHAR = 0x07,
    REQUEST_SET_LATENCY = 0x09,
    REQUEST_GET_LATENCY = 0x0a,
    REQUEST_SET_BITMODE = 0x0b,
    REQUEST_READ_PINS = 0x0c,
    REQUEST_READ_EEPROM = 0x90,
    REQUEST_WRITE_EEPROM = 0x91,
    REQUEST_ERASE_EEPROM = 0x92,
};
enum { RESET_ALL = 0, RESET_PURGE_OUT = 1, RESET_PURGE_IN = 2 };
enum { DEFAULT_LATENCY_MS = 16, NS_PER_MS = 1000000 };

// Modem status and line status that precede the data of every packet: CTS, DSR and "transmitter
// empty", high-speed chip.
static const uint8_t packet_status[FTDI_STATUS_BYTES] = {0x32, 0x60};

static void fifo_changed(void *ctx)
{
    struct ftdi_channel *c = ctx;
    if (c->chip->changed)
        c->chip->changed(c->chip->changed_ctx, c->index);
}

static void channel_power_up(struct ftdi_channel *c)
{
    c->mode = FTDI_MODE_RESET;
    c->pins_mask = 0;
    c->latency_ms = DEFAULT_LATENCY_MS;
    mpsse_reset(&c->mpsse);
    bytes_clear(&c->answers);
    c->answers_flushed = 0;
}

void ftdi_init(struct ftdi *f, enum ftdi_kind kind, const char *serial, bool fifo_b)
{
    memset(f, 0, sizeof *f);
    f->kind = kind;
    snprintf(f->serial, sizeof f->serial, "%s", serial);
    bool dual = kind == FTDI_FT2232H;
    f->product_id = dual ? 0x6010 : 0x6014;
    f->release = dual ? 0x0700 : 0x0900;
    f->channels = dual ? 2 : 1;
    snprintf(f->product, sizeof f->product, "sevencast virtual %s", dual ? "board" : "meter");
    for (unsigned i = 0; i < f->channels; i++) {
        struct ftdi_channel *c = &f->channel[i];
        c->chip = f;
        c->index = i;
        c->eeprom_fifo = fifo_b && i == 1;
        mpsse_init(&c->mpsse, NULL, NULL);
        c->mpsse.has_drive_only_zero = !dual;
        fifo_init(&c->fifo);
        c->fifo.changed = fifo_changed;
        c->fifo.changed_ctx = c;
        channel_power_up(c);
    }
    struct eeprom_content e = {.product_id = f->product_id,
                               .release = f->release,
                               .manufacturer = "FTDI",
                               .product = f->product,
                               .serial = f->serial,
                               .has_channel_b = dual,
                               .fifo_b = fifo_b};
    eeprom_build(&e, f->eeprom);
}

void ftdi_fini(struct ftdi *f)
{
    for (unsigned i = 0; i < f->channels; i++) {
        bytes_fini(&f->channel[i].answers);
        fifo_fini(&f->channel[i].fifo);
    }
}

void ftdi_power_cycle(struct ftdi *f)
{
    for (unsigned i = 0; i < f->channels; i++) {
        channel_power_up(&f->channel[i]);
        fifo_purge(&f->channel[i].fifo, FIFO_TO_DEVICE);
        fifo_purge(&f->channel[i].fifo, FIFO_TO_HOST);
    }
}

static bool is_fifo(const struct ftdi_channel *c)
{
    return c->mode == FTDI_MODE_RESET && c->eeprom_fifo;
}

// --- data ---

static size_t mpsse_out(struct ftdi_channel *c, const uint8_t *data, size_t n)
{
    if (c->chip->faults.mpsse_mute)
        return n;
    bool flush = false, was_empty = !bytes_length(&c->answers);
    size_t used = mpsse_run(&c->mpsse, data, n, &c->answers, &flush);
    if (was_empty)
        c->answers_since_ns = loop_now_ns();
    if (flush)
        c->answers_flushed = bytes_length(&c->answers);
    return used;
}

size_t ftdi_out(struct ftdi *f, unsigned channel, const uint8_t *data, size_t n)
{
    struct ftdi_channel *c = &f->channel[channel];
    size_t used = n; // a UART with nothing on its pins: bytes leave and are gone
    if (c->mode == FTDI_MODE_MPSSE)
        used = mpsse_out(c, data, n);
    else if (is_fifo(c))
        used = fifo_write(&c->fifo, data, n);
    c->out_bytes += used;
    return used;
}

static size_t waiting(const struct ftdi_channel *c, size_t *flushed, uint64_t *since_ns)
{
    if (c->mode == FTDI_MODE_MPSSE) {
        *flushed = c->answers_flushed;
        *since_ns = c->answers_since_ns;
        return bytes_length(&c->answers);
    }
    *flushed = is_fifo(c) ? c->fifo.flushed : 0;
    *since_ns = c->fifo.to_host_since_ns;
    return is_fifo(c) ? bytes_length(&c->fifo.to_host) : 0;
}

static void take(struct ftdi_channel *c, uint8_t *out, size_t n)
{
    if (!n)
        return;
    if (c->mode != FTDI_MODE_MPSSE) {
        fifo_take(&c->fifo, out, n);
        return;
    }
    bytes_take(&c->answers, out, n);
    c->answers_flushed = c->answers_flushed > n ? c->answers_flushed - n : 0;
    mpsse_out(c, NULL, 0); // a stalled read goes on
}

static void put_packet(struct ftdi_channel *c, struct ftdi_in *in, size_t n, uint64_t now_ns)
{
    uint8_t *p = in->buffer + in->filled;
    memcpy(p, packet_status, FTDI_STATUS_BYTES);
    take(c, p + FTDI_STATUS_BYTES, n);
    in->filled += FTDI_STATUS_BYTES + n;
    c->in_packets++;
    c->in_bytes += n;
    c->last_packet_ns = now_ns;
}

static uint64_t latest(uint64_t a, uint64_t b)
{
    return a > b ? a : b;
}

bool ftdi_in(struct ftdi *f, unsigned channel, struct ftdi_in *in, uint64_t now_ns,
             uint64_t *due_ns)
{
    struct ftdi_channel *c = &f->channel[channel];
    const uint64_t latency_ns = (uint64_t)c->latency_ms * NS_PER_MS;
    const size_t full = FTDI_PACKET_BYTES - FTDI_STATUS_BYTES;
    while (in->capacity - in->filled >= FTDI_STATUS_BYTES) {
        size_t room = in->capacity - in->filled - FTDI_STATUS_BYTES, flushed;
        uint64_t since_ns;
        size_t n = waiting(c, &flushed, &since_ns);
        if (room > full)
            room = full;
        if (n >= room && n) {
            put_packet(c, in, room, now_ns);
            continue;
        }
        // The timer runs since the last packet; an empty packet is only sent while the host asks.
        uint64_t due = latest(c->last_packet_ns, n ? since_ns : in->since_ns) + latency_ns;
        if (flushed || now_ns >= due) {
            put_packet(c, in, n, now_ns);
            return true;
        }
        *due_ns = due;
        return false;
    }
    return true;
}

// --- control requests ---

static void purge(struct ftdi_channel *c, enum fifo_direction d)
{
    if (d == FIFO_TO_DEVICE) {
        mpsse_forget(&c->mpsse);
    } else {
        bytes_clear(&c->answers);
        c->answers_flushed = 0;
    }
    fifo_purge(&c->fifo, d);
}

static void set_bitmode(struct ftdi_channel *c, uint16_t value)
{
    c->mode = (uint8_t)(value >> 8);
    c->pins_mask = (uint8_t)value;
    mpsse_reset(&c->mpsse);
    bytes_clear(&c->answers);
    c->answers_flushed = 0;
}

// Requests without a data stage; 0 or -EPIPE.
static int channel_command(struct ftdi_channel *c, uint8_t request, uint16_t value)
{
    switch (request) {
    case REQUEST_RESET:
        if (value > RESET_PURGE_IN)
            return -EPIPE;
        if (value != RESET_PURGE_IN)
            purge(c, FIFO_TO_DEVICE);
        if (value != RESET_PURGE_OUT)
            purge(c, FIFO_TO_HOST);
        return 0;
    case REQUEST_MODEM_CONTROL: // a UART with nothing on its pins
    case REQUEST_FLOW_CONTROL:
    case REQUEST_BAUD_RATE:
    case REQUEST_LINE:
    case REQUEST_EVENT_CHAR:
    case REQUEST_ERROR_CHAR:
        return 0;
    case REQUEST_SET_LATENCY:
        c->latency_ms = (uint8_t)value ? (uint8_t)value : 1;
        return 0;
    case REQUEST_SET_BITMODE:
        set_bitmode(c, value);
        return 0;
    default:
        return -EPIPE;
    }
}

// Requests that answer; bytes in out (at most 2), or -EPIPE.
static int channel_query(const struct ftdi_channel *c, uint8_t request, uint8_t out[2])
{
    switch (request) {
    case REQUEST_MODEM_STATUS:
        memcpy(out, packet_status, FTDI_STATUS_BYTES);
        return FTDI_STATUS_BYTES;
    case REQUEST_GET_LATENCY:
        out[0] = c->latency_ms;
        return 1;
    case REQUEST_READ_PINS:
        out[0] = c->mpsse.low;
        return 1;
    default:
        return -EPIPE;
    }
}

static int vendor_request(struct ftdi *f, const uint8_t setup[8], uint8_t out[2])
{
    bool in = setup[0] & 0x80;
    uint8_t request = setup[1];
    uint16_t value = (uint16_t)(setup[2] | setup[3] << 8),
             index = (uint16_t)(setup[4] | setup[5] << 8);
    if (request == REQUEST_READ_EEPROM && in) {
        uint16_t w = f->eeprom[index % EEPROM_WORDS];
        out[0] = (uint8_t)w;
        out[1] = (uint8_t)(w >> 8);
        return 2;
    }
    if (request == REQUEST_WRITE_EEPROM && !in) {
        f->eeprom[index % EEPROM_WORDS] = value; // takes effect at power-up; nothing here reads it
        return 0;
    }
    if (request == REQUEST_ERASE_EEPROM && !in) {
        memset(f->eeprom, 0xff, sizeof f->eeprom);
        return 0;
    }
    unsigned n = index & 0xff; // 0 and 1 = A, 2 = B
    n = n ? n - 1 : 0;
    if (n >= f->channels)
        return -EPIPE;
    return in ? channel_query(&f->channel[n], request, out)
              : channel_command(&f->channel[n], request, value);
}

int ftdi_control(struct ftdi *f, const uint8_t setup[8], uint8_t *data)
{
    enum { KIND_MASK = 0x60, KIND_VENDOR = 0x40 };
    uint8_t answer[256];
    size_t length = setup[6] | (size_t)setup[7] << 8;
    f->control_requests++;
    int n = (setup[0] & KIND_MASK) == KIND_VENDOR
                ? vendor_request(f, setup, answer)
                : ftdi_standard_request(f, setup, answer, sizeof answer);
    if (n < 0)
        return n;
    if (!(setup[0] & 0x80))
        return (int)length;
    if ((size_t)n > length)
        n = (int)length;
    memcpy(data, answer, (size_t)n);
    return n;
}
