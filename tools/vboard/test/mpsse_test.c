// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "tests/support/random.h"
#include "tools/vboard/mpsse.h"

// A wire that records what is clocked out and answers from a script.
struct wire {
    uint8_t tms[256], tdi[256];
    size_t n;
    uint8_t tdo[256];
};

static int wire_clock(void *ctx, int tms, int tdi)
{
    struct wire *w = ctx;
    int tdo = w->tdo[w->n % sizeof w->tdo];
    if (w->n < sizeof w->tms) {
        w->tms[w->n] = (uint8_t)tms;
        w->tdi[w->n] = (uint8_t)tdi;
    }
    w->n++;
    return tdo;
}

struct fixture {
    struct wire wire;
    struct mpsse m;
    struct bytes out;
    bool flush;
};

static int setup(void **state)
{
    static struct fixture f;
    memset(&f, 0, sizeof f);
    mpsse_init(&f.m, wire_clock, &f.wire);
    *state = &f;
    return 0;
}

static int teardown(void **state)
{
    bytes_fini(&((struct fixture *)*state)->out);
    return 0;
}

static void run(struct fixture *f, const uint8_t *data, size_t n)
{
    assert_int_equal(mpsse_run(&f->m, data, n, &f->out, &f->flush), n);
}
#define RUN(f, ...)                                                                                \
    do {                                                                                           \
        const uint8_t d_[] = {__VA_ARGS__};                                                        \
        run(f, d_, sizeof d_);                                                                     \
    } while (0)

static void script(struct fixture *f, uint32_t bits, unsigned count)
{
    f->wire.n = 0;
    for (unsigned i = 0; i < count; i++)
        f->wire.tdo[i] = (bits >> i) & 1;
}

static uint32_t tdi_bits(const struct fixture *f, size_t count)
{
    uint32_t b = 0;
    assert_int_equal(f->wire.n, count);
    for (size_t i = 0; i < count; i++)
        b |= (uint32_t)f->wire.tdi[i] << i;
    return b;
}

static uint8_t answer(struct fixture *f)
{
    uint8_t b;
    assert_true(bytes_length(&f->out) > 0);
    bytes_take(&f->out, &b, 1);
    return b;
}

static void bytes_out_and_in_lsb_first(void **state)
{
    struct fixture *f = *state;
    script(f, 0xbeef, 16);
    RUN(f, 0x39, 1, 0, 0x12, 0x34); // write and read two bytes
    assert_int_equal(tdi_bits(f, 16), 0x3412);
    assert_int_equal(answer(f), 0xef);
    assert_int_equal(answer(f), 0xbe);
    assert_int_equal(bytes_length(&f->out), 0);
}

static void bytes_msb_first(void **state)
{
    struct fixture *f = *state;
    script(f, 0x01, 8); // the first bit on the wire is the highest
    RUN(f, 0x31, 0, 0, 0x80);
    assert_int_equal(tdi_bits(f, 8), 0x01);
    assert_int_equal(answer(f), 0x80);
}

static void bits_are_aligned_as_the_chip_does(void **state)
{
    struct fixture *f = *state;
    script(f, 0x5, 3);
    RUN(f, 0x3b, 2, 0x06); // three bits LSB first: answer fills from bit 7 down
    assert_int_equal(tdi_bits(f, 3), 0x6);
    assert_int_equal(answer(f), 0x5 << 5);
    script(f, 0x5, 3);
    RUN(f, 0x33, 2, 0xc0); // MSB first: fills from bit 0 up
    assert_int_equal(tdi_bits(f, 3), 0x3);
    assert_int_equal(answer(f), 0x5);
}

static void read_only_holds_tdi(void **state)
{
    struct fixture *f = *state;
    script(f, 0xa5, 8);
    RUN(f, 0x80, MPSSE_TDI, 0x0b, 0x28, 0, 0);
    assert_int_equal(tdi_bits(f, 8), 0xff);
    assert_int_equal(answer(f), 0xa5);
    RUN(f, 0x2a, 1); // two bits
    assert_int_equal(bytes_length(&f->out), 1);
}

static void tms_takes_tdi_from_bit_seven(void **state)
{
    struct fixture *f = *state;
    script(f, 0, 5);
    RUN(f, 0x4b, 4, 0x80 | 0x0b);
    const uint8_t tms[] = {1, 1, 0, 1, 0};
    assert_memory_equal(f->wire.tms, tms, sizeof tms);
    assert_int_equal(tdi_bits(f, 5), 0x1f);
    assert_int_equal(bytes_length(&f->out), 0);
    script(f, 0x3, 2);
    RUN(f, 0x6b, 1, 0x01);
    assert_int_equal(answer(f), 0xc0);
    assert_int_equal(f->m.low & MPSSE_TMS, 0); // TMS stays at its last level
}

