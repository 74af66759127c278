// SPDX-License-Identifier: Apache-2.0
#include "measure/permutation.h"

#include "measure/random.h"
#include "measure/sample.h"
#include "measure/special.h"

#include <math.h>

// All sign patterns in Gray-code order, one flip a step; the last sign stays, as the mirrored half
// of the patterns gives the same absolute sums.
static double exact_share(const double *x, int n, double observed)
{
    double signed_value[PERMUTATION_EXACT_VALUES], sum = 0;
    for (int i = 0; i < n; i++) {
        signed_value[i] = x[i];
        sum += x[i];
    }
    uint32_t patterns = UINT32_C(1) << (n - 1), hits = 0;
    for (uint32_t i = 1;; i++) {
        hits += fabs(sum) >= observed;
        if (i == patterns)
            break;
        int flip = 0;
        while (!(i >> flip & 1))
            flip++;
        sum -= 2 * signed_value[flip];
        signed_value[flip] = -signed_value[flip];
    }
    return (double)hits / patterns;
}

static double random_share(const double *x, int n, double observed, int flips, uint64_t seed)
{
    struct random r;
    random_init(&r, seed, 1);
    int hits = 0;
    for (int k = 0; k < flips; k++) {
        double sum = 0;
        uint64_t bits = 0;
        for (int i = 0; i < n; i++) {
            bits = i % 64 == 0 ? random_u64(&r) : bits >> 1;
            sum += bits & 1 ? x[i] : -x[i];
        }
        hits += fabs(sum) >= observed;
    }
    return (1.0 + hits) / (1.0 + flips);
}

int permutation_sign_flip(const double *x, int n, int flips, uint64_t seed, double *p)
{
    bool exact = n <= PERMUTATION_EXACT_VALUES;
    if (n < 1 || !sample_finite(x, n) || (!exact && flips < 99))
        return -1;
    double sum = 0, size = 0;
    for (int i = 0; i < n; i++) {
        sum += x[i];
        size += fabs(x[i]);
    }
    double observed = fabs(sum) - 1e-12 * size; // sums in another order round differently
    *p = exact ? exact_share(x, n, observed) : random_share(x, n, observed, flips, seed);
    return 0;
}

static double one_sided(double distance, double error, int df)
{
    if (error > 0)
        return student_tail(distance / error, df);
    return distance > 0 ? 0 : 1;
}

int equivalence_test(const double *x, int n, double margin, double alpha, struct equivalence *out)
{
    struct sample s;
    if (n < 2 || !(margin > 0) || !(alpha > 0 && alpha < 0.5) || sample_describe(x, n, &s) != 0)
        return -1;
    double error = s.sd / sqrt(n), half = student_upper(alpha, n - 1) * error;
    double p_low = one_sided(s.mean + margin, error, n - 1);
    double p_high = one_sided(margin - s.mean, error, n - 1);
    double p = p_low > p_high ? p_low : p_high;
    *out = (struct equivalence){p, s.mean - half, s.mean + half, p < alpha};
    return 0;
}
