// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "tools/vboard/ftdi.h"
#include "tools/vboard/loop.h"

enum { A, B, MS = 1000000 };

static struct ftdi chip;
static uint8_t in_buffer[8192];
static size_t taken_by_host;

static void pins_taken(void *ctx, size_t n)
{
    (void)ctx;
    taken_by_host += n;
}

static int setup(void **state)
{
    (void)state;
    ftdi_init(&chip, FTDI_FT2232H, "UT0001", true);
    chip.channel[B].fifo.pins_taken = pins_taken;
    taken_by_host = 0;
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    ftdi_fini(&chip);
    return 0;
}

static int control(uint8_t type, uint8_t request, unsigned value, unsigned index, unsigned length,
                   uint8_t *data)
{
    const uint8_t setup_bytes[8] = {type,
                                    request,
                                    (uint8_t)value,
                                    (uint8_t)(value >> 8),
                                    (uint8_t)index,
                                    (uint8_t)(index >> 8),
                                    (uint8_t)length,
                                    (uint8_t)(length >> 8)};
    return ftdi_control(&chip, setup_bytes, data);
}

static struct ftdi_in transfer(size_t capacity, uint64_t since)
{
    memset(in_buffer, 0xee, sizeof in_buffer);
    return (struct ftdi_in){.buffer = in_buffer, .capacity = capacity, .since_ns = since};
}

static void from_device(size_t n, bool flush)
{
    static uint8_t data[8192];
    for (size_t i = 0; i < n; i++)
        data[i] = (uint8_t)i;
    fifo_from_device(&chip.channel[B].fifo, data, n, flush);
}

static void empty_packet_after_the_latency_time(void **state)
{
    (void)state;
    uint64_t due = 0, now = 1000 * (uint64_t)MS;
    struct ftdi_in t = transfer(512, now);
    assert_false(ftdi_in(&chip, B, &t, now, &due));
    assert_int_equal(due, now + 16 * MS); // the default
    assert_false(ftdi_in(&chip, B, &t, due - 1, &due));
    assert_true(ftdi_in(&chip, B, &t, due, &due));
    assert_int_equal(t.filled, 2);
    assert_int_equal(in_buffer[0], 0x32);
    assert_int_equal(in_buffer[1], 0x60);
}

static void flush_sends_a_short_packet_at_once(void **state)
{
    (void)state;
    uint64_t due, now = loop_now_ns();
    struct ftdi_in t = transfer(4096, now);
    from_device(22, true);
    assert_true(ftdi_in(&chip, B, &t, now, &due));
    assert_int_equal(t.filled, 24);
    assert_int_equal(in_buffer[2 + 21], 21);
    assert_int_equal(taken_by_host, 22); // the engine gets its credit back
    t = transfer(4096, now);             // and only once
    assert_false(ftdi_in(&chip, B, &t, now, &due));
}

static void without_flush_data_waits_for_the_timer(void **state)
{
    (void)state;
    from_device(22, false);
    uint64_t due, now = loop_now_ns();
    struct ftdi_in t = transfer(4096, now);
    assert_false(ftdi_in(&chip, B, &t, now, &due));
    assert_true(due <= now + 16 * MS);
    assert_true(ftdi_in(&chip, B, &t, due, &due));
    assert_int_equal(t.filled, 24);
}

// 1200 bytes: two full packets and a short one, each behind its own status bytes.
static void every_packet_has_its_status_bytes(void **state)
{
    (void)state;
    uint64_t due, now = loop_now_ns();
    from_device(1200, true);
    struct ftdi_in t = transfer(4096, now);
    assert_true(ftdi_in(&chip, B, &t, now, &due));
    assert_int_equal(t.filled, 1200 + 3 * 2);
    size_t at = 0;
    for (size_t i = 0; i < t.filled; i++) {
        if (i % 512 == 0)
            assert_int_equal(in_buffer[i], 0x32);
        else if (i % 512 == 1)
            assert_int_equal(in_buffer[i], 0x60);
        else
            assert_int_equal(in_buffer[i], (uint8_t)at++);
    }
}

// A full packet does not end a larger transfer, flushed or not: that takes the timer, as on
// hardware.
static void full_packet_leaves_the_transfer_open(void **state)
{
    (void)state;
    from_device(510, true);
    uint64_t due, now = loop_now_ns();
    struct ftdi_in t = transfer(4096, now);
    assert_false(ftdi_in(&chip, B, &t, now, &due));
    assert_int_equal(t.filled, 512);
    assert_true(ftdi_in(&chip, B, &t, due, &due));
    assert_int_equal(t.filled, 514);
    from_device(510, true);
    t = transfer(512, now); // but a transfer of one packet is full
    assert_true(ftdi_in(&chip, B, &t, now, &due));
}

static void latency_timer_is_settable(void **state)
{
    (void)state;
    uint8_t ms = 0;
    uint64_t due, now = 1000 * (uint64_t)MS;
    assert_int_equal(control(0x40, 0x09, 3, 2, 0, NULL), 0);
    assert_int_equal(control(0xc0, 0x0a, 0, 2, 1, &ms), 1);
    assert_int_equal(ms, 3);
    control(0xc0, 0x0a, 0, 1, 1, &ms);
    assert_int_equal(ms, 16); // of channel A
    struct ftdi_in t = transfer(512, now);
    assert_false(ftdi_in(&chip, B, &t, now, &due));
    assert_int_equal(due, now + 3 * MS);
}

