// SPDX-License-Identifier: Apache-2.0
// The cases of top_tb: "top_cases script PROTOCOL.md SEED OUT" writes the bench's script,
// "top_cases check PROTOCOL.md SEED IN" runs the same cases again and compares what came back with
// what they expect, byte for byte. The device is the stand-in of rtl/sys/test/standin.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "protocol/link.h"
#include "protocol/test/examples.h"
#include "rtl/sys/test/link_cases.h"
#include "tests/support/random.h"

enum { WINDOW = 3, FEATURES = 2, SIZE = WINDOW * FEATURES, OUTPUTS = 2, HEADS = 2 };
enum { D_MODEL = 4, D_FF = 40, X_MIN = -8, X_MAX = 7, WEDGE = -8, DRIFT = -8 };
static const char *protocol_path;
static struct rng rng;
static uint32_t inferences, dropped, resets, last_cycles;

static void expect_error_at(int line, uint16_t seq, enum link_error code, uint8_t type,
                            unsigned detail)
{
    uint8_t payload[4] = {(uint8_t)code, type};
    put16(payload + 2, detail);
    expect_at(line, LINK_ERROR, seq, payload, sizeof payload);
    dropped += code == LINK_BAD_CRC || code == LINK_BAD_VERSION || code == LINK_BAD_LENGTH;
}
#define expect_error(...) expect_error_at(__LINE__, __VA_ARGS__)

// ---- the stand-in

static void random_window(int8_t *x)
{
    for (int i = 0; i < SIZE; i++)
        x[i] = (int8_t)rng_range(&rng, X_MIN, X_MAX);
    if (x[0] == WEDGE)
        x[0] = X_MIN + 1;
    if (x[1] == DRIFT)
        x[1] = X_MIN + 1;
}

static uint32_t latency(const int8_t *x)
{
    return (uint32_t)(40 + 100 * (x[0] - X_MIN));
}

static void expect_result_at(int line, uint16_t seq, const int8_t *x, uint32_t wait_low,
                             uint32_t wait_high)
{
    uint8_t payload[8 + 2 * OUTPUTS] = {0};
    int sum = 0;
    for (int i = 0; i < SIZE; i++)
        sum += x[i] * (i + 1) * 37;
    put32(payload, latency(x));
    for (int i = 0; i < OUTPUTS; i++)
        put16(payload + 8 + 2 * i, (unsigned)(sum * (i + 1)));
    struct expected *e = expect_at(line, LINK_INFER | LINK_ANSWER, seq, payload, sizeof payload);
    expect_range(e, 4, wait_low, wait_high);
    inferences++;
    last_cycles = latency(x);
}
// Nothing else in the engine: two clocks from acceptance to start.
#define expect_result(seq, x)                 expect_result_at(__LINE__, seq, x, 2, 2)
#define expect_late_result(seq, x, low, high) expect_result_at(__LINE__, seq, x, low, high)

static void infer(const int8_t *x)
{
    expect_result(send_frame(LINK_INFER, x, SIZE), x);
    settle();
}

static int elements(unsigned tensor)
{
    switch (tensor) {
    case 5:
    case 6:
        return WINDOW;
    case 9:
        return D_FF;
    case 12:
        return OUTPUTS;
    default:
        return D_MODEL;
    }
}

static unsigned rows(unsigned tensor)
{
    return tensor == 5 || tensor == 6 ? HEADS * WINDOW : tensor >= 11 ? 1 : WINDOW;
}

static uint16_t send_read_tensor(unsigned tensor, unsigned layer, unsigned row)
{
    uint8_t payload[4] = {(uint8_t)tensor, (uint8_t)layer};
    put16(payload + 2, row);
    return send_frame(LINK_READ_TENSOR, payload, sizeof payload);
}

static struct expected *expect_tensor(uint16_t seq, unsigned tensor, unsigned row, const int8_t *x)
{
    uint8_t payload[4 + 2 * D_FF] = {(uint8_t)tensor, 0};
    put16(payload + 2, row);
    int n = elements(tensor);
    for (int i = 0; i < n; i++)
        put16(payload + 4 + 2 * i, (unsigned)(1000 * (int)tensor + 10 * (int)row + i + x[1]));
    return expect(LINK_READ_TENSOR | LINK_ANSWER, seq, payload, (size_t)(4 + 2 * n));
}

