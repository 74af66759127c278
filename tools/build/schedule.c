// SPDX-License-Identifier: Apache-2.0
// Orders the passes and counts their cycles. This is the timing of rtl/core, pass by pass: a bench
// holds the count to the RTL's. Cycle 0 is the clock edge that takes start.
#include <assert.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "tools/build/plan_internal.h"

// Edges from choosing a job's last slice to the effect named.
enum {
    SCORE_LATENCY = 6,     // plus lane stages: softmax takes the first score
    WRITE_LATENCY = 10,    // plus lane stages: the writer takes the first code
    NUMERATOR_LATENCY = 7, // from the last read of a sweep
    SUM_LATENCY = 10,      // likewise, until the first sum can be divided
    DIVIDER_STEPS = 17,
};

struct timing {
    long engine;                 // first edge at which the next pass may begin
    long last_slice;             // edge of the last last slice chosen
    int last_drain;              // its job's drain
    long *written;               // [pass in program order]
    long *numerators, *divided;  // [softmax block]
    long slot_free[2];           // [block mod 2]
    long sweep_free, divider_at; // first edge at which they are free
    int blocks;                  // softmax blocks so far
};

// A pass that another reads from (reads = 1) or must merely follow in the program because it takes
// the place of what it read (reads = 0).
struct need {
    int pass, reads;
};

// What is known of a pass while the others are placed.
struct progress {
    int met;    // of its needs, in their order: known to be placed
    long begin; // first edge after what these reads have written
    int writes; // passes in program order that must have been written
};

struct scheduler {
    struct plan *p;
    int *index;         // [layer][op][block][head] pass, or -1
    struct need *needs; // of all passes, one pass after the other
    int *first;         // [pass as written, and one more] its first need
    size_t need_count, need_room;
    struct progress *progress; // [pass as written]
    long patience;             // cycles that a preferred operation is worth waiting for
    int deep;                  // later operations are preferred, not earlier ones
    int *at;                   // [pass as written] place in the program, or -1
    int *softmax;              // [pass as written] block of its scores, or -1
    int placed;
    struct timing t;
};

static long latest(long a, long b)
{
    return a > b ? a : b;
}

static int *place_of(const struct scheduler *c, enum pass_op op, int layer, int block, int head)
{
    const struct plan *p = c->p;
    return &c->index[((layer * PASS_OPS + (int)op) * p->blocks + block) * p->model->shape.heads +
                     head];
}

// Index of a pass; every one exists that is asked for.
static int find(const struct scheduler *c, enum pass_op op, int layer, int block, int head)
{
    int i = *place_of(c, op, layer, block, head);
    if (i < 0)
        abort();
    return i;
}

static int add_need(struct scheduler *c, int pass, int reads)
{
    if (c->need_count == c->need_room) {
        size_t room = 2 * c->need_room + 64;
        void *grown = realloc(c->needs, room * sizeof *c->needs);
        if (!grown)
            return 0;
        c->needs = grown;
        c->need_room = room;
    }
    c->needs[c->need_count++] = (struct need){pass, reads};
    return 1;
}

// 0: no memory.
static int each(struct scheduler *c, enum pass_op op, int layer, int block, int head, int reads)
{
    int heads = c->p->model->shape.heads;
    for (int b = block < 0 ? 0 : block; b <= (block < 0 ? c->p->blocks - 1 : block); b++)
        for (int h = head < 0 ? 0 : head; h <= (head < 0 ? heads - 1 : head); h++)
            if (!add_need(c, find(c, op, layer, b, h), reads))
                return 0;
    return 1;
}

enum { ALL = -1 };

