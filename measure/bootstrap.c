// SPDX-License-Identifier: Apache-2.0
#include "measure/bootstrap.h"

#include "measure/random.h"
#include "measure/special.h"

#include <math.h>

struct resampled {
    double mean, sd;
};

static struct resampled resample(const double *x, int n, double centre, struct random *r)
{
    double sum = 0, squares = 0; // of deviations from the sample's mean, so nothing cancels
    for (int i = 0; i < n; i++) {
        double d = x[random_below(r, (uint32_t)n)] - centre;
        sum += d;
        squares += d * d;
    }
    double variance = (squares - sum * sum / n) / (n - 1);
    return (struct resampled){centre + sum / n, variance > 0 ? sqrt(variance) : 0};
}

// A resample that drew one value n times (probability n^(1-n)) has no scatter to divide by: its t
// is the largest there is, on the side of its mean.
static double studentise(struct resampled b, const struct sample *s)
{
    if (b.sd <= 1e-9 * s->sd)
        return b.mean > s->mean ? HUGE_VAL : -HUGE_VAL;
    return (b.mean - s->mean) / (b.sd / sqrt(s->n));
}

static double quantile_at(const double *sorted, int count, double q)
{
    // The order statistic that q (count + 1) points at: the usual choice for bootstrap tails.
    int place = (int)floor(q * (count + 1) + 0.5) - 1;
    return sorted[place < 0 ? 0 : place >= count ? count - 1 : place];
}

static struct interval studentised(const double *t, int count, const struct sample *s, double level)
{
    double error = s->sd / sqrt(s->n), tail = 0.5 * (1 - level);
    return (struct interval){s->mean - quantile_at(t, count, 1 - tail) * error,
                             s->mean - quantile_at(t, count, tail) * error, level};
}

// Acceleration: a sixth of the skewness of the jackknifed means.
static double acceleration(const double *x, const struct sample *s)
{
    double squares = 0, cubes = 0;
    for (int i = 0; i < s->n; i++) {
        double d = (x[i] - s->mean) / s->sd;
        squares += d * d;
        cubes += d * d * d;
    }
    return cubes / (6 * pow(squares, 1.5));
}

static struct interval bca(const double *x, const double *mean, int count, const struct sample *s,
                           double level)
{
    int below = 0;
    while (below < count && mean[below] < s->mean)
        below++;
    double bias = normal_quantile((below + 0.5) / (count + 1)), a = acceleration(x, s);
    double z = normal_quantile(0.5 * (1 - level)), limit[2];
    for (int side = 0; side < 2; side++) {
        double shifted = bias + (side ? -z : z);
        limit[side] = quantile_at(mean, count, normal_tail(-(bias + shifted / (1 - a * shifted))));
    }
    return (struct interval){limit[0], limit[1], level};
}

int bootstrap_mean(enum bootstrap_kind kind, const double *x, int n, double confidence,
                   int resamples, uint64_t seed, double *scratch, struct interval *out)
{
    struct sample s;
    if (n < BOOTSTRAP_MIN_VALUES || resamples < BOOTSTRAP_MIN_RESAMPLES ||
        !(confidence > 0 && confidence < 1) || sample_describe(x, n, &s) != 0)
        return -1;
    if (s.sd <= 0) {
        *out = (struct interval){s.mean, s.mean, confidence};
        return 0;
    }
    struct random r;
    random_init(&r, seed, 0);
    for (int i = 0; i < resamples; i++) {
        struct resampled b = resample(x, n, s.mean, &r);
        scratch[i] = kind == BOOTSTRAP_STUDENTISED ? studentise(b, &s) : b.mean;
    }
    sample_sort(scratch, resamples);
    double tail = 0.5 * (1 - confidence);
    if (kind == BOOTSTRAP_STUDENTISED)
        *out = studentised(scratch, resamples, &s, confidence);
    else if (kind == BOOTSTRAP_BCA)
        *out = bca(x, scratch, resamples, &s, confidence);
    else
        *out = (struct interval){quantile_at(scratch, resamples, tail),
                                 quantile_at(scratch, resamples, 1 - tail), confidence};
    return 0;
}

int bootstrap_median(const double *x, int n, double confidence, int resamples, uint64_t seed,
                     double *scratch, struct interval *out)
{
    if (n < BOOTSTRAP_MIN_VALUES || resamples < BOOTSTRAP_MIN_RESAMPLES ||
        !(confidence > 0 && confidence < 1) || !sample_finite(x, n))
        return -1;
    double *drawn = scratch + resamples;
    struct random r;
    random_init(&r, seed, 0);
    for (int i = 0; i < resamples; i++) {
        for (int k = 0; k < n; k++)
            drawn[k] = x[random_below(&r, (uint32_t)n)];
        sample_sort(drawn, n);
        scratch[i] = sample_quantile(drawn, n, 0.5);
    }
    sample_sort(scratch, resamples);
    double tail = 0.5 * (1 - confidence);
    *out = (struct interval){quantile_at(scratch, resamples, tail),
                             quantile_at(scratch, resamples, 1 - tail), confidence};
    return 0;
}

int bootstrap_next_look(int n, double half_width, double target, int most)
{
    static const double reserve = 1.2; // of scatter that was underestimated
    if (n >= most || half_width <= target)
        return 0;
    double ratio = half_width / target, due = ceil(n * ratio * ratio * reserve);
    return due <= n + 1 ? n + 1 : due >= most ? most : (int)due;
}