static void expect_identity(uint16_t seq)
{
    struct link_identity id = {
        .map_version = 1,
        .origin = LINK_ORIGIN_VIRTUAL,
        .window = WINDOW,
        .features = FEATURES,
        .outputs = OUTPUTS,
        .x_bits = 4,
        .y_bits = 16,
        .window_buffers = 2,
        .layers = 1,
        .heads = HEADS,
        .clock_hz = 100000000,
        .rtl_version = 0x00010000,
    };
    uint8_t payload[LINK_IDENTITY_BYTES];
    for (int i = 0; i < 32; i++)
        id.hash[i] = (uint8_t)i;
    link_identity_encode(&id, payload);
    expect(LINK_IDENTIFY | LINK_ANSWER, seq, payload, sizeof payload);
}

static uint16_t send_read_registers(unsigned first, unsigned count)
{
    uint8_t payload[4];
    put16(payload, first);
    put16(payload + 2, count);
    return send_frame(LINK_READ_REGISTERS, payload, sizeof payload);
}

static void reset(void)
{
    expect(LINK_RESET | LINK_ANSWER, send_frame(LINK_RESET, NULL, 0), NULL, 0);
    resets++;
}

static uint16_t send_burst(uint32_t runs, uint16_t limit, uint8_t windows)
{
    uint8_t payload[LINK_BURST_BYTES];
    const struct link_burst b = {.runs = runs, .limit = limit, .windows = windows};
    link_burst_encode(&b, payload);
    return send_frame(LINK_BURST, payload, sizeof payload);
}

enum { PAUSE = 2 }; // clocks between two runs

// So many runs of a and b in turn, or of a alone.
static struct expected *expect_burst_at(int line, uint16_t seq, enum link_burst_end end,
                                        uint32_t runs, const int8_t *a, const int8_t *b)
{
    uint8_t y[4 * OUTPUTS], payload[LINK_BURST_HEAD_BYTES + sizeof y];
    struct link_burst_result r = {.end = end, .windows = b ? 2 : 1, .runs = runs, .y = y};
    for (unsigned w = 0; w < r.windows; w++) {
        const int8_t *x = w ? b : a;
        int sum = 0;
        for (int i = 0; i < SIZE; i++)
            sum += x[i] * (i + 1) * 37;
        for (unsigned i = 0; i < OUTPUTS; i++)
            put16(y + 2 * (w * OUTPUTS + i), (unsigned)(sum * ((int)i + 1)));
    }
    for (uint32_t i = 0; i < runs; i++) {
        last_cycles = latency(b && i % 2 ? b : a);
        r.busy_cycles += last_cycles;
    }
    r.cycles = r.busy_cycles + PAUSE * (runs - 1);
    inferences += runs;
    size_t n = link_burst_result_encode(&r, OUTPUTS, payload);
    return expect_at(line, LINK_BURST | LINK_ANSWER, seq, payload, n);
}
#define expect_burst(...) expect_burst_at(__LINE__, __VA_ARGS__)

// ---- the cases

// PROTOCOL.md 1.5, from power-on. Requests and answers alternate there.
static void examples(const char *path)
{
    static struct example all[EXAMPLES_MAX];
    int count = examples_read(path, all);
    if (count <= 0)
        die("%s: no examples", path);
    for (int i = 0; i < count; i++) {
        const uint8_t *b = all[i].bytes;
        if (all[i].direction == '>') {
            settle();
            send_bytes(b, all[i].n);
            continue;
        }
        size_t n = all[i].n - LINK_HEADER_BYTES - LINK_CRC_BYTES;
        expect(b[3], (uint16_t)(b[4] | b[5] << 8), b + LINK_HEADER_BYTES, n);
        uint8_t code = b[LINK_HEADER_BYTES];
        dropped += b[3] == LINK_ERROR &&
                   (code == LINK_BAD_CRC || code == LINK_BAD_VERSION || code == LINK_BAD_LENGTH);
        inferences += b[3] == (LINK_INFER | LINK_ANSWER);
        if (b[3] == (LINK_INFER | LINK_ANSWER))
            last_cycles = get32(b + LINK_HEADER_BYTES);
        if (b[3] == (LINK_BURST | LINK_ANSWER))
            inferences += get32(b + LINK_HEADER_BYTES);
        resets += b[3] == (LINK_RESET | LINK_ANSWER);
    }
    settle();
}

