// SPDX-License-Identifier: Apache-2.0
#include "tools/build/coarse.h"

#include <assert.h>

static int64_t floor_div(int64_t a, int64_t b)
{
    return a / b - (a % b < 0);
}

static int64_t modulo(int64_t a, int64_t m)
{
    return a - floor_div(a, m) * m;
}

// Sum of (a * i + b) / m over i in [0, n), modulo 2^64: the lattice points below a line. Whole
// slopes are taken off, then the axes change places, as in Euclid's algorithm (R. Graham, D. Knuth,
// O. Patashnik, Concrete Mathematics, 3.5).
static uint64_t floor_sum(int64_t n, int64_t m, int64_t a, int64_t b)
{
    uint64_t sum = 0;
    for (;;) {
        uint64_t pairs =
            n % 2 ? (uint64_t)n * (uint64_t)((n - 1) / 2) : (uint64_t)(n / 2) * (uint64_t)(n - 1);
        sum += pairs * (uint64_t)(a / m) + (uint64_t)n * (uint64_t)(b / m);
        a %= m;
        b %= m;
        int64_t top = a * n + b, slope = a;
        if (top < m)
            return sum;
        n = top / m;
        b = top % m;
        a = m;
        m = slope;
    }
}

// The least of (a * i + b) mod m over i in [0, n); m - 1 where there is none. 0 <= b < m.
static int64_t least_remainder(int64_t n, int64_t m, int64_t a, int64_t b)
{
    int64_t below = -1, least = m - 1;
    while (n > 0 && least - below > 1) {
        int64_t middle = below + (least - below) / 2;
        // a quotient falls by one where middle + 1 is more than the remainder
        uint64_t found =
            floor_sum(n, m, a, b) + (uint64_t)n - floor_sum(n, m, a, b + m - middle - 1);
        if (found > 0)
            least = middle;
        else
            below = middle;
    }
    return least;
}

int64_t coarse_bias(const struct coarse_requant *q, int64_t bias)
{
    // without a product there is one sum
    int64_t multiplier = q->multiplier > 0 ? q->multiplier : 1;
    int64_t acc_low = q->multiplier > 0 ? q->acc_low : 0;
    int64_t acc_high = q->multiplier > 0 ? q->acc_high : 0;
    int64_t unit = (int64_t)1 << q->shift;
    assert(q->shift >= 1 && q->shift <= 40 && acc_high - acc_low < INT32_MAX && bias >= -q->most &&
           bias <= q->most);
    // the first acc of code low, of the code above it, of code high and of the one above that:
    // codes at a limit bound the bias on one side alone
    int64_t firsts[4];
    const int64_t codes[4] = {q->low, (int64_t)q->low + 1, q->high, (int64_t)q->high + 1};
    for (int i = 0; i < 4; i++) {
        int64_t first = -floor_div(bias - codes[i] * unit, multiplier);
        firsts[i] = first < acc_low ? acc_low : first > acc_high ? acc_high + 1 : first;
    }
    int64_t down = least_remainder(firsts[3] - firsts[1], unit, multiplier,
                                   modulo(firsts[1] * multiplier + bias, unit));
    int64_t up = least_remainder(firsts[2] - firsts[0], unit, multiplier,
                                 modulo(-(firsts[2] - 1) * multiplier - bias - 1, unit));
    int64_t best = bias, from = bias - down, to = bias + up;
    from = from < -q->most ? -q->most : from;
    to = to > q->most ? q->most : to;
    for (int zeros = 1; zeros < 48; zeros++) {
        int64_t step = (int64_t)1 << zeros, value = floor_div(to, step) * step;
        if (value < from)
            break;
        best = value;
    }
    return best;
}
