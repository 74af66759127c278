// SPDX-License-Identifier: Apache-2.0
// Runs the fuzz target without libFuzzer on seeded streams: frames, damaged frames, noise that is
// rich in sync bytes, in random order and cut at random places.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "protocol/link.h"
#include "protocol/test/link_fuzz.h"
#include "tests/support/random.h"

enum { STREAMS = 2000, STREAM_BYTES = 8192 };

static size_t noise(struct rng *r, uint8_t *out, size_t n)
{
    static const uint8_t likely[] = {0xa5, 0x37, 0x01, 0x00, 0xa5, 0x08};
    for (size_t i = 0; i < n; i++)
        out[i] = rng_range(r, 0, 1) ? likely[rng_range(r, 0, 5)] : (uint8_t)rng_u64(r);
    return n;
}

// A payload that could be a burst or its answer, so that the decoders get past their lengths.
static size_t burst(struct rng *r, uint8_t *out)
{
    size_t n = LINK_BURST_BYTES;
    noise(r, out, LINK_BURST_HEAD_BYTES + 16);
    if (rng_range(r, 0, 1)) {
        out[3] = 0x80;
        out[7] = (uint8_t)rng_range(r, 0, 0x81);
        out[15] = (uint8_t)rng_range(r, 0, 0x81);
        out[23] = 0x80;
        out[24] = (uint8_t)rng_range(r, 0, 3);
        out[25] = (uint8_t)rng_range(r, 0, 3);
        n = LINK_BURST_HEAD_BYTES + 2 * (size_t)rng_range(r, 0, 8);
    }
    return n;
}

static size_t piece(struct rng *r, uint8_t *out)
{
    uint8_t payload[LINK_MAX_PAYLOAD];
    size_t n = (size_t)rng_range(r, 0, rng_range(r, 0, 9) ? 40 : LINK_MAX_PAYLOAD);
    noise(r, payload, n);
    if (rng_range(r, 0, 4) == 0)
        n = burst(r, payload);
    if (rng_range(r, 0, 3) == 0)
        return noise(r, out, n);
    n = link_encode(out, (uint8_t)rng_u64(r), (uint16_t)rng_u64(r), payload, n);
    if (rng_range(r, 0, 2) == 0)
        out[rng_range(r, 0, (int64_t)n - 1)] ^= (uint8_t)(1 << rng_range(r, 0, 7));
    if (rng_range(r, 0, 3) == 0)
        n = (size_t)rng_range(r, 0, (int64_t)n);
    return n;
}

static void seeded_streams(void **state)
{
    (void)state;
    static uint8_t stream[STREAM_BYTES + LINK_MAX_FRAME];
    struct rng r;
    rng_init(&r, 20);
    for (int i = 0; i < STREAMS; i++) {
        size_t size = 0, limit = (size_t)rng_range(&r, 0, STREAM_BYTES);
        while (size < limit)
            size += piece(&r, stream + size);
        assert_int_equal(LLVMFuzzerTestOneInput(stream, size), 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(seeded_streams)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
