// SPDX-License-Identifier: Apache-2.0
// Runs the fuzz target without libFuzzer: streams of likely words, some behind a header, and a good
// virtual bitstream with damage.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
// cmocka wants the four above first
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "bitstream/bitstream.h"
#include "bitstream/test/bitstream_fuzz.h"
#include "tests/support/random.h"

static size_t put(uint8_t *out, uint32_t word)
{
    for (int i = 0; i < 4; i++)
        out[i] = (uint8_t)(word >> (24 - 8 * i));
    return 4;
}

// One packet, or something like it.
static size_t piece(struct rng *r, uint8_t *out)
{
    uint32_t reg = (uint32_t)rng_range(r, 0, 31), count = (uint32_t)rng_range(r, 0, 5);
    size_t n = 0;

    switch (rng_range(r, 0, 7)) {
    case 0:
        return put(out, CONFIG_SYNC);
    case 1:
        return put(out, 0x20000000);
    case 2:
        return put(out, (uint32_t)rng_u64(r));
    case 3:
        return put(out, 0x50000000u | (uint32_t)rng_range(r, 0, 40));
    case 4: // a command
        n = put(out, 0x30008001);
        return n + put(out + n, (uint32_t)rng_range(r, 0, 13));
    case 5:
        n = put(out, 0x30018001);
        return n + put(out + n, 0x03620093);
    default:
        n = put(out, (rng_range(r, 0, 3) ? 0x30000000u : 0x28000000u) | reg << 13 | count);
        for (uint32_t i = 0; i < count; i++)
            n += put(out + n, (uint32_t)rng_u64(r));
        return n;
    }
}

static void test_likely_words(void **state)
{
    static uint8_t file[4096];
    struct rng rng;

    (void)state;
    rng_init(&rng, 41);
    for (int run = 0; run < 4000; run++) {
        size_t n = put(file, rng_range(&rng, 0, 3) ? CONFIG_SYNC : 0xffffffff);
        size_t limit = (size_t)rng_range(&rng, 0, 4000);
        while (n < limit)
            n += piece(&rng, file + n);
        assert_int_equal(LLVMFuzzerTestOneInput(file, n - (size_t)rng_range(&rng, 0, 3)), 0);
    }
}

static void test_damaged_file(void **state)
{
    const struct virtual_mark mark = {.variant = "fuzz"};
    struct rng rng;
    size_t n;
    uint8_t *file = bitstream_make_virtual(device_part_by_name("xc7s15"), &mark, &n);

    (void)state;
    assert_non_null(file);
    rng_init(&rng, 42);
    for (int run = 0; run < 60; run++) {
        // most of the structure is in the first 400 and the last 2,400 bytes
        size_t at = (size_t)rng_range(&rng, 0, 2) ? (size_t)rng_range(&rng, 0, 400)
                                                  : n - (size_t)rng_range(&rng, 1, 2400);
        uint8_t kept = file[at];
        file[at] = (uint8_t)rng_u64(&rng);
        assert_int_equal(LLVMFuzzerTestOneInput(file, n), 0);
        file[at] = kept;
    }
    free(file);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_likely_words),
        cmocka_unit_test(test_damaged_file),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
