// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "tests/support/random.h"
#include "tools/vboard/mpsse.h"
#include "tools/vboard/test/i2c_master.h"

enum { ADDRESS = 0x2a };

// A memory of 16 bytes with a pointer that the first written byte sets.
struct memory {
    uint8_t cell[16];
    unsigned at;
    bool fresh;
    unsigned begins, ends;
};

static bool memory_begin(void *ctx, bool read)
{
    struct memory *m = ctx;
    m->fresh = !read;
    m->begins++;
    return true;
}

static bool memory_write(void *ctx, uint8_t byte)
{
    struct memory *m = ctx;
    if (m->fresh)
        m->at = byte;
    else
        m->cell[m->at++ % 16] = byte;
    m->fresh = false;
    return m->at <= 16; // refuses what is behind its end
}

static uint8_t memory_read(void *ctx)
{
    struct memory *m = ctx;
    return m->cell[m->at++ % 16];
}

static void memory_end(void *ctx)
{
    ((struct memory *)ctx)->ends++;
}

static const struct i2c_device_ops memory_ops = {
    .begin = memory_begin, .write = memory_write, .read = memory_read, .end = memory_end};

struct fixture {
    struct i2c_bus bus;
    struct memory memory;
};

static int setup(void **state)
{
    static struct fixture f;
    memset(&f, 0, sizeof f);
    i2c_bus_init(&f.bus);
    assert_int_equal(i2c_bus_add(&f.bus, ADDRESS, &memory_ops, &f.memory), 0);
    assert_int_equal(i2c_bus_add(&f.bus, ADDRESS, &memory_ops, &f.memory), -1);
    *state = &f;
    return 0;
}

static void check_alive(struct fixture *f)
{
    const uint8_t data[] = {3, 0xa5, 0x5a};
    uint8_t back[2];
    assert_true(i2c_write(&f->bus, ADDRESS, data, sizeof data));
    assert_true(i2c_read_block(&f->bus, ADDRESS, 3, back, 2));
    assert_memory_equal(back, data + 1, 2);
}

static void writes_and_reads(void **state)
{
    struct fixture *f = *state;
    check_alive(f);
    assert_int_equal(f->memory.begins, 3);
    assert_int_equal(f->memory.ends, 2); // the repeated start is no end
    assert_int_equal(f->bus.starts, 3);
    assert_int_equal(f->bus.stops, 2);
    assert_int_equal(f->bus.naks, 0);
    assert_true(f->bus.sda && f->bus.scl);
}

static void nobody_answers(void **state)
{
    struct fixture *f = *state;
    const uint8_t data[] = {1, 2};
    assert_false(i2c_write(&f->bus, ADDRESS + 1, data, 2));
    assert_false(i2c_write(&f->bus, 0, data, 2)); // no general call here
    assert_int_equal(f->memory.begins, 0);
    assert_int_equal(f->bus.naks, 2);
    check_alive(f);
}

static void device_refuses_a_byte(void **state)
{
    struct fixture *f = *state;
    const uint8_t data[] = {16, 1, 2};
    i2c_start(&f->bus);
    assert_true(i2c_send(&f->bus, ADDRESS << 1));
    assert_true(i2c_send(&f->bus, data[0]));
    assert_false(i2c_send(&f->bus, data[1]));
    assert_false(i2c_send(&f->bus, data[2])); // nobody listens any more
    i2c_stop(&f->bus);
    check_alive(f);
}

// The master stops reading without a not-acknowledge while the device holds SDA low: it cannot make
// a stop, but clocks free the bus.
static void aborted_read(void **state)
{
    struct fixture *f = *state;
    i2c_start(&f->bus);
    assert_true(i2c_send(&f->bus, ADDRESS << 1 | 1)); // zeros follow
    i2c_bit(&f->bus, true);
    i2c_bit(&f->bus, true);
    i2c_bus_drive(&f->bus, true, false);
    assert_false(i2c_bus_drive(&f->bus, true, true)); // no stop: SDA stays low
    assert_int_equal(f->bus.stops, 0);
    for (int i = 0; i < 9; i++)
        i2c_bit(&f->bus, true);
    i2c_stop(&f->bus);
    check_alive(f);
}

static void faults(void **state)
{
    struct fixture *f = *state;
    const uint8_t data[] = {1, 2};
    f->bus.nak_left = 2;
    assert_false(i2c_write(&f->bus, ADDRESS, data, 2));
    assert_false(i2c_write(&f->bus, ADDRESS, data, 2));
    assert_true(i2c_write(&f->bus, ADDRESS, data, 2));
    f->bus.sda_stuck = true;
    assert_false(i2c_bus_drive(&f->bus, true, true));
    unsigned begins = f->memory.begins;
    i2c_write(&f->bus, ADDRESS, data, 2);
    assert_int_equal(f->memory.begins, begins);
    f->bus.sda_stuck = false;
    i2c_stop(&f->bus);
    check_alive(f);
}

