// SPDX-License-Identifier: Apache-2.0
#include "tools/train/isa.h"

#include "tools/train/quant.h"

static inline __attribute__((always_inline)) void forward(const real *restrict in,
                                                          real *restrict out, size_t n,
                                                          real inverse, real step,
                                                          struct quant_range range)
{
    const real lo = range.lo, hi = range.hi;
    for (size_t i = 0; i < n; i++) {
        real a = in[i] * inverse;
        a = a < lo ? lo : a;
        a = a > hi ? hi : a;
        out[i] = real_round(a) * step;
    }
}

void quant_forward(const real *in, real *out, size_t n, real step, struct quant_range range)
{
    forward(in, out, n, 1 / step, step, range);
}

void quant_codes(const real *in, real *code, size_t n, real step, struct quant_range range)
{
    forward(in, code, n, 1 / step, 1, range);
}

struct back {
    real inverse, lo, hi;
};

// One element: its gradient in place, its share of the step's gradient as the result.
static inline __attribute__((always_inline)) real back_one(struct back b, real in, real *grad)
{
    real a = in * b.inverse, g = *grad;
    real clamped = a < b.lo ? b.lo : a;
    clamped = clamped > b.hi ? b.hi : clamped;
    // d(step * code)/d step: the code where it is clamped, else the rounding error in steps
    real inside = a < b.lo - (real)0.5 || a > b.hi + (real)0.5 ? 0 : (real)1;
    *grad = g * inside;
    return g * (real_round(clamped) - inside * a);
}

real quant_backward(const real *restrict in, real *restrict grad, size_t n, real step,
                    struct quant_range range)
{
    const struct back b = {1 / step, range.lo, range.hi};
    real sum[LANES] = {0}, total = 0;
    size_t whole = n - n % LANES;
    for (size_t i = 0; i < whole; i += LANES)
        for (size_t lane = 0; lane < LANES; lane++)
            sum[lane] += back_one(b, in[i + lane], &grad[i + lane]);
    for (size_t i = whole; i < n; i++)
        total += back_one(b, in[i], &grad[i]);
    for (int lane = 0; lane < LANES; lane++)
        total += sum[lane];
    return total * step;
}
