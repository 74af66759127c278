// SPDX-License-Identifier: Apache-2.0
#include "tools/explore/pareto.h"

int pareto_best(const struct pareto_point *p, int count, double cost)
{
    int best = -1;
    for (int i = 0; i < count; i++)
        if (p[i].cost <= cost && (best < 0 || p[i].loss < p[best].loss))
            best = i;
    return best;
}

// From the rectangle's right edge to the left, in strips between neighbouring costs: each is as
// high as the least loss among what costs no more than its left edge.
double pareto_volume(const struct pareto_point *p, int count, struct pareto_point best,
                     struct pareto_point worst)
{
    double area = 0, right = worst.cost;
    while (right > best.cost) {
        double left = best.cost, loss = worst.loss;
        for (int i = 0; i < count; i++) {
            if (p[i].cost >= right)
                continue;
            left = p[i].cost > left ? p[i].cost : left;
            loss = p[i].loss < loss ? p[i].loss : loss;
        }
        loss = loss < best.loss ? best.loss : loss;
        area += (right - left) * (worst.loss - loss);
        right = left;
    }
    return area / ((worst.cost - best.cost) * (worst.loss - best.loss));
}
