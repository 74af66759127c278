// SPDX-License-Identifier: Apache-2.0
#include "tools/vboard/mpsse.h"

// Bits of a shift command (bit 7 = 0). Bits 0 and 2 choose clock edges; here a bit is a clock, and
// data is written before and read after the clock rises.
enum {
    SHIFT_BITS = 0x02,
    SHIFT_LSB = 0x08,
    SHIFT_WRITE = 0x10,
    SHIFT_READ = 0x20,
    SHIFT_TMS = 0x40
};

enum {
    SET_LOW = 0x80,
    GET_LOW = 0x81,
    SET_HIGH = 0x82,
    GET_HIGH = 0x83,
    LOOPBACK_ON = 0x84,
    LOOPBACK_OFF = 0x85,
    SET_DIVISOR = 0x86,
    SEND_IMMEDIATE = 0x87,
    WAIT_HIGH = 0x88,
    WAIT_LOW = 0x89,
    DIV5_OFF = 0x8a,
    DIV5_ON = 0x8b,
    THREE_PHASE_ON = 0x8c,
    THREE_PHASE_OFF = 0x8d,
    CLOCK_BITS = 0x8e,
    CLOCK_BYTES = 0x8f,
    CLOCK_WAIT_HIGH = 0x94,
    CLOCK_WAIT_LOW = 0x95,
    ADAPTIVE_ON = 0x96,
    ADAPTIVE_OFF = 0x97,
    CLOCK_BYTES_OR_HIGH = 0x9c,
    CLOCK_BYTES_OR_LOW = 0x9d,
    DRIVE_ONLY_ZERO = 0x9e,
    BAD_COMMAND = 0xfa,
};

void mpsse_init(struct mpsse *m, int (*clock)(void *ctx, int tms, int tdi), void *ctx)
{
    *m = (struct mpsse){.clock = clock, .ctx = ctx};
}

static void keep_pin(struct mpsse *m, uint8_t pin, int level)
{
    m->low = (uint8_t)(level ? m->low | pin : m->low & ~pin);
}

// What the chip puts on the low byte's pins now; returns their levels.
static uint8_t drive(struct mpsse *m)
{
    uint8_t driven = (uint8_t)(m->low | ~m->low_direction);
    if (!m->lines)
        return driven;
    uint8_t levels = m->lines(m->ctx, driven);
    m->contentions += (m->low & m->low_direction & ~m->only_zero & ~levels) != 0;
    return levels;
}

void mpsse_forget(struct mpsse *m)
{
    m->have = 0;
    m->bytes_left = 0;
}

void mpsse_reset(struct mpsse *m)
{
    mpsse_forget(m);
    m->loopback = false;
    m->low = m->low_direction = m->high = m->high_direction = 0;
    m->only_zero = 0;
    drive(m);
}

// One clock on a shared bus: data changes with or before the clock's first edge, is sampled after
// the edge that raises it. The clock rests where the host has put its pin.
static int pulse_lines(struct mpsse *m, int tdi)
{
    uint8_t rest = m->low & MPSSE_TCK, sampled;
    keep_pin(m, MPSSE_TDI, tdi);
    m->low &= (uint8_t)~MPSSE_TCK;
    drive(m);
    m->low |= MPSSE_TCK;
    sampled = drive(m);
    if (!rest) {
        m->low &= (uint8_t)~MPSSE_TCK;
        drive(m);
    }
    return (sampled & MPSSE_TDO) != 0;
}

static int pulse(struct mpsse *m, int tms, int tdi)
{
    m->clocks++;
    if (m->loopback)
        return tdi;
    if (m->lines)
        return pulse_lines(m, tdi);
    return m->clock ? m->clock(m->ctx, tms, tdi) : 1;
}

// Shifts count bits (1..8) of data; the answer is aligned as the chip does it: LSB first fills from
// bit 7 down, MSB first from bit 0 up.
static uint8_t shift(struct mpsse *m, uint8_t op, uint8_t data, unsigned count)
{
    int tms = (m->low & MPSSE_TMS) != 0, held = (m->low & MPSSE_TDI) != 0, tdi = held;
    unsigned answer = 0;
    for (unsigned i = 0; i < count; i++) {
        if (op & SHIFT_WRITE)
            tdi = op & SHIFT_LSB ? (data >> i) & 1 : (data >> (7 - i)) & 1;
        unsigned tdo = (unsigned)pulse(m, tms, tdi);
        answer = op & SHIFT_LSB ? answer >> 1 | tdo << 7 : (answer << 1 | tdo) & 0xff;
    }
    keep_pin(m, MPSSE_TDI, tdi);
    return (uint8_t)answer;
}

// TMS command: bits 6..0 are TMS levels, bit 7 is the level of TDI meanwhile.
static uint8_t shift_tms(struct mpsse *m, uint8_t data, unsigned count)
{
    int tdi = data >> 7, tms = 0;
    unsigned answer = 0;
    for (unsigned i = 0; i < count; i++) {
        tms = (data >> i) & 1;
        answer = answer >> 1 | (unsigned)pulse(m, tms, tdi) << 7;
    }
    keep_pin(m, MPSSE_TMS, tms);
    keep_pin(m, MPSSE_TDI, tdi);
    return (uint8_t)answer;
}

