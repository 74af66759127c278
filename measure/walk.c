// SPDX-License-Identifier: Apache-2.0
#include "measure/walk.h"

#include "measure/special.h"

#include <assert.h>
#include <math.h>

static const double inverse_sqrt_two_pi = 0.39894228040143267794;
static const double far_out = 8; // a standard normal is further out with probability 1.2e-15

// Roots of the Legendre polynomial by Newton's method from the cosine start.
void walk_nodes(double *node, double *weight, int count)
{
    for (int i = 0; i < count; i++) {
        double x = cos(3.14159265358979323846 * (i + 0.75) / (count + 0.5)), slope = 0;
        for (int round = 0; round < 20; round++) {
            double p = 1, before = 0;
            for (int k = 1; k <= count; k++) {
                double next = ((2 * k - 1) * x * p - (k - 1) * before) / k;
                before = p;
                p = next;
            }
            slope = count * (x * p - before) / (x * x - 1);
            x -= p / slope;
            if (fabs(p / slope) < 1e-15)
                break;
        }
        node[i] = x;
        weight[i] = 2 / ((1 - x * x) * slope * slope);
    }
}

void walk_start(struct walk *w, const double *unit_node, const double *unit_weight, int nodes)
{
    assert(nodes >= 1 && nodes <= WALK_MAX_NODES);
    *w = (struct walk){.unit_node = unit_node, .unit_weight = unit_weight, .nodes = nodes};
}

struct walk_exits walk_exits(const struct walk *w, int n, double low, double high)
{
    if (w->n == 0)
        return (struct walk_exits){normal_tail(high), normal_tail(-low)};
    assert(n > w->n);
    double keep = sqrt((double)w->n / n), fresh = 1 / sqrt(1 - keep * keep);
    struct walk_exits out = {w->upper, w->lower};
    for (int i = 0; i < w->nodes; i++) {
        double centre = keep * w->node[i];
        out.upper += w->mass[i] * normal_tail((high - centre) * fresh);
        out.lower += w->mass[i] * normal_tail((centre - low) * fresh);
    }
    return out;
}

static double density_at(const struct walk *w, int n, double y)
{
    if (w->n == 0)
        return inverse_sqrt_two_pi * exp(-0.5 * y * y);
    double keep = sqrt((double)w->n / n), fresh = 1 / sqrt(1 - keep * keep), sum = 0;
    for (int i = 0; i < w->nodes; i++) {
        double z = (y - keep * w->node[i]) * fresh;
        sum += w->mass[i] * exp(-0.5 * z * z);
    }
    return sum * inverse_sqrt_two_pi * fresh;
}

void walk_past(struct walk *w, int n, double low, double high)
{
    struct walk_exits out = walk_exits(w, n, low, high);
    double from = fmin(fmax(low, -far_out), far_out), to = fmin(fmax(high, -far_out), far_out);
    double node[WALK_MAX_NODES], mass[WALK_MAX_NODES];
    for (int j = 0; j < w->nodes; j++) {
        node[j] = 0.5 * (from + to) + 0.5 * (to - from) * w->unit_node[j];
        mass[j] = 0.5 * (to - from) * w->unit_weight[j] * density_at(w, n, node[j]);
    }
    for (int j = 0; j < w->nodes; j++) {
        w->node[j] = node[j];
        w->mass[j] = mass[j];
    }
    w->upper = out.upper;
    w->lower = out.lower;
    w->n = n;
}