// Whatever comes over the wires, nine clocks and a stop make the bus usable again.
static void any_sequence(void **state)
{
    struct fixture *f = *state;
    struct rng r;
    rng_init(&r, 41);
    for (int round = 0; round < 2000; round++) {
        for (int64_t n = rng_range(&r, 1, 80); n; n--) {
            uint64_t bits = rng_u64(&r);
            i2c_bus_drive(&f->bus, bits & 1, bits & 2);
            if (!(bits >> 2 & 31)) { // now and then something that makes sense
                i2c_start(&f->bus);
                i2c_send(&f->bus, (uint8_t)(ADDRESS << 1 | (bits >> 8 & 1)));
            }
        }
        i2c_bus_drive(&f->bus, false, true);
        for (int i = 0; i < 9; i++)
            i2c_bit(&f->bus, true);
        i2c_stop(&f->bus);
        check_alive(f);
    }
}

// --- the same through MPSSE commands ---

static uint8_t lines(void *ctx, uint8_t driven)
{
    bool sda = i2c_bus_drive(ctx, driven & 1, (driven & 6) == 6);
    return sda ? driven : (uint8_t)(driven & ~6);
}

static uint8_t run(struct mpsse *m, const uint8_t *data, size_t n)
{
    struct bytes out = {0};
    bool flush;
    uint8_t last = 0;
    assert_int_equal(mpsse_run(m, data, n, &out, &flush), n);
    while (bytes_length(&out))
        bytes_take(&out, &last, 1);
    bytes_fini(&out);
    return last;
}

static uint8_t mpsse_byte(struct mpsse *m, uint8_t byte, bool only_zero)
{
    // the byte, SDA released, one bit read
    const uint8_t command[] = {0x11, 0, 0, byte, 0x80, 2, only_zero ? 3 : 1, 0x22, 0};
    const uint8_t take_back[] = {0x80, 0, 3};
    uint8_t ack = run(m, command, sizeof command) & 1;
    run(m, take_back, sizeof take_back);
    return ack;
}

static void through_mpsse(void **state)
{
    static const uint8_t start[] = {0x80, 3, 3, 0x80, 1, 3, 0x80, 0, 3},
                         repeat[] = {0x80, 2, 3, 0x80, 3, 3, 0x80, 1, 3, 0x80, 0, 3},
                         stop[] = {0x80, 0, 3, 0x80, 1, 3, 0x80, 3, 3}, three_phase[] = {0x8c},
                         zero_only[] = {0x9e, 7, 0}, push_pull[] = {0x9e, 0, 0}, get[] = {0x81},
                         read_last[] = {0x80, 2, 1, 0x20, 0, 0, 0x13, 0, 0xff, 0x80, 0, 3};
    struct fixture *f = *state;
    struct mpsse m;
    mpsse_init(&m, NULL, NULL);
    m.has_drive_only_zero = true;
    m.lines = lines;
    m.ctx = &f->bus;
    run(&m, three_phase, sizeof three_phase);
    for (int only_zero = 0; only_zero < 2; only_zero++) {
        run(&m, only_zero ? zero_only : push_pull, 3);
        f->memory.cell[5] = 0;
        run(&m, start, sizeof start);
        assert_int_equal(mpsse_byte(&m, ADDRESS << 1, only_zero), 0);
        assert_int_equal(mpsse_byte(&m, 5, only_zero), 0);
        assert_int_equal(mpsse_byte(&m, 0xc3, only_zero), 0);
        run(&m, stop, sizeof stop);
        assert_int_equal(f->memory.cell[5], 0xc3);
        run(&m, start, sizeof start);
        assert_int_equal(mpsse_byte(&m, ADDRESS << 1, only_zero), 0);
        assert_int_equal(mpsse_byte(&m, 5, only_zero), 0);
        run(&m, repeat, sizeof repeat);
        assert_int_equal(mpsse_byte(&m, ADDRESS << 1 | 1, only_zero), 0);
        assert_int_equal(run(&m, read_last, 6), 0xc3);
        run(&m, read_last + 6, sizeof read_last - 6);
        run(&m, stop, sizeof stop);
        assert_int_equal(run(&m, get, 1) & 7, 7); // released, pulled up
        run(&m, start, sizeof start);
        assert_int_equal(mpsse_byte(&m, 0x66, only_zero), 1);
        run(&m, stop, sizeof stop);
    }
    assert_int_equal(f->bus.naks, 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(writes_and_reads, setup),
        cmocka_unit_test_setup(nobody_answers, setup),
        cmocka_unit_test_setup(device_refuses_a_byte, setup),
        cmocka_unit_test_setup(aborted_read, setup),
        cmocka_unit_test_setup(faults, setup),
        cmocka_unit_test_setup(any_sequence, setup),
        cmocka_unit_test_setup(through_mpsse, setup),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
