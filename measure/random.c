// SPDX-License-Identifier: Apache-2.0
#include "measure/random.h"

#include "measure/special.h"

static uint64_t mix(uint64_t *counter)
{
    uint64_t z = *counter += UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    return z ^ z >> 31;
}

static uint64_t rotate(uint64_t x, int by)
{
    return x << by | x >> (64 - by);
}

void random_init(struct random *r, uint64_t seed, uint64_t stream)
{
    uint64_t counter = seed;
    counter = mix(&counter) ^ stream;
    for (int i = 0; i < 4; i++)
        r->state[i] = mix(&counter);
}

uint64_t random_u64(struct random *r)
{
    uint64_t *s = r->state;
    uint64_t result = rotate(s[1] * 5, 7) * 9;
    uint64_t t = s[1] << 17;
    s[2] ^= s[0];
    s[3] ^= s[1];
    s[1] ^= s[2];
    s[0] ^= s[3];
    s[2] ^= t;
    s[3] = rotate(s[3], 45);
    return result;
}

// The high half of a 32 x 32 bit product is uniform once the few low halves that would favour some
// results are drawn again (Lemire, 2019).
uint32_t random_below(struct random *r, uint32_t below)
{
    uint32_t unfair = (0 - below) % below;
    for (;;) {
        uint64_t product = (random_u64(r) >> 32) * below;
        if ((uint32_t)product >= unfair)
            return (uint32_t)(product >> 32);
    }
}

double random_unit(struct random *r)
{
    return ((double)(random_u64(r) >> 12) + 0.5) * 0x1p-52;
}

double random_normal(struct random *r)
{
    return normal_quantile(random_unit(r));
}

void random_permutation(struct random *r, int *order, int n)
{
    for (int i = 0; i < n; i++) {
        int j = (int)random_below(r, (uint32_t)i + 1);
        order[i] = order[j];
        order[j] = i;
    }
}
