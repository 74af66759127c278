// SPDX-License-Identifier: Apache-2.0
// The fit: each part to its own counts, pulled towards what structure says, because there are as
// many features as counts. The pull, and that a second fit of everything to the totals does no
// good, come from leaving out one configuration after the other of those that are not held out.
#include <math.h>

#include "tools/estimate/calibration.h"

static const double own_pull = 0.05;

enum { N = PART_FEATURES };

// Solves a x = b by Gauss with pivots, x in the place of b; a is positive definite by the pull.
static void solve(double a[N][N], double b[N])
{
    for (int i = 0; i < N; i++) {
        int pivot = i;
        for (int k = i + 1; k < N; k++)
            pivot = fabs(a[k][i]) > fabs(a[pivot][i]) ? k : pivot;
        for (int k = 0; k < N; k++) {
            double t = a[i][k];
            a[i][k] = a[pivot][k];
            a[pivot][k] = t;
        }
        double t = b[i];
        b[i] = b[pivot];
        b[pivot] = t;
        for (int k = i + 1; k < N; k++) {
            double factor = a[k][i] / a[i][i];
            for (int m = i; m < N; m++)
                a[k][m] -= factor * a[i][m];
            b[k] -= factor * b[i];
        }
    }
    for (int i = N - 1; i >= 0; i--) {
        for (int k = i + 1; k < N; k++)
            b[i] -= a[i][k] * b[k];
        b[i] /= a[i][i];
    }
}

static double size_of(const struct calibrated *c, int resource)
{
    double size = resource == PART_LUT ? c->lut : resource == PART_FF ? c->ff : c->lutram;
    return size > 200 ? size : 200;
}

// Moves a part's coefficients by least squares of what they leave of its counts.
static void improve(const struct calibration *c, int part, int resource, double x[N])
{
    double a[N][N] = {{0}}, b[N] = {0};
    for (size_t i = 0; i < c->count; i++) {
        const struct calibrated *k = &c->list[i];
        if (k->held_out)
            continue;
        double weight = 1 / size_of(k, resource), rest = k->part[part][resource];
        const double *f = k->features.value[part][resource];
        for (int j = 0; j < N; j++)
            rest -= f[j] * x[j];
        for (int j = 0; j < N; j++) {
            b[j] += weight * f[j] * weight * rest;
            for (int m = 0; m < N; m++)
                a[j][m] += weight * f[j] * weight * f[m];
            a[j][j] += own_pull * weight * f[j] * weight * f[j];
        }
    }
    for (int j = 0; j < N; j++)
        a[j][j] += a[j][j] > 0 ? 0 : 1; // a feature that no configuration has
    solve(a, b);
    for (int j = 0; j < N; j++)
        x[j] += b[j];
}

void calibration_fit(const struct calibration *c, fitted_t out)
{
    for (int part = 0; part < PARTS; part++)
        for (int r = 0; r < PART_RESOURCES; r++) {
            for (int i = 0; i < N; i++)
                out[part][r][i] = part_expected((enum part)part, (enum part_resource)r, i);
            if (!part_is_exact((enum part)part, (enum part_resource)r))
                improve(c, part, r, out[part][r]);
        }
}
