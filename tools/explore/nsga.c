// SPDX-License-Identifier: Apache-2.0
#include "tools/explore/nsga.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "tools/model/model_random.h" // splitmix64

enum { TRIES = 200 }; // to breed somebody who was not evaluated yet

int nsga_dominates(const struct nsga_individual *a, const struct nsga_individual *b, int objectives)
{
    int better = 0;
    for (int i = 0; i < objectives; i++) {
        if (a->objective[i] > b->objective[i])
            return 0;
        better |= a->objective[i] < b->objective[i];
    }
    return better;
}

// Sorts the indices of a front by one objective, by insertion: fronts are small.
static void sort_by(int *order, int count, const struct nsga_individual *x, int objective)
{
    for (int i = 1; i < count; i++) {
        int own = order[i], at = i;
        for (; at > 0 && x[order[at - 1]].objective[objective] > x[own].objective[objective]; at--)
            order[at] = order[at - 1];
        order[at] = own;
    }
}

static void crowd(struct nsga_individual *x, int *front, int count, int objectives)
{
    for (int i = 0; i < count; i++)
        x[front[i]].crowding = 0;
    for (int o = 0; o < objectives; o++) {
        sort_by(front, count, x, o);
        const double least = x[front[0]].objective[o], most = x[front[count - 1]].objective[o];
        x[front[0]].crowding = x[front[count - 1]].crowding = INFINITY;
        for (int i = 1; i < count - 1 && most > least; i++)
            x[front[i]].crowding +=
                (x[front[i + 1]].objective[o] - x[front[i - 1]].objective[o]) / (most - least);
    }
}

int nsga_rank(struct nsga_individual *x, int count, int objectives)
{
    int *dominators = calloc((size_t)count, sizeof *dominators);
    int *front = calloc((size_t)count, sizeof *front);
    int done = 0;
    if (!dominators || !front) {
        free(dominators);
        free(front);
        return -1;
    }
    for (int i = 0; i < count; i++) {
        x[i].rank = -1;
        for (int k = 0; k < count; k++)
            dominators[i] += nsga_dominates(&x[k], &x[i], objectives);
    }
    for (int rank = 0; done < count; rank++) {
        int size = 0;
        for (int i = 0; i < count; i++)
            if (x[i].rank < 0 && dominators[i] == 0)
                front[size++] = i;
        assert(size > 0);
        for (int f = 0; f < size; f++)
            x[front[f]].rank = rank;
        for (int f = 0; f < size; f++)
            for (int i = 0; i < count; i++)
                dominators[i] -= nsga_dominates(&x[front[f]], &x[i], objectives);
        crowd(x, front, size, objectives);
        done += size;
    }
    free(dominators);
    free(front);
    return 0;
}

static int preferred(const struct nsga_individual *a, const struct nsga_individual *b)
{
    return a->rank != b->rank ? a->rank < b->rank : a->crowding > b->crowding;
}

static int by_preference(const void *a, const void *b)
{
    return preferred(b, a) - preferred(a, b);
}

static int draw(struct model_rng *r, int count)
{
    return (int)model_rng_range(r, 0, count - 1);
}

static void draw_genes(const struct nsga *n, struct model_rng *r, struct nsga_individual *x)
{
    memset(x, 0, sizeof *x);
    for (int g = 0; g < n->genes; g++)
        x->gene[g] = (unsigned char)draw(r, n->levels[g]);
}

static const struct nsga_individual *tournament(const struct nsga *n, struct model_rng *r,
                                                const struct nsga_individual *parents)
{
    const struct nsga_individual *a = &parents[draw(r, n->population)];
    const struct nsga_individual *b = &parents[draw(r, n->population)];
    return preferred(b, a) ? b : a;
}

// Each gene from either parent; one gene in all changes, on average.
static void breed(const struct nsga *n, struct model_rng *r, const struct nsga_individual *parents,
                  struct nsga_individual *child)
{
    const struct nsga_individual *a = tournament(n, r, parents), *b = tournament(n, r, parents);
    memset(child, 0, sizeof *child);
    for (int g = 0; g < n->genes; g++) {
        child->gene[g] = draw(r, 2) ? a->gene[g] : b->gene[g];
        if (draw(r, n->genes) == 0)
            child->gene[g] = (unsigned char)draw(r, n->levels[g]);
    }
}

static int is_among(const struct nsga_individual *x, const struct nsga_individual *all, int count)
{
    for (int i = 0; i < count; i++)
        if (!memcmp(x->gene, all[i].gene, sizeof x->gene))
            return 1;
    return 0;
}

// A batch of individuals nobody has evaluated, behind the `done` that were.
static int next_batch(const struct nsga *n, struct model_rng *r,
                      const struct nsga_individual *parents, struct nsga_individual *all, int done)
{
    int count = n->evaluations - done < n->population ? n->evaluations - done : n->population;
    for (int i = 0; i < count; i++) {
        struct nsga_individual *x = &all[done + i];
        int tries = 0;
        do {
            if (!parents && i < n->firsts && !tries)
                *x = n->first[i];
            else if (!parents || tries > TRIES / 2)
                draw_genes(n, r, x);
            else
                breed(n, r, parents, x);
        } while (is_among(x, all, done + i) && ++tries < TRIES);
    }
    return count;
}

static int take_front(const struct nsga *n, const struct nsga_individual *parents,
                      struct nsga_individual *front)
{
    int count = 0;
    for (int i = 0; i < n->population; i++)
        if (parents[i].rank == 0 && !is_among(&parents[i], front, count))
            front[count++] = parents[i];
    return count;
}

int nsga_run(const struct nsga *n, struct nsga_individual *all, struct nsga_individual *front)
{
    struct model_rng r = {n->seed};
    const int most = 2 * n->population;
    struct nsga_individual *both = calloc((size_t)most, sizeof *both);
    int done = 0, result = -1;
    assert(n->population >= 4 && n->population <= n->evaluations && n->genes <= NSGA_GENES &&
           n->objectives <= NSGA_OBJECTIVES);
    if (!both)
        return -1;
    while (done < n->evaluations) {
        const int count = next_batch(n, &r, done ? both : NULL, all, done);
        if (n->evaluate(n->context, all + done, count))
            goto done;
        // parents and children compete
        const int parents = done ? n->population : 0;
        memcpy(both + parents, all + done, (size_t)count * sizeof *both);
        done += count;
        if (nsga_rank(both, parents + count, n->objectives))
            goto done;
        qsort(both, (size_t)(parents + count), sizeof *both, by_preference);
        if (nsga_rank(both, n->population, n->objectives))
            goto done;
    }
    result = take_front(n, both, front);
done:
    free(both);
    return result;
}
