// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tools/vboard/tap.h"

static int done_calls, cleared_calls;

static void on_done(void *ctx)
{
    (void)ctx;
    done_calls++;
}

static void on_cleared(void *ctx)
{
    (void)ctx;
    cleared_calls++;
}

static struct tap tap;

static int setup(void **state)
{
    (void)state;
    tap_init(&tap, device_part_by_name("xc7s15"));
    tap.on_done = on_done;
    tap.on_cleared = on_cleared;
    done_calls = cleared_calls = 0;
    for (int i = 0; i < 6; i++)
        tap_clock(&tap, 1, 0);
    tap_clock(&tap, 0, 0); // Run-Test/Idle
    return 0;
}

// From and to Run-Test/Idle.
static unsigned shift_ir(unsigned value)
{
    unsigned out = 0;
    tap_clock(&tap, 1, 0);
    tap_clock(&tap, 1, 0);
    tap_clock(&tap, 0, 0);
    tap_clock(&tap, 0, 0);
    for (unsigned i = 0; i < 6; i++)
        out |= (unsigned)tap_clock(&tap, i == 5, (value >> i) & 1) << i;
    tap_clock(&tap, 1, 0);
    tap_clock(&tap, 0, 0);
    return out;
}

static void enter_shift_dr(void)
{
    tap_clock(&tap, 1, 0);
    tap_clock(&tap, 0, 0);
    tap_clock(&tap, 0, 0);
}

static void leave_shift_dr(void)
{
    tap_clock(&tap, 1, 0);
    tap_clock(&tap, 0, 0);
}

static uint32_t shift_dr32(uint32_t value)
{
    uint32_t out = 0;
    enter_shift_dr();
    for (unsigned i = 0; i < 32; i++)
        out |= (uint32_t)tap_clock(&tap, i == 31, (value >> i) & 1) << i;
    leave_shift_dr();
    return out;
}

// Bytes of a stream, each most significant bit first, as a programmer sends them.
static void shift_stream(const uint8_t *data, size_t n)
{
    enter_shift_dr();
    for (size_t i = 0; i < n; i++) {
        for (int b = 7; b >= 0; b--)
            tap_clock(&tap, i == n - 1 && b == 0, (data[i] >> b) & 1);
    }
    leave_shift_dr();
}

static void idle(unsigned clocks)
{
    while (clocks--)
        tap_clock(&tap, 0, 0);
}

struct stream {
    uint8_t *file;
    const uint8_t *data;
    size_t n;
};

static struct stream virtual_stream(const char *part)
{
    struct stream s;
    struct virtual_mark mark = {.hash = {1, 2, 3}, .variant = "unit"};
    struct bitstream_report r;
    size_t n;
    s.file = bitstream_make_virtual(device_part_by_name(part), &mark, &n);
    assert_non_null(s.file);
    assert_int_equal(bitstream_check(s.file, n, device_part_by_name(part), &r), BITSTREAM_OK);
    s.data = s.file + r.header.data_offset;
    s.n = r.header.data_bytes;
    return s;
}

static void configure(const struct stream *s)
{
    shift_ir(TAP_JPROGRAM);
    shift_ir(TAP_CFG_IN);
    shift_stream(s->data, s->n);
    shift_ir(TAP_JSTART);
    idle(2000);
}

static void reset_selects_idcode(void **state)
{
    (void)state;
    assert_int_equal(shift_dr32(0), 0x03620093);
    assert_int_equal(shift_ir(TAP_BYPASS) & 3, 1); // the fixed low bits of the capture
    enter_shift_dr();                              // bypass: one bit late
    assert_int_equal(tap_clock(&tap, 0, 1), 0);
    assert_int_equal(tap_clock(&tap, 0, 0), 1);
    assert_int_equal(tap_clock(&tap, 1, 0), 0);
    leave_shift_dr();
    for (int i = 0; i < 5; i++)
        tap_clock(&tap, 1, 0);
    tap_clock(&tap, 0, 0);
    assert_int_equal(shift_dr32(0), 0x03620093);
}

static void user_registers_keep_their_value(void **state)
{
    (void)state;
    static const uint8_t users[] = {TAP_USER1, TAP_USER2, TAP_USER3, TAP_USER4};
    for (uint32_t i = 0; i < 4; i++) {
        shift_ir(users[i]);
        shift_dr32(0x1000 + i);
    }
    for (uint32_t i = 0; i < 4; i++) {
        shift_ir(users[i]);
        assert_int_equal(shift_dr32(0), 0x1000 + i);
    }
}

static void good_stream_raises_done(void **state)
{
    (void)state;
    struct stream s = virtual_stream("xc7s15");
    assert_int_equal(shift_ir(TAP_BYPASS), TAP_CAPTURE_ONE | TAP_CAPTURE_INIT);
    configure(&s);
    assert_int_equal(shift_ir(TAP_BYPASS), TAP_CAPTURE_ONE | TAP_CAPTURE_INIT | TAP_CAPTURE_DONE);
    assert_int_equal(done_calls, 1);
    struct virtual_mark mark;
    assert_int_equal(virtual_mark_decode(tap.config.first_frame, &mark), 0);
    assert_string_equal(mark.variant, "unit");
    shift_ir(TAP_JPROGRAM);
    assert_int_equal(cleared_calls, 2); // configure() cleared, too
    assert_int_equal(shift_ir(TAP_BYPASS) & TAP_CAPTURE_DONE, 0);
    configure(&s); // and again
    assert_int_equal(done_calls, 2);
    free(s.file);
}