static void identities(void)
{
    for (int i = 0; i < 3; i++) {
        expect_identity(send_frame(LINK_IDENTIFY, NULL, 0));
        settle();
    }
}

static void registers(void)
{
    for (unsigned first = 0; first < LINK_REGISTERS; first++) {
        unsigned count = first == 21 ? 2 : 1;
        uint16_t seq = send_read_registers(first, count);
        uint8_t payload[8] = {0};
        struct expected *e = expect(LINK_READ_REGISTERS | LINK_ANSWER, seq, payload, 4 * count);
        switch (first) {
        case 0:
            memcpy(e->payload, "7CST", 4);
            break;
        case 1:
            memcpy(e->payload, "\x01\x00\x01\x00", 4);
            break;
        case 17:
            put32(e->payload, last_cycles);
            break;
        case 18:
            put32(e->payload, inferences);
            break;
        case 19:
            put32(e->payload, dropped);
            break;
        case 20:
            put32(e->payload, resets);
            break;
        case 21:
            expect_range(e, 0, 1000, 20000000);
            break;
        case 22:
            break;
        default:
            expect_range(e, 0, 0, 0xffffffff); // in the identity
        }
        settle();
    }
    static const unsigned bad[][2] = {{23, 1},    {0, 24},    {0, 0},     {0, 65}, {22, 2},
                                      {65535, 1}, {1, 65535}, {0, 65535}, {40, 1}, {65535, 65535}};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        expect_error(send_read_registers(bad[i][0], bad[i][1]), LINK_BAD_ARGUMENT,
                     LINK_READ_REGISTERS, 0);
    settle();
}

static void bad_frames(void)
{
    static const struct {
        uint8_t type;
        size_t n;
    } wrong[] = {{LINK_IDENTIFY, 1},       {LINK_IDENTIFY, 2048},   {LINK_READ_REGISTERS, 3},
                 {LINK_READ_REGISTERS, 5}, {LINK_INFER, 5},         {LINK_INFER, 7},
                 {LINK_INFER, 0},          {LINK_INFER, 2048},      {LINK_READ_TENSOR, 3},
                 {LINK_READ_TENSOR, 0},    {LINK_RESET, 1},         {LINK_BURST, 0},
                 {LINK_BURST, 7},          {LINK_BURST, 9},         {LINK_STOP, 1},
                 {LINK_IDENTIFY, 256},     {LINK_INFER, SIZE + 256}};
    static uint8_t payload[LINK_MAX_PAYLOAD];
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        expect_error(send_frame(wrong[i].type, payload, wrong[i].n), LINK_BAD_LENGTH, wrong[i].type,
                     (unsigned)wrong[i].n);
    static const uint8_t types[] = {0x00, 0x08, 0x81, 0xff, 0x7f, 0x0b, 0x16};
    for (size_t i = 0; i < sizeof types; i++)
        expect_error(send_frame(types[i], payload, i), LINK_BAD_TYPE, types[i], 0);
    settle();

    uint8_t frame[LINK_MAX_FRAME];
    link_encode(frame, LINK_INFER, 0x1111, payload, 0);
    frame[7] = 0x08;
    frame[6] = 0x01;
    send_bytes(frame, 8); // 2049: ends at the header
    expect_error(0x1111, LINK_BAD_LENGTH, LINK_INFER, 2049);
    frame[7] = 0xff;
    send_bytes(frame, 8);
    expect_error(0x1111, LINK_BAD_LENGTH, LINK_INFER, 0xff01);
    frame[2] = 2;
    send_bytes(frame, 8); // the version goes before the length
    expect_error(0x1111, LINK_BAD_VERSION, LINK_INFER, 2);
    expect_identity(send_frame(LINK_IDENTIFY, NULL, 0));
    settle();

    // One flipped bit anywhere behind the sync bytes of a window: never accepted.
    int8_t x[SIZE] = {1, 2, 3, -4, -5, 6};
    size_t n = link_encode(frame, LINK_INFER, 0x2222, x, SIZE);
    for (size_t i = 8; i < n; i++) {
        uint8_t bad[LINK_MAX_FRAME];
        memcpy(bad, frame, n);
        bad[i] ^= (uint8_t)(1 << rng_range(&rng, 0, 7));
        send_bytes(bad, n);
        expect_error(0x2222, LINK_BAD_CRC, LINK_INFER, 0);
    }
    settle();
}