static void idle_clocks(struct mpsse *m, uint32_t count)
{
    int tms = (m->low & MPSSE_TMS) != 0, tdi = (m->low & MPSSE_TDI) != 0;
    for (uint32_t i = 0; i < count; i++)
        pulse(m, tms, tdi);
}

// Length of a command's header: everything but the data of a byte shift. 0: no such command.
static size_t header_bytes(const struct mpsse *m, uint8_t op)
{
    if (!(op & 0x80)) {
        if (op & SHIFT_TMS)
            return (op & SHIFT_BITS) && (op & SHIFT_LSB) && !(op & SHIFT_WRITE) ? 3 : 0;
        if (!(op & (SHIFT_WRITE | SHIFT_READ)))
            return 0;
        if (op & SHIFT_BITS)
            return op & SHIFT_WRITE ? 3 : 2;
        return 3;
    }
    switch (op) {
    case SET_LOW:
    case SET_HIGH:
    case SET_DIVISOR:
    case CLOCK_BYTES:
    case CLOCK_BYTES_OR_HIGH:
    case CLOCK_BYTES_OR_LOW:
        return 3;
    case DRIVE_ONLY_ZERO:
        return m->has_drive_only_zero ? 3 : 0;
    case CLOCK_BITS:
        return 2;
    case GET_LOW:
    case GET_HIGH:
    case LOOPBACK_ON:
    case LOOPBACK_OFF:
    case SEND_IMMEDIATE:
    case WAIT_HIGH: // the GPIO lines that these wait for are not connected: no wait
    case WAIT_LOW:
    case DIV5_OFF:
    case DIV5_ON:
    case THREE_PHASE_ON:
    case THREE_PHASE_OFF:
    case CLOCK_WAIT_HIGH:
    case CLOCK_WAIT_LOW:
    case ADAPTIVE_ON:
    case ADAPTIVE_OFF:
        return 1;
    default:
        return 0;
    }
}

static void answer_byte(struct bytes *out, uint8_t b)
{
    bytes_append(out, &b, 1);
}

static uint32_t length16(const struct mpsse *m)
{
    return m->command[1] + ((uint32_t)m->command[2] << 8) + 1;
}

static void run_shift(struct mpsse *m, struct bytes *out)
{
    uint8_t op = m->command[0], answer;
    unsigned count = (m->command[1] & 7u) + 1;
    if (op & SHIFT_TMS) {
        answer = shift_tms(m, m->command[2], count > 7 ? 7 : count);
    } else if (op & SHIFT_BITS) {
        answer = shift(m, op, m->command[2], count);
    } else {
        m->bytes_left = length16(m);
        return;
    }
    if (op & SHIFT_READ)
        answer_byte(out, answer);
}

// A complete header is in m->command.
static void run_command(struct mpsse *m, struct bytes *out, bool *flush)
{
    uint8_t op = m->command[0];
    if (!(op & 0x80)) {
        run_shift(m, out);
        return;
    }
    switch (op) {
    case SET_LOW:
        m->low = m->command[1];
        m->low_direction = m->command[2];
        drive(m);
        break;
    case SET_HIGH:
        m->high = m->command[1];
        m->high_direction = m->command[2];
        break;
    case GET_LOW: // inputs are pulled up
        answer_byte(out, drive(m));
        break;
    case DRIVE_ONLY_ZERO:
        m->only_zero = m->command[1];
        break;
    case GET_HIGH:
        answer_byte(out, (uint8_t)((m->high & m->high_direction) | (uint8_t)~m->high_direction));
        break;
    case LOOPBACK_ON:
    case LOOPBACK_OFF:
        m->loopback = op == LOOPBACK_ON;
        break;
    case SEND_IMMEDIATE:
        *flush = true;
        break;
    case CLOCK_BITS:
        idle_clocks(m, (m->command[1] & 7u) + 1);
        break;
    case CLOCK_BYTES:
    case CLOCK_BYTES_OR_HIGH:
    case CLOCK_BYTES_OR_LOW:
        idle_clocks(m, 8 * length16(m));
        break;
    default: // clock rate and edge settings: no time is modelled per clock
        break;
    }
}

static void begin_command(struct mpsse *m, uint8_t op, struct bytes *out)
{
    if (!header_bytes(m, op)) {
        m->bad_commands++;
        answer_byte(out, BAD_COMMAND);
        answer_byte(out, op);
        return;
    }
    m->command[0] = op;
    m->have = 1;
}

size_t mpsse_run(struct mpsse *m, const uint8_t *data, size_t n, struct bytes *out, bool *flush)
{
    size_t used = 0;
    while (bytes_length(out) < MPSSE_ANSWER_BYTES) {
        if (m->bytes_left) { // data phase of a byte shift
            uint8_t op = m->command[0], d = 0;
            if (op & SHIFT_WRITE) {
                if (used == n)
                    break;
                d = data[used++];
            }
            m->bytes_left--;
            uint8_t answer = shift(m, op, d, 8);
            if (op & SHIFT_READ)
                answer_byte(out, answer);
            continue;
        }
        if (used == n)
            break;
        if (!m->have)
            begin_command(m, data[used++], out);
        else
            m->command[m->have++] = data[used++];
        if (m->have && m->have == header_bytes(m, m->command[0])) {
            m->have = 0;
            run_command(m, out, flush);
        }
    }
    return used;
}
