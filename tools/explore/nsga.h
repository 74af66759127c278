// SPDX-License-Identifier: Apache-2.0
// NSGA-II (Deb, Pratap, Agarwal, Meyarivan: A fast and elitist multiobjective genetic algorithm,
// IEEE Trans. Evol. Comp. 6, 2002) over genes with a few levels each: fast non-dominated sort,
// crowding distance, binary tournament, uniform crossover, mutation of single genes. All
// objectives are made small. A baseline to compare with.
#ifndef SEVENCAST_EXPLORE_NSGA_H
#define SEVENCAST_EXPLORE_NSGA_H

#include <stdint.h>

enum { NSGA_GENES = 64, NSGA_OBJECTIVES = 4 };

struct nsga_individual {
    unsigned char gene[NSGA_GENES]; // below the gene's levels
    double objective[NSGA_OBJECTIVES];
    int rank;        // 0: not dominated within its population
    double crowding; // the larger, the lonelier
};

struct nsga {
    int genes, levels[NSGA_GENES], objectives;
    int population;  // even, at least 4
    int evaluations; // in all, at least the population; of different individuals while there are
                     // any
    uint64_t seed;
    // Begins with these, the rest is drawn; may be 0.
    const struct nsga_individual *first; // borrowed
    int firsts;
    // Fills in the objectives of a batch. Not 0: give up.
    int (*evaluate)(void *context, struct nsga_individual *batch, int count);
    void *context;
};

// all: [evaluations], what was evaluated, in order. front: [population], the last population's
// individuals of rank 0, no two alike. Returns their count, or -1: evaluate gave up, no memory.
int nsga_run(const struct nsga *n, struct nsga_individual *all, struct nsga_individual *front);

// 1 where a is nowhere worse and somewhere better.
int nsga_dominates(const struct nsga_individual *a, const struct nsga_individual *b,
                   int objectives);
// Ranks and crowding of a population.
int nsga_rank(struct nsga_individual *x, int count, int objectives); // -1: no memory

#endif