static void garbage(void)
{
    static const uint8_t noise[] = {0x00, 0x37, 0xff, 0xa5, 0x00, 0xa5, 0x36, 0x5a, 0xa5, 0xa5};
    for (size_t cut = 0; cut < 3; cut++) { // ends with sync bytes that the next frame overrules
        send_bytes(noise, sizeof noise - cut);
        expect_identity(send_frame(LINK_IDENTIFY, NULL, 0));
        settle();
    }
    for (int i = 0; i < 20; i++) {
        uint8_t bytes[24];
        size_t n = (size_t)rng_range(&rng, 1, sizeof bytes);
        for (size_t k = 0; k < n; k++)
            bytes[k] = (uint8_t)rng_range(&rng, 0x38, 0xff);
        send_bytes(bytes, n);
        int8_t x[SIZE];
        random_window(x);
        infer(x);
    }
}

// A frame cut off anywhere, then the zeros that a host sends to get out of it.
static void cut_frames(void)
{
    static const uint8_t zeros[2060];
    uint8_t frame[LINK_MAX_FRAME], payload[100];
    memset(payload, 0x11, sizeof payload);
    size_t n = link_encode(frame, LINK_INFER, 0x3333, payload, sizeof payload);
    static const size_t cuts[] = {1, 2, 3, 5, 7, 8, 20, 111};
    for (size_t i = 0; i < sizeof cuts / sizeof *cuts; i++) {
        size_t cut = cuts[i] < n ? cuts[i] : n - 1;
        send_bytes(frame, cut);
        send_bytes(zeros, sizeof zeros);
        uint8_t type = cut > 3 ? LINK_INFER : 0;
        uint16_t seq = cut > 5 ? 0x3333 : cut == 5 ? 0x33 : 0;
        if (cut == 2)
            expect_error(seq, LINK_BAD_VERSION, 0, 0);
        else if (cut > 2)
            expect_error(seq, LINK_BAD_CRC, type, 0);
        expect_identity(send_frame(LINK_IDENTIFY, NULL, 0));
        settle();
    }
}

static void values(void)
{
    static const int8_t outside[] = {X_MAX + 1, X_MIN - 1, 127, -128};
    int8_t good[SIZE], x[SIZE];
    random_window(good);
    infer(good);
    for (int i = 0; i < SIZE; i++) {
        for (size_t k = 0; k < sizeof outside; k++) {
            random_window(x);
            x[i] = outside[k];
            x[SIZE - 1] = i < SIZE - 1 && k % 2 ? 100 : x[SIZE - 1]; // the first one counts
            expect_error(send_frame(LINK_INFER, x, SIZE), LINK_BAD_VALUE, LINK_INFER, (unsigned)i);
        }
    }
    settle();
    // The refused windows have not touched the newest accepted one.
    expect_tensor(send_read_tensor(1, 0, 0), 1, 0, good);
    settle();
    static const int8_t extreme[][SIZE] = {{X_MAX, X_MAX, X_MAX, X_MAX, X_MAX, X_MAX},
                                           {X_MIN + 1, X_MIN, X_MIN, X_MIN, X_MIN, X_MIN}};
    infer(extreme[0]);
    infer(extreme[1]);
}