static void starts_up_on_idle_clocks_without_jstart(void **state)
{
    (void)state;
    struct stream s = virtual_stream("xc7s15");
    shift_ir(TAP_JPROGRAM);
    shift_ir(TAP_CFG_IN);
    shift_stream(s.data, s.n);
    assert_int_equal(done_calls, 0);
    idle(20);
    assert_int_equal(done_calls, 1);
    free(s.file);
}

static void bad_streams_leave_done_low(void **state)
{
    (void)state;
    struct stream s = virtual_stream("xc7s15");
    uint8_t *copy = malloc(s.n);
    assert_non_null(copy);
    memcpy(copy, s.data, s.n);
    copy[s.n / 2] ^= 0x10;
    struct stream bad = {.data = copy, .n = s.n};
    configure(&bad);
    assert_int_equal(shift_ir(TAP_BYPASS), TAP_CAPTURE_ONE); // CRC error: INIT low
    struct stream cut = {.data = s.data, .n = s.n / 2 & ~(size_t)3};
    configure(&cut);
    assert_int_equal(shift_ir(TAP_BYPASS), TAP_CAPTURE_ONE | TAP_CAPTURE_INIT);
    struct stream other = virtual_stream("xc7s25");
    configure(&other);
    assert_int_equal(shift_ir(TAP_BYPASS), TAP_CAPTURE_ONE); // IDCODE error
    assert_int_equal(done_calls, 0);
    free(copy);
    free(s.file);
    free(other.file);
}

// Two bits in front: the stream need not be aligned to the shift.
static void sync_word_at_any_bit(void **state)
{
    (void)state;
    struct stream s = virtual_stream("xc7s15");
    shift_ir(TAP_JPROGRAM);
    shift_ir(TAP_CFG_IN);
    enter_shift_dr();
    tap_clock(&tap, 0, 1);
    tap_clock(&tap, 0, 0);
    for (size_t i = 0; i < s.n; i++) {
        for (int b = 7; b >= 0; b--)
            tap_clock(&tap, 0, (s.data[i] >> b) & 1);
    }
    tap_clock(&tap, 1, 0);
    leave_shift_dr();
    idle(20);
    assert_int_equal(done_calls, 1);
    free(s.file);
}

static uint32_t bit_reversed(uint32_t w)
{
    uint32_t r = 0;
    for (int i = 0; i < 32; i++)
        r |= (w >> i & 1) << (31 - i);
    return r;
}

static uint32_t read_status(void)
{
    static const uint8_t ask[] = {0xaa, 0x99, 0x55, 0x66, 0x20, 0, 0,    0, 0x28, 0x00,
                                  0xe0, 0x01, 0x20, 0,    0,    0, 0x20, 0, 0,    0};
    shift_ir(TAP_CFG_IN);
    shift_stream(ask, sizeof ask);
    shift_ir(TAP_CFG_OUT);
    return bit_reversed(shift_dr32(0));
}

static void status_register_reads_back(void **state)
{
    (void)state;
    struct stream s = virtual_stream("xc7s15");
    assert_int_equal(read_status() & (CONFIG_STAT_DONE | CONFIG_STAT_INIT_B), CONFIG_STAT_INIT_B);
    configure(&s);
    assert_int_equal(read_status() & (CONFIG_STAT_DONE | CONFIG_STAT_EOS | CONFIG_STAT_CRC_ERROR),
                     CONFIG_STAT_DONE | CONFIG_STAT_EOS);
    free(s.file);
}

static void faults(void **state)
{
    (void)state;
    struct stream s = virtual_stream("xc7s15");
    tap.faults.done_stuck_low = true;
    configure(&s);
    assert_int_equal(done_calls, 0);
    tap.faults.done_stuck_low = false;
    tap.faults.wrong_idcode = true;
    configure(&s);
    assert_int_equal(done_calls, 0);
    for (int i = 0; i < 5; i++)
        tap_clock(&tap, 1, 0);
    tap_clock(&tap, 0, 0);
    assert_null(device_part_by_idcode(shift_dr32(0)));
    tap.faults.wrong_idcode = false;
    tap.faults.tdo_stuck_low = true;
    assert_int_equal(shift_dr32(0), 0);
    free(s.file);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup(name, setup)
    const struct CMUnitTest tests[] = {
        T(reset_selects_idcode),       T(user_registers_keep_their_value),
        T(good_stream_raises_done),    T(starts_up_on_idle_clocks_without_jstart),
        T(bad_streams_leave_done_low), T(sync_word_at_any_bit),
        T(status_register_reads_back), T(faults)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
