// SPDX-License-Identifier: Apache-2.0
// Random numbers of training: splitmix64 (S. Vigna, public-domain constants), so that a seed gives
// the same run everywhere.
#ifndef SEVENCAST_TRAIN_DICE_H
#define SEVENCAST_TRAIN_DICE_H

#include <stdint.h>

struct dice {
    uint64_t state;
};

static inline uint64_t dice_u64(struct dice *d)
{
    uint64_t z = (d->state += UINT64_C(0x9e3779b97f4a7c15));
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

// Uniform in [0, 1).
static inline double dice_unit(struct dice *d)
{
    return (double)(dice_u64(d) >> 11) * 0x1p-53;
}

// Uniform in [0, n), n > 0; the bias is below n / 2^64.
static inline uint64_t dice_below(struct dice *d, uint64_t n)
{
    return dice_u64(d) % n;
}

static inline void dice_shuffle(struct dice *d, int *list, int n)
{
    for (int i = n - 1; i > 0; i--) {
        int j = (int)dice_below(d, (uint64_t)i + 1), t = list[i];
        list[i] = list[j];
        list[j] = t;
    }
}

#endif