static void two_in_flight(void)
{
    int8_t a[SIZE], b[SIZE], c[SIZE], d[SIZE];
    random_window(a);
    random_window(b);
    random_window(c);
    random_window(d);
    a[0] = X_MAX; // 1,540 clocks: two more frames come meanwhile
    b[0] = X_MIN + 1;
    c[0] = 0;
    uint16_t first = send_frame(LINK_INFER, a, SIZE);
    uint16_t second = send_frame(LINK_INFER, b, SIZE);
    uint16_t third = send_frame(LINK_INFER, c, SIZE);
    uint16_t status = send_read_registers(16, 1);
    command('b', 1);
    expect_error(third, LINK_BUSY, LINK_INFER, 0);
    static const uint8_t two_held[4] = {1 | 2 << 1};
    expect(LINK_READ_REGISTERS | LINK_ANSWER, status, two_held, sizeof two_held);
    expect_result(first, a);
    expect_late_result(second, b, 900, 1540);
    settle();
    // The third is gone, the order and the buffers are right again.
    infer(c);
    infer(d);
    // The other way round: a short one, then a long one; identify overtakes the long one.
    uint16_t quick = send_frame(LINK_INFER, b, SIZE);
    uint16_t slow = send_frame(LINK_INFER, a, SIZE);
    uint16_t identify = send_frame(LINK_IDENTIFY, NULL, 0);
    expect_result(quick, b);
    expect_identity(identify);
    expect_late_result(slow, a, 2, 200);
    settle();
    command('b', 0);
}

static void tensors(void)
{
    expect_error(send_read_tensor(4, 0, 0), LINK_NO_WINDOW, LINK_READ_TENSOR, 0);
    int8_t x[SIZE], other[SIZE], wrong[SIZE];
    random_window(x);
    x[0] = X_MIN + 1;
    infer(x);
    for (unsigned tensor = 1; tensor <= 12; tensor++) {
        for (unsigned row = 0; row < rows(tensor); row++) {
            uint16_t seq = send_read_tensor(tensor, 0, row);
            if (tensor == 4) // the stand-in's tap never shows it
                expect_error(seq, LINK_BAD_ARGUMENT, LINK_READ_TENSOR, 0);
            else
                expect_tensor(seq, tensor, row, x);
            settle();
        }
        expect_error(send_read_tensor(tensor, 0, rows(tensor)), LINK_BAD_ARGUMENT, LINK_READ_TENSOR,
                     0);
        expect_error(send_read_tensor(tensor, 1, 0), LINK_BAD_ARGUMENT, LINK_READ_TENSOR, 0);
        expect_error(send_read_tensor(tensor, 0, 256), LINK_BAD_ARGUMENT, LINK_READ_TENSOR, 0);
        expect_error(send_read_tensor(tensor, 2, 0), LINK_BAD_ARGUMENT, LINK_READ_TENSOR, 0);
    }
    static const unsigned unknown[] = {0, 13, 14, 15, 16, 17, 255};
    for (size_t i = 0; i < sizeof unknown / sizeof *unknown; i++)
        expect_error(send_read_tensor(unknown[i], 0, 0), LINK_BAD_ARGUMENT, LINK_READ_TENSOR, 0);
    settle();

    // A newer window that is broken on the way fills a buffer, but not that of the newest one.
    for (int i = 0; i < 3; i++) {
        uint8_t frame[LINK_MAX_FRAME];
        random_window(wrong);
        size_t n = link_encode(frame, LINK_INFER, 0x4444, wrong, SIZE);
        frame[n - 1] ^= 1;
        send_bytes(frame, n);
        expect_error(0x4444, LINK_BAD_CRC, LINK_INFER, 0);
        expect_tensor(send_read_tensor(7, 0, 1), 7, 1, x);
        settle();
        random_window(x);
        infer(x);
        expect_tensor(send_read_tensor(12, 0, 0), 12, 0, x);
        settle();
    }

    // While a window is held: BUSY. While a re-run goes on: one window is accepted, another not.
    x[0] = X_MAX;
    uint16_t slow = send_frame(LINK_INFER, x, SIZE);
    uint16_t early = send_read_tensor(1, 0, 0);
    expect_error(early, LINK_BUSY, LINK_READ_TENSOR, 0);
    expect_result(slow, x);
    settle();
    random_window(other);
    other[0] = X_MIN + 1;
    // The row takes two runs; the window's comes in between.
    uint16_t read = send_read_tensor(9, 0, 2);
    uint16_t accepted = send_frame(LINK_INFER, other, SIZE);
    uint16_t refused = send_frame(LINK_INFER, other, SIZE);
    uint16_t again = send_read_tensor(1, 0, 2);
    expect_error(refused, LINK_BUSY, LINK_INFER, 0);
    expect_error(again, LINK_BUSY, LINK_READ_TENSOR, 0);
    expect_tensor(read, 9, 2, x);
    expect_late_result(accepted, other, 300, 1540);
    settle();
    expect_tensor(send_read_tensor(1, 0, 1), 1, 1, other);
    settle();
}

