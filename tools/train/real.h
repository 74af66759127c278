// SPDX-License-Identifier: Apache-2.0
// The number type of training and the lanes it is computed in. LANES windows go through the net
// side by side: element i of a tensor is LANES numbers at [i * LANES], one of each window. So every
// width of the net vectorises, and the results do not depend on the machine's vector length.
#ifndef SEVENCAST_TRAIN_REAL_H
#define SEVENCAST_TRAIN_REAL_H

#include <math.h>
#include <stdint.h>
#include <string.h>

#ifdef TRAIN_DOUBLE // the gradient test alone
typedef double real;
#define REAL_ROUNDER 6755399441055744.0
#else
typedef float real;
#define REAL_ROUNDER 12582912.0f
#endif

enum { LANES = 16 };

// To the nearest integer, for |v| below 2^21; needs no library call and vectorises everywhere.
static inline real real_round(real v)
{
    return (v + REAL_ROUNDER) - REAL_ROUNDER;
}

// exp(v) for v in [-80, 0], smaller v count as -80.
static inline real real_exp(real v)
{
#ifdef TRAIN_DOUBLE
    return exp(v);
#else
    v = v < -80.0f ? -80.0f : v;
    float n = real_round(v * 1.44269504f);
    // ln 2 in two parts, so that the remainder is exact
    float r = (v - n * 0.693359375f) + n * 2.12194440e-4f;
    float p = 1.0f + r * (1.0f + r * (0.5f + r * (0.166666667f +
                                                  r * (0.0416666667f + r * (0.00833333333f +
                                                                            r * 0.00138888889f)))));
    int32_t exponent = ((int32_t)n + 127) * (1 << 23);
    float scale;
    memcpy(&scale, &exponent, sizeof scale);
    return p * scale;
#endif
}

#endif
