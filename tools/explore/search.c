// SPDX-License-Identifier: Apache-2.0
#define _DEFAULT_SOURCE // MAP_ANONYMOUS
#include "tools/explore/search.h"

#include <errno.h>
#include <math.h>
#include <poll.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tools/explore/box.h"

enum { MOST_POINTS = 1 << 18, TELL_MS = 200, WHY_BYTES = 256, LISTEN_BOXES = 64 };
enum { NO_LUTS = 1 << 24 }; // of what cannot be planned

// What the processes share: each takes the next engine and adds the points it finds.
struct shared {
    atomic_int next, done, failed;
    atomic_long priced, boxes;
    atomic_int count;
    struct {
        atomic_int ready;
        int process;
        struct search_point point;
    } found[MOST_POINTS];
};

// What a process knows of the front.
struct known {
    struct cell cell;
    double added;
    int engine;
};

struct worker {
    const struct search *s;
    struct shared *shared;
    struct levels levels;
    struct pricer pricer;
    struct known *known; // owned
    int count, capacity, seen, process;
    char why[WHY_BYTES];
};

static int learn(struct worker *w, const struct search_point *p)
{
    if (w->count == w->capacity) {
        int capacity = w->capacity ? 2 * w->capacity : 1024;
        struct known *more = realloc(w->known, (size_t)capacity * sizeof *more);
        if (!more)
            return -1;
        w->known = more;
        w->capacity = capacity;
    }
    w->known[w->count++] = (struct known){cell_of(&p->price, w->s->grain), p->added, p->engine};
    return 0;
}

// Points that other processes found meanwhile.
static int listen(struct worker *w)
{
    for (int end = atomic_load(&w->shared->count); w->seen < end && w->seen < MOST_POINTS;
         w->seen++) {
        if (!atomic_load(&w->shared->found[w->seen].ready))
            break;
        if (w->shared->found[w->seen].process != w->process &&
            learn(w, &w->shared->found[w->seen].point))
            return -1;
    }
    return 0;
}

// The least price that anything as wide as a corner or wider can have.
static struct price least(const struct search *s, struct price p)
{
    const double share = 1 - s->slack / 100;
    if (p.lut < NO_LUTS)
        p.lut = (int)(p.lut * share);
    p.lutram = (int)(p.lutram * share);
    p.ff = (int)(p.ff * share);
    p.ramb18 = 0;
    return p;
}

// A tie goes to the earlier engine, whichever process was faster.
static int beaten(const struct worker *w, const struct cell *cell, double added, int engine)
{
    for (int i = w->count - 1; i >= 0; i--) {
        const struct known *k = &w->known[i];
        if ((k->added < added || (k->added <= added && k->engine <= engine)) &&
            (w->s->least_loss || cell_within(&k->cell, cell)))
            return 1;
    }
    return 0;
}

static int emit(struct worker *w, const struct box *b, int engine)
{
    struct search_point p = {.added = b->added, .engine = engine, .price = b->wide};
    for (int t = 0; t < w->levels.tensors; t++)
        p.width[t] = levels_width(&w->levels, b->hi, t);
    int at = atomic_fetch_add(&w->shared->count, 1);
    if (at >= MOST_POINTS) {
        snprintf(w->why, sizeof w->why, "more than %d points; take a coarser --grain", MOST_POINTS);
        return -1;
    }
    w->shared->found[at].point = p;
    w->shared->found[at].process = w->process;
    atomic_store(&w->shared->found[at].ready, 1);
    return learn(w, &p);
}

// What cannot be planned breaks every budget.
static int price(struct worker *w, const unsigned char *index, int engine, struct price *p)
{
    const struct model_bits bits = levels_bits(&w->levels, w->s->sens, index);
    atomic_fetch_add(&w->shared->priced, 1);
    int rc = pricer_price(&w->pricer, &bits, engine, p, w->why, sizeof w->why);
    if (rc > 0)
        *p = (struct price){.lut = NO_LUTS};
    return rc < 0 ? -1 : 0;
}