static void wedges(void)
{
    static const uint8_t stuck[4] = {1 | 2 << 1};
    int8_t wedge[SIZE] = {WEDGE, 1, 2, 3, 4, 5}, x[SIZE];
    random_window(x);
    for (int i = 0; i < 3; i++) {
        send_frame(LINK_INFER, wedge, SIZE);
        send_frame(LINK_INFER, x, SIZE);
        command('w', 5000);
        command('b', 1);
        expect(LINK_READ_REGISTERS | LINK_ANSWER, send_read_registers(16, 1), stuck, 4);
        settle();
        expect_error(send_frame(LINK_INFER, x, SIZE), LINK_BUSY, LINK_INFER, 0);
        expect_error(send_read_tensor(1, 0, 0), LINK_BUSY, LINK_READ_TENSOR, 0);
        settle();
        reset();
        settle();
        command('b', 0);
        expect_error(send_read_tensor(1, 0, 0), LINK_NO_WINDOW, LINK_READ_TENSOR, 0);
        settle();
        if (i != 1)
            infer(x);
    }
    // All at once: what was in flight is never answered, what comes behind the reset is.
    send_frame(LINK_INFER, wedge, SIZE);
    send_frame(LINK_INFER, x, SIZE);
    reset();
    uint16_t behind = send_frame(LINK_INFER, x, SIZE);
    expect_result(behind, x);
    settle();
    // A re-run is reset as well.
    x[0] = X_MAX;
    infer(x);
    send_read_tensor(2, 0, 0);
    reset();
    settle();
    // The answer is on the link when the engine gets stuck between the two runs of its row.
    x[0] = X_MIN + 1;
    infer(x);
    uint16_t cut = send_read_tensor(9, 0, 1);
    send_frame(LINK_INFER, wedge, SIZE);
    command('w', 5000);
    expect_tensor(cut, 9, 1, x)->lost = 64;
    reset();
    settle();
    infer(x);
    expect_tensor(send_read_tensor(9, 0, 1), 9, 1, x);
    settle();
    registers();
}

// The host does not read for a while: nothing is lost, and the design does not claim to be busy.
static void back_pressure(void)
{
    int8_t x[SIZE], y[SIZE];
    random_window(x);
    random_window(y);
    x[0] = y[0] = X_MIN + 1;
    command('t', 100);
    uint16_t first = send_frame(LINK_INFER, x, SIZE);
    uint16_t second = send_frame(LINK_INFER, y, SIZE);
    uint16_t third = send_frame(LINK_INFER, y, SIZE);
    command('w', 1000);
    command('b', 0);
    expect_result(first, x); // began before the refusal was known
    expect_error(third, LINK_BUSY, LINK_INFER, 0);
    expect_late_result(second, y, 2, 200);
    settle();
    // Half a frame is out when the host stops.
    uint16_t identify = send_frame(LINK_IDENTIFY, NULL, 0);
    command('w', 300);
    command('t', 60);
    expect_identity(identify);
    command('w', 1000);
    command('b', 0);
    first = send_frame(LINK_INFER, x, SIZE);
    command('w', 1000);
    command('b', 0);
    expect_result(first, x);
    settle();
    // RESET waits for the frame that is half out, then drops the answers behind it.
    first = send_frame(LINK_INFER, x, SIZE);
    command('w', 300);
    command('t', 60);
    expect_result(first, x);
    send_frame(LINK_INFER, y, SIZE);
    inferences++; // finished, though never answered
    last_cycles = latency(y);
    command('w', 1000);
    command('b', 0);
    reset();
    settle();
    // Nothing of it is left.
    infer(x);
}

