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

// The least of (a * i + b) mod m over i in [0, n); m - 1 where there is none. 0 <= b < m. It is b
// or the value behind one of the overflows, and behind the k-th one stands (b - k * m) mod a: again
// such a sequence, of a modulus that is at most half as large where a long step is taken backwards.
static int64_t least_remainder(int64_t n, int64_t m, int64_t a, int64_t b)
{
    int64_t least = m - 1;
    while (n > 0) {
        a %= m;
        if (2 * a > m) { // from the last one to the first
            b = (a * (n - 1) + b) % m;
            a = m - a;
        }
        least = b < least ? b : least;
        if (a == 0)
            break;
        n = (a * (n - 1) + b) / m;
        b = modulo(b - m, a);
        int64_t step = modulo(-m, a);
        m = a;
        a = step;
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