// The group of the box with most loss between its narrowest and widest level.
static int widest(const struct worker *w, const struct box *b)
{
    int best = 0;
    double most = -1;
    for (int g = 0; g < w->levels.groups; g++) {
        double range = w->levels.added[g][b->lo[g]] - w->levels.added[g][b->hi[g]];
        if (b->hi[g] > b->lo[g] && range > most) {
            most = range;
            best = g;
        }
    }
    return best;
}

// Adds a box unless nothing in it can be a point.
static int keep(struct worker *w, struct heap *h, const struct box *b, int engine)
{
    const struct price narrow = least(w->s, b->narrow);
    const struct cell cell = cell_of(&narrow, w->s->grain);
    if (!budget_holds(&w->s->budget, &narrow) || beaten(w, &cell, b->added, engine))
        return 0;
    return heap_push(h, b);
}

static int cut(struct worker *w, struct heap *h, const struct box *b, int engine)
{
    const int g = widest(w, b), middle = (b->lo[g] + b->hi[g]) / 2;
    struct box low = *b, high = *b;
    low.hi[g] = (unsigned char)middle;
    high.lo[g] = (unsigned char)(middle + 1);
    low.added = levels_added(&w->levels, low.hi);
    if (price(w, low.hi, engine, &low.wide) || price(w, high.lo, engine, &high.narrow))
        return -1;
    return keep(w, h, &high, engine) || keep(w, h, &low, engine) ? -1 : 0;
}

static int take(struct worker *w, struct heap *h, const struct box *b, int engine)
{
    const struct price corner = least(w->s, b->narrow);
    const struct cell narrow = cell_of(&corner, w->s->grain);
    const struct cell wide = cell_of(&b->wide, w->s->grain);
    if (beaten(w, &narrow, b->added, engine))
        return 0;
    if (budget_holds(&w->s->budget, &b->wide) && !beaten(w, &wide, b->added, engine)) {
        if (emit(w, b, engine))
            return -1;
        if (cell_within(&wide, &narrow))
            return 0;
    }
    return memcmp(b->lo, b->hi, sizeof b->lo) ? cut(w, h, b, engine) : 0;
}

static int search_engine(struct worker *w, int engine)
{
    struct heap heap = {0};
    struct box b = {0};
    int rc = 0;
    for (int g = 0; g < w->levels.groups; g++)
        b.hi[g] = (unsigned char)(w->levels.count[g] - 1);
    b.added = levels_added(&w->levels, b.hi);
    if (price(w, b.lo, engine, &b.narrow) || price(w, b.hi, engine, &b.wide))
        return -1;
    rc = keep(w, &heap, &b, engine);
    for (long n = 0; !rc && heap_pop(&heap, &b); n++) {
        atomic_fetch_add(&w->shared->boxes, 1);
        if (n % LISTEN_BOXES == 0)
            rc = listen(w);
        if (!rc)
            rc = take(w, &heap, &b, engine);
    }
    heap_free(&heap);
    return rc;
}

static int work(const struct search *s, struct shared *shared, int process)
{
    struct worker w = {.s = s, .shared = shared, .process = process};
    levels_of(&w.levels, s->sens);
    int rc = pricer_open(&w.pricer, &s->sens->shape, s->engine, s->engines, s->integers, w.why,
                         sizeof w.why);
    while (!rc) {
        int engine = atomic_fetch_add(&shared->next, 1);
        if (engine >= s->engines)
            break;
        rc = search_engine(&w, engine);
        atomic_fetch_add(&shared->done, !rc);
    }
    if (rc)
        fprintf(stderr, "sevencast-explore: %s\n", w.why[0] ? w.why : "out of memory");
    pricer_close(&w.pricer);
    free(w.known);
    return rc ? 1 : 0;
}