// Of the collapsed form, whose h is its keys and values.
static int collapsed_inputs(struct scheduler *c, const struct pass *s)
{
    int b = s->block;
    switch (s->op) {
    case PASS_IN:
        return 1;
    case PASS_Q:
        return each(c, PASS_IN, 0, b, 0, 1);
    case PASS_SCORES:
        return each(c, PASS_Q, 0, b, 0, 1) && each(c, PASS_IN, 0, ALL, 0, 1);
    case PASS_CONTEXT: // c takes the place of h in the token port's buffer
        return each(c, PASS_SCORES, 0, b, 0, 0);
    case PASS_O: // r that of q
        return each(c, PASS_CONTEXT, 0, b, 0, 1);
    case PASS_FF1:
        return each(c, PASS_O, 0, b, 0, 1);
    case PASS_OUT:
        return each(c, PASS_FF1, 0, ALL, 0, 1);
    case PASS_K:
    case PASS_V:
    case PASS_FF2:
    case PASS_POOL:
    case PASS_OPS:
        break;
    }
    return 0;
}

static int inputs(struct scheduler *c, const struct pass *s)
{
    const struct plan *p = c->p;
    int l = s->layer, b = s->block, last = p->model->shape.layers - 1;
    int ring = plan_memory_map(p).f_blocks;
    if (p->model->shape.form == MODEL_COLLAPSED)
        return collapsed_inputs(c, s);
    switch (s->op) {
    case PASS_IN:
        return 1;
    case PASS_K:
    case PASS_Q:
    case PASS_V:
        if (l == 0)
            return each(c, PASS_IN, 0, b, 0, 1);
        return each(c, PASS_FF2, l - 1, b, 0, 1) &&
               (s->op != PASS_K || each(c, PASS_SCORES, l - 1, ALL, ALL, 0)) &&
               (s->op != PASS_V || each(c, PASS_CONTEXT, l - 1, ALL, ALL, 0));
    case PASS_SCORES:
        return each(c, PASS_Q, l, b, s->head, 1) && each(c, PASS_K, l, ALL, s->head, 1) &&
               (s->head == 0 || each(c, PASS_CONTEXT, l, b, s->head - 1, 0)) &&
               (s->head != 0 || l == 0 || each(c, PASS_CONTEXT, l - 1, b, ALL, 0));
    case PASS_CONTEXT:
        return each(c, PASS_V, l, ALL, s->head, 1) && each(c, PASS_Q, l, b, ALL, 0) &&
               each(c, PASS_K, l, b, ALL, 0) && each(c, PASS_V, l, b, ALL, 0) &&
               each(c, PASS_SCORES, l, b, s->head, 0);
    case PASS_O:
        return each(c, PASS_CONTEXT, l, b, ALL, 1) && each(c, PASS_SCORES, l, b, ALL, 0);
    case PASS_FF1:
        return each(c, PASS_O, l, b, 0, 1) && (b < ring || each(c, PASS_FF2, l, b - ring, 0, 0)) &&
               (l == 0 || b >= ring || each(c, PASS_FF2, l - 1, ALL, 0, 0));
    case PASS_FF2:
        return each(c, PASS_FF1, l, b, 0, 1);
    case PASS_POOL:
        return each(c, PASS_FF2, last, ALL, 0, 1);
    case PASS_OUT:
        return each(c, PASS_POOL, 0, 0, 0, 1);
    case PASS_OPS:
        break;
    }
    return 0;
}

// 0: no memory.
static int find_needs(struct scheduler *c)
{
    const struct plan *p = c->p;
    int places = p->model->shape.layers * PASS_OPS * p->blocks * p->model->shape.heads;
    for (int i = 0; i < places; i++)
        c->index[i] = -1;
    for (int i = 0; i < p->pass_count; i++) {
        const struct pass *s = &p->passes[i];
        *place_of(c, s->op, s->layer, s->block, s->head) = i;
    }
    for (int i = 0; i < p->pass_count; i++) {
        c->first[i] = (int)c->need_count;
        if (!inputs(c, &p->passes[i]))
            return 0;
    }
    c->first[p->pass_count] = (int)c->need_count;
    return 1;
}

// Whether all that a pass needs is placed.
static int ready(struct scheduler *c, int i)
{
    struct progress *g = &c->progress[i];
    for (; c->first[i] + g->met < c->first[i + 1]; g->met++) {
        const struct need *n = &c->needs[c->first[i] + g->met];
        int at = c->at[n->pass];
        if (at < 0)
            return 0;
        if (n->reads) {
            g->begin = latest(g->begin, c->t.written[at] + 1);
            g->writes = at + 1 > g->writes ? at + 1 : g->writes;
        }
    }
    return 1;
}

