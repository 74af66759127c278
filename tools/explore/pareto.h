// SPDX-License-Identifier: Apache-2.0
// Points of cost and loss, and how good a set of them is.
#ifndef SEVENCAST_EXPLORE_PARETO_H
#define SEVENCAST_EXPLORE_PARETO_H

struct pareto_point {
    double cost, loss;
};

// The area that the points dominate within a rectangle, as a share of it: 0 none, 1 all.
double pareto_volume(const struct pareto_point *p, int count, struct pareto_point best,
                     struct pareto_point worst);
// Index of the least loss within the cost, -1: none.
int pareto_best(const struct pareto_point *p, int count, double cost);

#endif