static int by_loss(const void *x, const void *y)
{
    const struct search_point *a = x, *b = y;
    if (a->added < b->added || a->added > b->added)
        return a->added < b->added ? -1 : 1;
    if (a->engine != b->engine)
        return a->engine - b->engine;
    return memcmp(a->width, b->width, sizeof a->width);
}

int search_beats(const struct search_point *a, const struct search_point *b, double grain)
{
    const struct cell x = cell_of(&a->price, grain), y = cell_of(&b->price, grain);
    return a->added <= b->added && cell_within(&x, &y);
}

// What one process found while another one knew better goes.
static int gather(struct search *s, const struct shared *shared)
{
    const int count = atomic_load(&shared->count);
    s->point = calloc((size_t)count + 1, sizeof *s->point);
    if (!s->point)
        return -1;
    for (int i = 0; i < count; i++)
        s->point[i] = shared->found[i].point;
    qsort(s->point, (size_t)count, sizeof *s->point, by_loss);
    s->count = 0;
    for (int i = 0; i < count; i++) {
        int beaten = 0;
        for (int k = s->count - 1; k >= 0 && !beaten; k--)
            beaten = s->least_loss || search_beats(&s->point[k], &s->point[i], s->grain);
        if (!beaten)
            s->point[s->count++] = s->point[i];
    }
    return 0;
}

// Waits for the processes; 0 when all ended well.
static int await(const struct search *s, const struct shared *shared, pid_t *child)
{
    int failed = 0, left = 0;
    for (int i = 0; i < s->jobs; i++)
        left += child[i] > 0;
    while (left > 0) {
        poll(NULL, 0, TELL_MS);
        for (int i = 0, status; i < s->jobs; i++)
            if (child[i] > 0 && waitpid(child[i], &status, WNOHANG) == child[i]) {
                child[i] = 0;
                left--;
                failed |= !WIFEXITED(status) || WEXITSTATUS(status) != 0;
            }
        if (s->told)
            s->told(s->context, atomic_load(&shared->done), atomic_load(&shared->priced));
    }
    return failed ? -1 : 0;
}

static double combinations(const struct search *s)
{
    double product = s->engines;
    for (int t = 0; t < s->sens->tensors; t++) {
        int levels = 0;
        for (int b = WIDTH_MIN; b <= WIDTH_MAX; b++)
            levels += isfinite(s->sens->added[t][b]) != 0;
        product *= levels;
    }
    return product;
}

int search_run(struct search *s, char *why, size_t whycap)
{
    struct shared *shared =
        mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    pid_t *child = calloc((size_t)s->jobs, sizeof *child);
    int rc = shared != MAP_FAILED && child ? 0 : -1;
    s->point = NULL;
    s->count = 0;
    if (rc) {
        snprintf(why, whycap, "search: %s", strerror(errno));
        goto done;
    }
    fflush(NULL);
    for (int i = 0; i < s->jobs && !rc; i++) {
        child[i] = fork();
        if (child[i] == 0)
            _exit(work(s, shared, i));
        rc = child[i] < 0 ? -1 : 0;
    }
    if (await(s, shared, child) || rc) {
        rc = -1;
        snprintf(why, whycap, "search: a process failed");
        goto done;
    }
    rc = gather(s, shared);
    if (rc)
        snprintf(why, whycap, "search: out of memory");
    s->priced = atomic_load(&shared->priced);
    s->boxes = atomic_load(&shared->boxes);
    s->combinations = combinations(s);
done:
    free(child);
    if (shared != MAP_FAILED)
        munmap(shared, sizeof *shared);
    return rc;
}

void search_free(struct search *s)
{
    free(s->point);
    s->point = NULL;
    s->count = 0;
}

struct model_bits search_bits(const struct sensitivity *s, const struct search_point *p)
{
    struct model_bits bits = {.y = 16};
    for (int t = 0; t < s->tensors; t++)
        *trial_width(&s->shape, &bits, t) = p->width[t];
    return bits;
}
