// SPDX-License-Identifier: Apache-2.0
// Bursts against a link in this process that answers as PROTOCOL.md 1.2 says, or does not.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <string.h>

#include "daemon/burst.h"

enum { OUTPUTS = 3, CYCLES = 1500, PAUSE = 2, HZ = 100000000 };

static const int16_t y[OUTPUTS] = {-7, 300, 2};
static uint8_t payload[LINK_MAX_PAYLOAD];
static char why[BURST_WHY];

// A device that does `runs` of the frame's and ends as `end`.
static size_t device(uint32_t runs, enum link_burst_end end, uint32_t mismatches, int16_t first)
{
    uint8_t values[2 * OUTPUTS];
    for (int k = 0; k < OUTPUTS; k++) {
        uint16_t v = (uint16_t)(k ? y[k] : first);
        values[2 * k] = (uint8_t)v;
        values[2 * k + 1] = (uint8_t)(v >> 8);
    }
    const struct link_burst_result r = {.runs = runs,
                                        .mismatches = mismatches,
                                        .busy_cycles = (uint64_t)runs * CYCLES,
                                        .cycles = (uint64_t)runs * (CYCLES + PAUSE) - PAUSE,
                                        .end = end,
                                        .windows = 1,
                                        .y = values};
    return link_burst_result_encode(&r, OUTPUTS, payload);
}

static enum burst_verdict answer(struct burst *b, uint32_t runs, enum link_burst_end end)
{
    size_t n = device(runs, end, 0, y[0]);
    return burst_answer(b, LINK_BURST | LINK_ANSWER, payload, n, why);
}

static struct burst begun(uint32_t repeat, double seconds)
{
    struct burst b;
    assert_true(burst_begin(&b, repeat, seconds, CYCLES, HZ, y, OUTPUTS));
    return b;
}

static void chunks_add_up(void **state)
{
    (void)state;
    struct burst b = begun(0, 35);
    struct link_burst frame;
    int frames = 0;
    while (burst_next(&b, &frame)) {
        assert_int_equal(frame.windows, 1);
        assert_true((uint64_t)frame.runs * CYCLES <= (uint64_t)BURST_CHUNK_S * HZ);
        // the watch-dog lets all runs pass, and no more than twice their time
        uint64_t limit = (uint64_t)frame.limit * LINK_BURST_LIMIT_CYCLES;
        assert_true(limit > (uint64_t)frame.runs * (CYCLES + PAUSE));
        assert_true(limit < (uint64_t)frame.runs * CYCLES * 2 + 4 * LINK_BURST_LIMIT_CYCLES);
        assert_int_equal(answer(&b, frame.runs, LINK_BURST_DONE), BURST_GOOD);
        frames++;
    }
    assert_int_equal(frames, 4);
    assert_int_equal(b.chunks, 4);
    assert_int_equal(b.left, 0);
    assert_true((double)b.busy_cycles / HZ >= 35 && (double)b.busy_cycles / HZ < 35.001);
    assert_true(b.cycles == b.busy_cycles + (b.runs - 4) * (uint64_t)PAUSE);
}

static void what_ends_first(void **state)
{
    (void)state;
    assert_int_equal(begun(10, 0).left, 10);
    assert_int_equal(begun(10, 100).left, 10);
    assert_int_equal(begun(1000000000, 0.0015).left, 100);
    struct burst b;
    assert_false(burst_begin(&b, 0, 0, CYCLES, HZ, y, OUTPUTS));
    assert_false(burst_begin(&b, 1, -1, CYCLES, HZ, y, OUTPUTS));
    assert_false(burst_begin(&b, 1, 0, 0, HZ, y, OUTPUTS));
    assert_false(burst_begin(&b, 1, 0, CYCLES, 0, y, OUTPUTS));
    assert_false(burst_begin(&b, 1, 0, CYCLES, HZ, y, BURST_OUTPUTS + 1));
    assert_false(burst_begin(&b, 1, 0, UINT32_MAX, HZ, y, OUTPUTS)); // 43 s a run
}

static void a_stop_keeps_what_was_done(void **state)
{
    (void)state;
    struct link_burst frame;
    struct burst b = begun(1000, 0);
    assert_true(burst_next(&b, &frame));
    burst_stop(&b);
    assert_int_equal(answer(&b, 400, LINK_BURST_STOPPED), BURST_GOOD);
    assert_int_equal(b.runs, 400);
    assert_int_equal(b.left, 600);
    assert_false(burst_next(&b, &frame));
    // a STOP that came too late
    b = begun(1000, 0);
    assert_true(burst_next(&b, &frame));
    burst_stop(&b);
    assert_int_equal(answer(&b, 1000, LINK_BURST_DONE), BURST_GOOD);
    assert_int_equal(b.left, 0);
}

static void an_old_design_is_no_fault(void **state)
{
    (void)state;
    struct link_burst frame;
    struct burst b = begun(5, 0);
    burst_next(&b, &frame);
    const uint8_t bad_type[] = {LINK_BAD_TYPE, LINK_BURST, 0, 0}, busy[] = {LINK_BUSY, 6, 0, 0};
    assert_int_equal(burst_answer(&b, LINK_ERROR, bad_type, 4, why), BURST_UNKNOWN);
    assert_non_null(strstr(why, "knows no bursts"));
    assert_int_equal(burst_answer(&b, LINK_ERROR, busy, 4, why), BURST_WRONG);
    assert_non_null(strstr(why, "BUSY"));
}

static void expect_wrong(size_t n, const char *words)
{
    struct link_burst frame;
    struct burst b = begun(1000, 0);
    burst_next(&b, &frame);
    assert_int_equal(burst_answer(&b, LINK_BURST | LINK_ANSWER, payload, n, why), BURST_WRONG);
    if (!strstr(why, words))
        fail_msg("\"%s\" does not say \"%s\"", why, words);
}

static void wrong_answers_are_told(void **state)
{
    (void)state;
    expect_wrong(device(1000, LINK_BURST_DONE, 3, y[0]), "3 of 1000 runs");
    expect_wrong(device(1000, LINK_BURST_DONE, 0, (int16_t)(y[0] + 1)), "another y");
    expect_wrong(device(999, LINK_BURST_DONE, 0, y[0]), "did not do the runs");
    expect_wrong(device(1001, LINK_BURST_STOPPED, 0, y[0]), "did not do the runs");
    expect_wrong(device(900, LINK_BURST_LIMIT, 0, y[0]), "watch-dog");
    expect_wrong(device(1000, LINK_BURST_DONE, 0, y[0]) - 2, "makes no sense");
    expect_wrong(0, "makes no sense");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(chunks_add_up),
        cmocka_unit_test(what_ends_first),
        cmocka_unit_test(a_stop_keeps_what_was_done),
        cmocka_unit_test(an_old_design_is_no_fault),
        cmocka_unit_test(wrong_answers_are_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
