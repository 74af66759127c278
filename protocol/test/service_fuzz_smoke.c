// SPDX-License-Identifier: Apache-2.0
// Runs the fuzz target on mutations of the examples of PROTOCOL.md, the same ones every time.
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "protocol/service.h"
#include "tests/support/random.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { RUNS = 60000, LINES = 128, BYTES = 4096 };

static char *line[LINES];
static size_t lines;

static int read_lines(void **state)
{
    (void)state;
    char text[BYTES];
    FILE *f = fopen("protocol/PROTOCOL.md", "r");
    assert_non_null(f);
    while (lines < LINES && fgets(text, sizeof text, f))
        if (strncmp(text, "-> {", 4) == 0 || strncmp(text, "<- {", 4) == 0)
            line[lines++] = strdup(text + 3);
    fclose(f);
    assert_true(lines > 20);
    return 0;
}

static int free_lines(void **state)
{
    (void)state;
    while (lines)
        free(line[--lines]);
    return 0;
}

// Flips, removes, doubles and copies in pieces of another example.
static size_t mutate(struct rng *rng, uint8_t *bytes, size_t n)
{
    size_t at = (size_t)rng_range(rng, 0, (int64_t)n - 1);
    size_t span = (size_t)rng_range(rng, 0, 12);
    if (span > n - at)
        span = n - at;
    switch (rng_range(rng, 0, 4)) {
    case 0:
        bytes[at] = (uint8_t)rng_u64(rng);
        return n;
    case 1:
        bytes[at] = (uint8_t) "{}[]\",:0-e\\"[rng_range(rng, 0, 10)];
        return n;
    case 2:
        memmove(bytes + at, bytes + at + span, n - at - span);
        return n - span ? n - span : 1;
    case 3:
        if (n + span > BYTES)
            return n;
        memmove(bytes + at + span, bytes + at, n - at);
        return n + span;
    default: {
        const char *other = line[rng_range(rng, 0, (int64_t)lines - 1)];
        size_t from = (size_t)rng_range(rng, 0, (int64_t)strlen(other) - 1);
        size_t take = strlen(other + from) < span ? strlen(other + from) : span;
        memcpy(bytes + at, other + from, take);
        return n;
    }
    }
}

static void test_mutations(void **state)
{
    (void)state;
    struct rng rng;
    rng_init(&rng, 8);
    for (int run = 0; run < RUNS; run++) {
        static uint8_t bytes[2 + 2 * BYTES + 64];
        const char *from = line[rng_range(&rng, 0, (int64_t)lines - 1)];
        size_t n = strlen(from);
        bytes[0] = (uint8_t)(run % 4 ? 0 : 8 * rng_range(&rng, 0, 6));
        bytes[1] = 0;
        memcpy(bytes + 2, from, n);
        for (int64_t m = rng_range(&rng, 0, 4); m > 0; m--)
            n = mutate(&rng, bytes + 2, n);
        for (int i = 0; i < bytes[0]; i++) // the tensors behind the header
            bytes[2 + n++] = (uint8_t)(rng_u64(&rng) & 0x3f);
        LLVMFuzzerTestOneInput(bytes, n + 2);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_mutations)};
    return cmocka_run_group_tests(tests, read_lines, free_lines);
}
