// SPDX-License-Identifier: Apache-2.0
// The fuzz target on texts that begin as a good file and are damaged at random, without libFuzzer.
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "csv/test/csv_fuzz.h"
#include "tests/support/random.h"

static void damaged_files(void **state)
{
    (void)state;
    static const char good[] =
        "# c\nt,a,\"b \"\"x\"\"\"\n2000,1.5,NA\r\n\n2001,,\"-3e4\"\n2002,7, 8 \n";
    static const char pieces[] = ",\"\n\r#tNAn1e9.- \t\\x\xef\xbb\xbf";
    struct rng r;
    rng_init(&r, 1);
    for (int round = 0; round < 100000; round++) {
        uint8_t text[sizeof good + 8];
        size_t size = sizeof good - 1;
        memcpy(text, good, size);
        for (int64_t k = rng_range(&r, 0, 8); k > 0; k--) {
            size_t at = (size_t)rng_range(&r, 0, (int64_t)size - 1);
            text[at] = (uint8_t)(k & 1 ? pieces[rng_range(&r, 0, sizeof pieces - 2)]
                                       : (char)rng_range(&r, 0, 255));
        }
        LLVMFuzzerTestOneInput(text, (size_t)rng_range(&r, 1, (int64_t)size));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(damaged_files)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