// First edge at which the pass may begin; -1 while something before it is not placed. Sets waits.
static long earliest(struct scheduler *c, int i)
{
    struct pass *s = &c->p->passes[i];
    struct timing *t = &c->t;
    if (!ready(c, i))
        return -1;
    long begin = latest(t->engine, c->progress[i].begin);
    s->writes = c->progress[i].writes;
    s->softmaxes = s->reciprocals = 0;
    if (s->op == PASS_CONTEXT) {
        int block = c->softmax[find(c, PASS_SCORES, s->layer, s->block, s->head)];
        begin = latest(begin, latest(t->numerators[block], t->divided[block]) + 1);
        s->softmaxes = s->reciprocals = block + 1;
    }
    if (s->op == PASS_SCORES)
        begin = latest(begin, t->slot_free[t->blocks % 2] + 1);
    return begin;
}

// z_edge: first edge at which the divider can be offered the sum.
static void divide(struct scheduler *c, long z_edge, long *done)
{
    struct timing *t = &c->t;
    long offered = latest(z_edge, t->divider_at);
    *done = offered + DIVIDER_STEPS + 2;
    t->divider_at = c->p->hw.divider_pipelined ? offered + 1 : *done;
}

static void run_softmax(struct scheduler *c, struct pass *s, long first_score)
{
    struct timing *t = &c->t;
    int n = c->p->model->shape.window, block = t->blocks;
    long full = first_score + (long)n * s->groups - 1;
    long sweep = latest(full + 1, t->sweep_free), end = sweep;
    long done = 0;
    for (int token = 0; token < s->tokens; token += c->p->hw.softmax_lanes) {
        end = sweep + n - 1;
        sweep += n;
        for (int i = 0; i < c->p->hw.softmax_lanes && token + i < s->tokens; i++)
            divide(c, end + SUM_LATENCY + i, &done);
    }
    t->sweep_free = end + 2;
    t->slot_free[block % 2] = end;
    t->numerators[block] = end + NUMERATOR_LATENCY;
    t->divided[block] = done;
    t->blocks++;
}

static void place(struct scheduler *c, int i, long begin)
{
    struct plan *p = c->p;
    struct pass *s = &p->passes[i];
    struct timing *t = &c->t;
    long edge = begin;
    long first_score = 0;
    s->begin = begin;
    for (int job = 0; job < s->jobs; job++) {
        edge = latest(edge + s->slices - 1, t->last_slice + t->last_drain);
        if (job == 0)
            first_score = edge + p->lane_stages + SCORE_LATENCY;
        t->last_slice = edge;
        t->last_drain = job == s->jobs - 1 ? s->drain_last : s->drain;
        if (s->op == PASS_SCORES && job == s->jobs - 1)
            first_score = edge + p->lane_stages + SCORE_LATENCY + s->drain_last -
                          (long)s->channels * s->groups;
        edge++;
    }
    s->end = edge - 1;
    t->engine = edge;
    t->written[c->placed] = s->end + p->lane_stages + WRITE_LATENCY + s->drain_last - 1;
    if (s->op == PASS_SCORES) {
        c->softmax[i] = t->blocks;
        p->softmax[t->blocks] = (struct softmax_pass){
            .tokens = s->tokens,
            .base = s->block * ceil_div(p->model->shape.window, p->hw.terms),
            .slot = s->block,
            .layer = s->layer,
            .first_row = s->head * p->model->shape.window + s->first_token,
        };
        run_softmax(c, s, first_score);
    }
    c->at[i] = c->placed++;
}

static int preferred(const struct scheduler *c, const struct pass *s, const struct pass *b)
{
    if (s->layer != b->layer)
        return s->layer < b->layer;
    return c->deep ? s->op > b->op : s->op < b->op;
}

