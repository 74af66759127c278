// SPDX-License-Identifier: Apache-2.0
#include "measure/sample.h"

#include "measure/special.h"

#include <assert.h>
#include <math.h>
#include <string.h>

bool sample_finite(const double *x, int n)
{
    for (int i = 0; i < n; i++) {
        if (!isfinite(x[i]))
            return false;
    }
    return true;
}

int sample_describe(const double *x, int n, struct sample *s)
{
    if (n < 1 || !sample_finite(x, n))
        return -1;
    double mean = 0, squares = 0, low = x[0], high = x[0];
    for (int i = 0; i < n; i++) { // Welford: stable when the mean is large
        double from_old = x[i] - mean;
        mean += from_old / (i + 1);
        squares += from_old * (x[i] - mean);
        low = x[i] < low ? x[i] : low;
        high = x[i] > high ? x[i] : high;
    }
    if (low == high) // exactly, not by the rounding of the sums
        *s = (struct sample){.n = n, .mean = low, .sd = 0, .min = low, .max = high};
    else
        *s = (struct sample){n, mean, sqrt(squares / (n - 1)), low, high};
    return 0;
}

static void sift_down(double *x, int from, int n)
{
    double moving = x[from];
    for (;;) {
        int child = 2 * from + 1;
        if (child >= n)
            break;
        if (child + 1 < n && x[child + 1] > x[child])
            child++;
        if (!(x[child] > moving))
            break;
        x[from] = x[child];
        from = child;
    }
    x[from] = moving;
}

void sample_sort(double *x, int n)
{
    for (int i = n / 2 - 1; i >= 0; i--)
        sift_down(x, i, n);
    for (int i = n - 1; i > 0; i--) {
        double largest = x[0];
        x[0] = x[i];
        x[i] = largest;
        sift_down(x, 0, i);
    }
}

double sample_quantile(const double *sorted, int n, double q)
{
    assert(n >= 1 && q >= 0 && q <= 1);
    double place = q * (n - 1);
    int below = (int)place;
    if (below >= n - 1)
        return sorted[n - 1];
    return sorted[below] + (place - below) * (sorted[below + 1] - sorted[below]);
}

// The median lies outside [x(k+1), x(n-k)] when at most k values lie on one side of it.
int sample_median_interval(const double *sorted, int n, double confidence, struct interval *out)
{
    if (n < 1 || !sample_finite(sorted, n) || !(confidence > 0 && confidence < 1))
        return -1;
    int k = -1;
    double outside = 0; // P(at most k values on one side)
    while (k + 1 < n / 2) {
        double more = outside + binomial_half_point(k + 1, n);
        if (2 * more > 1 - confidence)
            break;
        outside = more;
        k++;
    }
    if (k < 0)
        return -1;
    *out = (struct interval){sorted[k], sorted[n - 1 - k], 1 - 2 * outside};
    return 0;
}

int sample_mean_interval(const double *x, int n, double confidence, struct interval *out)
{
    struct sample s;
    if (n < 2 || !(confidence > 0 && confidence < 1) || sample_describe(x, n, &s) != 0)
        return -1;
    double half = student_upper(0.5 * (1 - confidence), n - 1) * s.sd / sqrt(n);
    *out = (struct interval){s.mean - half, s.mean + half, confidence};
    return 0;
}

static int count_below(const double *sorted, int n, double value, bool or_equal)
{
    int low = 0, high = n;
    while (low < high) {
        int middle = low + (high - low) / 2;
        if (sorted[middle] < value || (or_equal && sorted[middle] <= value))
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

int sample_trend(const double *x, int n, double *rho, double *p, double *scratch)
{
    if (n < 4 || !sample_finite(x, n))
        return -1;
    double *sorted = scratch, *rank = scratch + n;
    memcpy(sorted, x, (size_t)n * sizeof *x);
    sample_sort(sorted, n);
    double centre = 0.5 * (n + 1), cross = 0, ranks = 0, times = 0;
    for (int i = 0; i < n; i++) {
        int below = count_below(sorted, n, x[i], false), upto = count_below(sorted, n, x[i], true);
        rank[i] = 0.5 * (below + 1 + upto);
        cross += (rank[i] - centre) * (i + 1 - centre);
        ranks += (rank[i] - centre) * (rank[i] - centre);
        times += (i + 1 - centre) * (i + 1 - centre);
    }
    *rho = ranks > 0 ? cross / sqrt(ranks * times) : 0;
    double rest = 1 - *rho * *rho;
    *p = rest > 0 ? 2 * student_tail(fabs(*rho) * sqrt((n - 2) / rest), n - 2) : 0;
    return 0;
}