static void fifo_takes_4096_bytes_when_nobody_reads(void **state)
{
    (void)state;
    static uint8_t data[5000];
    assert_int_equal(ftdi_out(&chip, B, data, sizeof data), FIFO_BYTES);
    assert_int_equal(ftdi_out(&chip, B, data, 1), 0);
    chip.channel[B].fifo.pins_taken = NULL;
    assert_int_equal(control(0x40, 0x00, 1, 2, 0, NULL), 0); // purge towards the device
    assert_int_equal(ftdi_out(&chip, B, data, 100), 100);
}

static void purge_in_gives_credit_back(void **state)
{
    (void)state;
    from_device(100, true);
    assert_int_equal(control(0x40, 0x00, 2, 2, 0, NULL), 0);
    assert_int_equal(taken_by_host, 100);
    uint64_t due, now = loop_now_ns();
    struct ftdi_in t = transfer(512, now);
    assert_false(ftdi_in(&chip, B, &t, now, &due));
}

// What an engine took but had not read when it was replaced goes to its successor.
static void unread_bytes_survive_a_new_design(void **state)
{
    (void)state;
    struct fifo *f = &chip.channel[B].fifo;
    const uint8_t data[] = {1, 2, 3, 4};
    size_t n;
    ftdi_out(&chip, B, data, sizeof data);
    fifo_unsent(f, &n);
    fifo_sent(f, n);
    fifo_read(f, 1); // the first one was read
    fifo_disconnected(f);
    const uint8_t *left = fifo_unsent(f, &n);
    assert_int_equal(n, 3);
    assert_int_equal(left[0], 2);
}

static void fifo_faults(void **state)
{
    (void)state;
    struct fifo *f = &chip.channel[B].fifo;
    const uint8_t data[] = {1, 2, 3, 4, 5};
    f->fault[FIFO_TO_HOST].lose = 2;
    f->fault[FIFO_TO_HOST].corrupt = 1;
    fifo_from_device(f, data, sizeof data, true);
    assert_int_equal(bytes_length(&f->to_host), 3);
    assert_int_equal(bytes_front(&f->to_host)[0], (uint8_t)~3);
    assert_int_equal(taken_by_host, 2); // lost bytes do not keep their credit
    f->fault[FIFO_TO_HOST].insert = 10;
    fifo_from_device(f, data, sizeof data, true);
    assert_int_equal(bytes_length(&f->to_host), 18);
    fifo_take(f, in_buffer, 18);
    assert_int_equal(taken_by_host, 10); // noise gives none
}

static void channel_a_is_mpsse_only_on_demand(void **state)
{
    (void)state;
    uint64_t due, now = loop_now_ns();
    const uint8_t bad[] = {0xaa, 0x87};
    struct ftdi_in t = transfer(512, now);
    ftdi_out(&chip, A, bad, sizeof bad); // a UART with nothing on it
    assert_false(ftdi_in(&chip, A, &t, now, &due));
    assert_int_equal(control(0x40, 0x0b, 0x0200, 1, 0, NULL), 0);
    ftdi_out(&chip, A, bad, sizeof bad);
    t = transfer(512, now);
    assert_true(ftdi_in(&chip, A, &t, now, &due));
    assert_int_equal(t.filled, 4);
    assert_int_equal(in_buffer[2], 0xfa);
    assert_int_equal(in_buffer[3], 0xaa);
    chip.faults.mpsse_mute = true;
    ftdi_out(&chip, A, bad, sizeof bad);
    t = transfer(512, now);
    assert_false(ftdi_in(&chip, A, &t, now, &due));
}

static void descriptors_and_strings(void **state)
{
    (void)state;
    uint8_t d[256];
    assert_int_equal(control(0x80, 6, 0x0100, 0, 18, d), 18);
    assert_int_equal(d[8] | d[9] << 8, 0x0403);
    assert_int_equal(d[10] | d[11] << 8, 0x6010);
    assert_int_equal(control(0x80, 6, 0x0200, 0, 9, d), 9);
    assert_int_equal(d[2], 9 + 2 * 23);
    assert_int_equal(control(0x80, 6, 0x0303, 0x0409, 255, d), 2 + 2 * 6);
    assert_int_equal(d[2], 'U');
    assert_int_equal(control(0x80, 6, 0x0304, 0x0409, 255, d), -EPIPE);
    assert_int_equal(control(0xc0, 0x77, 0, 1, 2, d), -EPIPE);    // no such request
    assert_int_equal(control(0x40, 0x09, 3, 3, 0, NULL), -EPIPE); // no channel C
}

static void eeprom_has_a_good_checksum(void **state)
{
    (void)state;
    uint16_t sum = 0xaaaa;
    for (unsigned i = 0; i < EEPROM_WORDS - 1; i++) {
        uint8_t w[2];
        assert_int_equal(control(0xc0, 0x90, 0, i, 2, w), 2);
        sum ^= (uint16_t)(w[0] | w[1] << 8);
        sum = (uint16_t)(sum << 1 | sum >> 15);
    }
    assert_int_equal(sum, chip.eeprom[EEPROM_WORDS - 1]);
    assert_int_equal(chip.eeprom[0], 0x0100); // A: UART, B: FIFO
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {T(empty_packet_after_the_latency_time),
                                       T(flush_sends_a_short_packet_at_once),
                                       T(without_flush_data_waits_for_the_timer),
                                       T(every_packet_has_its_status_bytes),
                                       T(full_packet_leaves_the_transfer_open),
                                       T(latency_timer_is_settable),
                                       T(fifo_takes_4096_bytes_when_nobody_reads),
                                       T(purge_in_gives_credit_back),
                                       T(unread_bytes_survive_a_new_design),
                                       T(fifo_faults),
                                       T(channel_a_is_mpsse_only_on_demand),
                                       T(descriptors_and_strings),
                                       T(eeprom_has_a_good_checksum)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