// Among passes that could begin now, or within the scheduler's patience, the preferred operation;
// else the one that can begin first.
static int choose(struct scheduler *c, long *begin)
{
    int best = -1;
    for (int i = 0; i < c->p->pass_count; i++) {
        if (c->at[i] >= 0)
            continue;
        long e = earliest(c, i);
        if (e < 0)
            continue;
        if (e <= c->t.engine + c->patience)
            e = c->t.engine;
        const struct pass *s = &c->p->passes[i], *b = &c->p->passes[best < 0 ? 0 : best];
        if (best < 0 || e < *begin || (e == *begin && preferred(c, s, b))) {
            best = i;
            *begin = e;
        }
    }
    return best;
}

static int reorder(struct scheduler *c)
{
    struct plan *p = c->p;
    assert(p->pass_count > 0);
    struct pass *sorted = calloc((size_t)p->pass_count, sizeof *sorted);
    if (!sorted)
        return -1;
    for (int i = 0; i < p->pass_count; i++)
        sorted[c->at[i]] = p->passes[i];
    free(p->passes);
    p->passes = sorted;
    return 0;
}

static void run(struct scheduler *c, long patience, int deep)
{
    struct timing *t = &c->t;
    *t = (struct timing){.engine = 1,
                         .last_slice = -1000,
                         .written = t->written,
                         .numerators = t->numerators,
                         .divided = t->divided};
    c->patience = patience;
    c->deep = deep;
    c->placed = 0;
    for (int i = 0; i < c->p->pass_count; i++)
        c->at[i] = c->softmax[i] = -1;
    memset(c->progress, 0, (size_t)c->p->pass_count * sizeof *c->progress);
    while (c->placed < c->p->pass_count) {
        long begin = 0;
        int i = choose(c, &begin);
        if (i < 0)
            abort(); // the passes wait for each other: our own bug
        place(c, i, earliest(c, i));
    }
    // from the edge of start to that of y_last
    c->p->cycles = t->written[c->p->pass_count - 1];
}

int plan_schedule(struct plan *p)
{
    static const long patiences[] = {0, 4, 8, 12, 16, 20, 24, 28, 32, 40, 60, 100};
    int result = -1;
    size_t n = (size_t)p->pass_count;
    long best = LONG_MAX, best_patience = 0;
    int best_deep = 0;
    struct scheduler c = {.p = p};
    c.at = malloc(n * sizeof *c.at);
    c.softmax = malloc(n * sizeof *c.softmax);
    c.index = malloc((size_t)(p->model->shape.layers * PASS_OPS * p->blocks) *
                     (size_t)p->model->shape.heads * sizeof *c.index);
    c.first = malloc((n + 1) * sizeof *c.first);
    c.progress = calloc(n, sizeof *c.progress);
    c.t.written = calloc(n, sizeof *c.t.written);
    c.t.numerators = calloc(n, sizeof *c.t.numerators);
    c.t.divided = calloc(n, sizeof *c.t.divided);
    p->softmax = calloc(n, sizeof *p->softmax);
    if (!c.at || !c.softmax || !c.index || !c.first || !c.progress || !c.t.written ||
        !c.t.numerators || !c.t.divided || !p->softmax || !find_needs(&c))
        goto fail;
    // long programs are not worth the search: one order more or less is lost among many blocks
    for (int deep = 0; deep <= (p->model->shape.form == MODEL_COLLAPSED); deep++)
        for (size_t i = 0; i < (n > 300 ? 1 : sizeof patiences / sizeof patiences[0]); i++) {
            run(&c, patiences[i], deep);
            if (p->cycles < best) {
                best = p->cycles;
                best_patience = patiences[i];
                best_deep = deep;
            }
        }
    run(&c, best_patience, best_deep);
    p->softmax_count = c.t.blocks;
    result = reorder(&c);
fail:
    free(c.at);
    free(c.softmax);
    free(c.index);
    free(c.needs);
    free(c.first);
    free(c.progress);
    free(c.t.written);
    free(c.t.numerators);
    free(c.t.divided);
    return result;
}
