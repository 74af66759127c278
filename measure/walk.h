// SPDX-License-Identifier: Apache-2.0
// Probabilities of a standardised sum of independent normal effects that is looked at several times
// and leaves when it is outside that look's bounds: the recursive integration of Armitage,
// McPherson & Rowe (1969), with Gauss-Legendre nodes on each look's region. Used by sequential.c
// only.
#ifndef SEVENCAST_MEASURE_WALK_H
#define SEVENCAST_MEASURE_WALK_H

enum { WALK_MAX_NODES = 64 };

struct walk {
    double upper, lower;     // probability of having left on either side so far
    const double *unit_node; // borrowed, Gauss-Legendre on [-1, 1]
    const double *unit_weight;
    int nodes;
    int n;                       // effects at the latest look; 0 before the first
    double node[WALK_MAX_NODES]; // places inside the latest bounds...
    double mass[WALK_MAX_NODES]; // ...and the probability of being there, still inside
};

struct walk_exits {
    double upper, lower;
};

// Gauss-Legendre nodes and weights on [-1, 1].
void walk_nodes(double *node, double *weight, int count);

// The nodes are borrowed and must outlive w.
void walk_start(struct walk *w, const double *unit_node, const double *unit_weight, int nodes);

// P(left upwards so far, or at or above high at a look with n effects), and downwards; low <= high.
struct walk_exits walk_exits(const struct walk *w, int n, double low, double high);

// Goes past a look with n effects (more than before) whose bounds are low and high.
void walk_past(struct walk *w, int n, double low, double high);

#endif