static void burst_refusals(const int8_t *a, const int8_t *b)
{
    uint8_t payload[LINK_BURST_BYTES] = {1, 0, 0, 0, 1, 0, 1, 1};
    static const uint8_t windows[] = {0, 3, 4, 5, 6, 0x11, 0x81, 0x42};
    reset();
    expect_error(send_burst(1, 1, 1), LINK_NO_WINDOW, LINK_BURST, 0);
    infer(a);
    expect_error(send_burst(1, 1, 2), LINK_NO_WINDOW, LINK_BURST, 0);
    infer(b);
    for (size_t i = 0; i < sizeof windows; i++)
        expect_error(send_burst(1, 1, windows[i]), LINK_BAD_ARGUMENT, LINK_BURST, 0);
    expect_error(send_frame(LINK_BURST, payload, 8), LINK_BAD_ARGUMENT, LINK_BURST, 0);
    settle();
    // A refused window has overwritten the older one, not the newest.
    int8_t bad[SIZE] = {1, 2, 3, 4, 5, X_MAX + 1};
    for (int i = 0; i < 3; i++) {
        infer(a);
        infer(b);
        if (i == 0) { // of another length: not a window
            expect_error(send_frame(LINK_INFER, bad, SIZE - 1), LINK_BAD_LENGTH, LINK_INFER,
                         SIZE - 1);
            expect_burst(send_burst(2, 1, 2), LINK_BURST_DONE, 2, a, b);
            settle();
        }
        uint8_t frame[LINK_MAX_FRAME];
        size_t n = link_encode(frame, LINK_INFER, 0x6666, bad, SIZE);
        frame[n - 1] ^= i == 1;
        send_bytes(frame, n);
        expect_error(0x6666, i == 1 ? LINK_BAD_CRC : LINK_BAD_VALUE, LINK_INFER,
                     i == 1 ? 0 : SIZE - 1);
        expect_error(send_burst(1, 1, 2), LINK_NO_WINDOW, LINK_BURST, 0);
        expect_burst(send_burst(2, 1, 1), LINK_BURST_DONE, 2, b, NULL);
        settle();
    }
}

static void burst_stops(int8_t *a, const int8_t *b)
{
    a[0] = X_MAX; // 1,540 clocks
    infer(b);
    infer(a);
    uint16_t burst = send_burst(0, 65535, 1);
    // What is answered at once and what is refused meanwhile.
    for (int i = 0; i < 3; i++) {
        static const uint8_t bursting[4] = {1};
        expect_identity(send_frame(LINK_IDENTIFY, NULL, 0));
        expect(LINK_READ_REGISTERS | LINK_ANSWER, send_read_registers(16, 1), bursting, 4);
        uint8_t done[4] = {0};
        struct expected *e =
            expect(LINK_READ_REGISTERS | LINK_ANSWER, send_read_registers(18, 1), done, 4);
        expect_range(e, 0, inferences + 1, inferences + 60);
        expect_error(send_frame(LINK_INFER, b, SIZE), LINK_BUSY, LINK_INFER, 0);
        expect_error(send_read_tensor(1, 0, 0), LINK_BUSY, LINK_READ_TENSOR, 0);
        expect_error(send_burst(1, 1, 1), LINK_BUSY, LINK_BURST, 0);
        settle();
    }
    command('b', 1);
    expect(LINK_STOP | LINK_ANSWER, send_frame(LINK_STOP, NULL, 0), NULL, 0);
    uint32_t before = inferences;
    struct expected *e = expect_burst(burst, LINK_BURST_STOPPED, 1, a, NULL);
    expect_range(e, 0, 4, 60);
    expect_range(e, 8, 4 * 1540, 60 * 1540);
    expect_range(e, 16, 4 * 1542 - 2, 60 * 1542 - 2);
    settle();
    command('b', 0);
    inferences = before; // the number of runs is not known here: begin anew below
    // Too late, and without one: nothing happens. The older window was not touched by the refused.
    expect(LINK_STOP | LINK_ANSWER, send_frame(LINK_STOP, NULL, 0), NULL, 0);
    expect_burst(send_burst(3, 1, 2), LINK_BURST_DONE, 3, b, a);
    settle();
    // RESET ends one without an answer.
    send_burst(0, 65535, 1);
    command('w', 5000);
    reset();
    settle();
    command('b', 0);
    expect_error(send_burst(1, 1, 1), LINK_NO_WINDOW, LINK_BURST, 0);
    settle();
}

