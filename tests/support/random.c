// SPDX-License-Identifier: Apache-2.0
#include "tests/support/random.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

void rng_init(struct rng *r, uint64_t fallback)
{
    const char *text = getenv("SEVENCAST_SEED");
    r->state = text ? strtoull(text, NULL, 0) : fallback;
    printf("seed %" PRIu64 "\n", r->state);
}

uint64_t rng_u64(struct rng *r)
{
    uint64_t z = (r->state += UINT64_C(0x9e3779b97f4a7c15));
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

int64_t rng_range(struct rng *r, int64_t lo, int64_t hi)
{
    uint64_t span = (uint64_t)hi - (uint64_t)lo + 1;
    uint64_t offset = span ? rng_u64(r) % span : rng_u64(r);
    return (int64_t)((uint64_t)lo + offset);
}