static void idle_clocks(void **state)
{
    struct fixture *f = *state;
    RUN(f, 0x8f, 9, 0);
    assert_int_equal(f->wire.n, 80);
    RUN(f, 0x8e, 2);
    assert_int_equal(f->wire.n, 83);
}

static void pins_loopback_and_flush(void **state)
{
    struct fixture *f = *state;
    RUN(f, 0x80, 0x08, 0x0b, 0x81);
    assert_int_equal(answer(f), 0x08 | 0xf4); // outputs as set, inputs pulled up
    RUN(f, 0x82, 0x05, 0xff, 0x83);
    assert_int_equal(answer(f), 0x05);
    RUN(f, 0x84, 0x39, 0, 0, 0xc3, 0x85); // loopback: TDO is TDI and nothing is clocked outside
    assert_int_equal(answer(f), 0xc3);
    assert_int_equal(f->wire.n, 0);
    assert_false(f->flush);
    RUN(f, 0x87);
    assert_true(f->flush);
}

static void bad_commands_are_echoed(void **state)
{
    struct fixture *f = *state;
    static const uint8_t bad[] = {0xaa, 0xab, 0x9e, 0xff, 0x00, 0x08, 0x40, 0x5b};
    for (size_t i = 0; i < sizeof bad; i++) {
        RUN(f, bad[i]);
        assert_int_equal(answer(f), 0xfa);
        assert_int_equal(answer(f), bad[i]);
    }
    assert_int_equal(f->m.bad_commands, sizeof bad);
    f->m.has_drive_only_zero = true; // an FT232H knows 0x9E
    RUN(f, 0x9e, 0, 0);
    assert_int_equal(bytes_length(&f->out), 0);
}

static void commands_arrive_in_pieces(void **state)
{
    struct fixture *f = *state;
    const uint8_t all[] = {0x39, 1, 0, 0x12, 0x34, 0x4b, 4, 0x0b, 0x80, 1, 2, 0x81};
    script(f, 0xbeef, 16);
    for (size_t i = 0; i < sizeof all; i++)
        RUN(f, all[i]);
    assert_int_equal(answer(f), 0xef);
    assert_int_equal(answer(f), 0xbe);
    assert_int_equal(f->wire.n, 21);
}

// 64 KiB read at once: stalls at a full buffer, goes on when it is emptied, gives every byte.
static void stalls_while_the_host_does_not_read(void **state)
{
    struct fixture *f = *state;
    const uint8_t read_64k[] = {0x28, 0xff, 0xff};
    static uint8_t dump[MPSSE_ANSWER_BYTES];
    size_t total = 0;
    assert_int_equal(mpsse_run(&f->m, read_64k, 3, &f->out, &f->flush), 3);
    while (bytes_length(&f->out)) {
        size_t n = bytes_length(&f->out);
        assert_true(n <= MPSSE_ANSWER_BYTES);
        bytes_take(&f->out, dump, n);
        total += n;
        mpsse_run(&f->m, NULL, 0, &f->out, &f->flush);
    }
    assert_int_equal(total, 65536);
    assert_int_equal(f->wire.n, 8 * 65536);
}

static void without_wires_tdo_is_pulled_up(void **state)
{
    struct fixture *f = *state;
    mpsse_init(&f->m, NULL, NULL);
    RUN(f, 0x28, 0, 0);
    assert_int_equal(answer(f), 0xff);
}

// Any bytes in any pieces: bounded answers, everything consumed once the host reads.
static void random_bytes_never_confuse_it(void **state)
{
    struct fixture *f = *state;
    struct rng r;
    static uint8_t data[512], dump[2 * MPSSE_ANSWER_BYTES];
    rng_init(&r, 1);
    for (int round = 0; round < 100; round++) {
        size_t n = 1 + (size_t)rng_range(&r, 0, (int64_t)sizeof data - 1), at = 0;
        for (size_t i = 0; i < n; i++)
            data[i] = (uint8_t)rng_range(&r, 0, 255);
        while (at < n) {
            at += mpsse_run(&f->m, data + at, n - at, &f->out, &f->flush);
            size_t waiting = bytes_length(&f->out);
            assert_true(waiting <= MPSSE_ANSWER_BYTES + 1);
            bytes_take(&f->out, dump, waiting);
            assert_true(f->m.have < 3);
        }
    }
    mpsse_reset(&f->m);
    RUN(f, 0xaa);
    assert_int_equal(answer(f), 0xfa);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        T(bytes_out_and_in_lsb_first),        T(bytes_msb_first),
        T(bits_are_aligned_as_the_chip_does), T(read_only_holds_tdi),
        T(tms_takes_tdi_from_bit_seven),      T(idle_clocks),
        T(pins_loopback_and_flush),           T(bad_commands_are_echoed),
        T(commands_arrive_in_pieces),         T(stalls_while_the_host_does_not_read),
        T(without_wires_tdo_is_pulled_up),    T(random_bytes_never_confuse_it)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