static void bursts(void)
{
    int8_t a[SIZE], b[SIZE], drifting[SIZE] = {X_MIN + 1, X_MIN, 1, 2, 3, 4};
    random_window(a);
    random_window(b);
    a[0] = X_MIN + 1;
    b[0] = X_MIN + 3;
    burst_refusals(a, b);
    infer(a);
    infer(b);
    for (uint32_t runs = 1; runs < 6; runs++) {
        expect_burst(send_burst(runs, 1, 1), LINK_BURST_DONE, runs, b, NULL);
        settle();
        expect_burst(send_burst(runs + 1, 1, 2), LINK_BURST_DONE, runs + 1, a, b);
        settle();
    }
    registers();
    // The other buffer is the newest; a tensor of it does not disturb the pair.
    infer(a);
    expect_tensor(send_read_tensor(1, 0, 1), 1, 1, a);
    settle();
    expect_burst(send_burst(40, 1, 2), LINK_BURST_DONE, 40, b, a);
    settle();
    // The limit, in clocks: no run begins after it, the first one always does. 1,385 is 3 x 65,536
    // / 142 rounded up.
    expect_burst(send_burst(0, 0, 1), LINK_BURST_LIMIT, 1, a, NULL);
    settle();
    uint16_t seq = send_burst(0, 3, 1);
    command('w', 197000);
    expect_burst(seq, LINK_BURST_LIMIT, 1385, a, NULL);
    settle();
    expect_burst(send_burst(2, 0, 2), LINK_BURST_LIMIT, 1, b, a);
    settle();
    // A y that is not that of the run before is counted, once a run, and the last one is told.
    infer(drifting);
    seq = send_burst(5, 1, 1);
    struct expected *e = expect_burst(seq, LINK_BURST_DONE, 5, drifting, NULL);
    put32(e->payload + 4, 5);
    e->payload[LINK_BURST_HEAD_BYTES]++; // the fifth run after the first is an odd one
    settle();
    // Windows go on as before.
    infer(b);
    infer(a);
    burst_stops(a, b);
}

// Bytes come one by one: the design sleeps between them.
static void slow_host(void)
{
    uint8_t frame[LINK_MAX_FRAME];
    int8_t x[SIZE];
    random_window(x);
    size_t n = link_encode(frame, LINK_INFER, 0x5555, x, SIZE);
    for (size_t i = 0; i < n; i++) {
        command('b', 0);
        send_bytes(frame + i, 1);
        if (i + 1 < n)
            command('w', 60);
    }
    expect_result(0x5555, x);
    settle();
    command('b', 0);
}

static void soak(void)
{
    for (int i = 0; i < 200; i++) {
        int8_t x[SIZE], y[SIZE];
        random_window(x);
        random_window(y);
        switch (rng_range(&rng, 0, 4)) {
        case 0: {
            uint16_t a = send_frame(LINK_INFER, x, SIZE);
            uint16_t b = send_frame(LINK_INFER, y, SIZE);
            expect_result(a, x);
            expect_late_result(b, y, 2, 1600);
            break;
        }
        case 1:
            infer(x);
            break;
        case 2:
            infer(x);
            expect_tensor(send_read_tensor(9, 0, 1), 9, 1, x);
            break;
        case 3:
            x[0] = WEDGE;
            send_frame(LINK_INFER, x, SIZE);
            reset();
            break;
        default: {
            uint8_t type = (uint8_t)rng_range(&rng, 8, 254);
            expect_error(send_frame(type, x, SIZE), LINK_BAD_TYPE, type, 0);
            break;
        }
        }
        settle();
    }
}

static void all_cases(void)
{
    examples(protocol_path);
    identities();
    tensors();
    registers();
    bad_frames();
    garbage();
    values();
    two_in_flight();
    wedges();
    back_pressure();
    slow_host();
    soak();
    cut_frames();
    registers();
    bursts();
}

int main(int argc, char **argv)
{
    if (argc != 5 || (strcmp(argv[1], "script") != 0 && strcmp(argv[1], "check") != 0)) {
        fprintf(stderr, "usage: top_cases script|check PROTOCOL.md SEED FILE\n");
        return 2;
    }
    protocol_path = argv[2];
    rng.state = strtoull(argv[3], NULL, 0);
    return run_cases(argv[1], argv[4], all_cases);
}
