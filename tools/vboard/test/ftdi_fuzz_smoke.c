// SPDX-License-Identifier: Apache-2.0
// Runs the fuzz target without libFuzzer on seeded sequences that are rich in real MPSSE commands.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/support/random.h"
#include "tools/vboard/test/ftdi_fuzz.h"

enum { SEQUENCES = 400, SEQUENCE_BYTES = 2048 };

static void seeded_sequences(void **state)
{
    (void)state;
    static const uint8_t likely[] = {0x19, 0x39, 0x3b, 0x1b, 0x4b, 0x6b, 0x80, 0x81, 0x87, 0x84,
                                     0x85, 0x2a, 0x28, 0x8e, 0x00, 0x01, 0x03, 0x05, 0x0b, 0x06,
                                     0xc0, 0x40, 0x02, 0x09, 0x90, 0xaa, 0x99, 0x55, 0x66};
    static uint8_t data[SEQUENCE_BYTES];
    struct rng r;
    rng_init(&r, 21);
    for (int i = 0; i < SEQUENCES; i++) {
        size_t n = (size_t)rng_range(&r, 0, SEQUENCE_BYTES);
        for (size_t k = 0; k < n; k++)
            data[k] = rng_range(&r, 0, 3) ? likely[rng_range(&r, 0, sizeof likely - 1)]
                                          : (uint8_t)rng_u64(&r);
        assert_int_equal(LLVMFuzzerTestOneInput(data, n), 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(seeded_sequences)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
