// SPDX-License-Identifier: Apache-2.0
// Which interval of the mean is honest at few blocks: the table that measure/bootstrap.h was chosen
// by.
#include "measure/bootstrap.h"
#include "measure/sample.h"
#include "tools/bench.d/ab_world.h"

#include <math.h>
#include <stdbool.h>
#include <stdio.h>

enum { METHODS = 4, RESAMPLES = 1999, MOST_BLOCKS = 40 };

static bool holds(const struct interval *i, double truth)
{
    return i->low <= truth && truth <= i->high;
}

// Effects of ABBA blocks are differences of means of two windows each; "lone" takes the windows as
// they come, which keeps their skewness.
static double draw(struct lab *lab, bool blocks)
{
    if (!blocks)
        return lab_noise(lab);
    double a = lab_noise(lab), b = lab_noise(lab);
    b += lab_noise(lab);
    a += lab_noise(lab);
    return 0.5 * (b - a);
}

static void count_covered(const struct world *w, bool blocks, int n, int experiments, uint64_t seed,
                          int covered[METHODS])
{
    static double scratch[RESAMPLES];
    double x[MOST_BLOCKS];
    for (int e = 0; e < experiments; e++) {
        struct lab lab;
        lab_open(&lab, w, seed, (uint64_t)e);
        for (int i = 0; i < n; i++)
            x[i] = draw(&lab, blocks);
        struct interval found;
        if (sample_mean_interval(x, n, 0.95, &found) == 0)
            covered[0] += holds(&found, 0);
        for (int kind = 0; kind < METHODS - 1; kind++) {
            if (bootstrap_mean((enum bootstrap_kind)kind, x, n, 0.95, RESAMPLES, (uint64_t)e,
                               scratch, &found) == 0)
                covered[1 + kind] += holds(&found, 0);
        }
    }
}

void intervals_print(int experiments, uint64_t seed)
{
    static const int sizes[] = {8, 12, 20, 40};
    static const char *const shapes[] = {"normal", "spiky", "correlated"};
    const char *comma = "";
    for (int blocks = 1; blocks >= 0; blocks--) {
        for (int shape = NOISE_NORMAL; shape <= NOISE_CORRELATED - !blocks; shape++) {
            for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
                struct world w = {.shape = (enum noise_shape)shape};
                int covered[METHODS] = {0};
                count_covered(&w, blocks, sizes[i], experiments, seed, covered);
                double percent = 100.0 / experiments;
                printf("%s{\"values\":\"%s\",\"noise\":\"%s\",\"blocks\":%d,\"experiments\":%d,"
                       "\"t_pct\":%.2f,\"studentised_pct\":%.2f,\"bca_pct\":%.2f,"
                       "\"percentile_pct\":%.2f}",
                       comma, blocks ? "abba" : "lone", shapes[shape], sizes[i], experiments,
                       covered[0] * percent, covered[1] * percent, covered[2] * percent,
                       covered[3] * percent);
                comma = ",\n";
            }
        }
    }
}
