// SPDX-License-Identifier: Apache-2.0
#include "tools/explore/box.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { FIRST_CAPACITY = 256, Y_BITS = 16 };

static int step(double value, double grain)
{
    return value > 0 ? (int)ceil(log(value) / log1p(grain / 100) - 1e-9) : 0;
}

struct cell cell_of(const struct price *p, double grain)
{
    return (struct cell){.cycles = (int)p->cycles,
                         .lut = step(p->lut, grain),
                         .energy = step(1e3 * p->energy_uj, grain),
                         .dsp = p->dsp,
                         .ramb18 = p->ramb18_limit};
}

int cell_within(const struct cell *a, const struct cell *b)
{
    return a->cycles <= b->cycles && a->lut <= b->lut && a->energy <= b->energy &&
           a->dsp <= b->dsp && a->ramb18 <= b->ramb18;
}

// A total order, so that a run does not depend on what other processes found meanwhile.
static int before(const struct box *a, const struct box *b)
{
    if (a->added < b->added || a->added > b->added)
        return a->added < b->added;
    int c = memcmp(a->hi, b->hi, sizeof a->hi);
    return c ? c > 0 : memcmp(a->lo, b->lo, sizeof a->lo) > 0;
}

int heap_push(struct heap *h, const struct box *b)
{
    if (h->count == h->capacity) {
        int capacity = h->capacity ? 2 * h->capacity : FIRST_CAPACITY;
        struct box *more = realloc(h->box, (size_t)capacity * sizeof *more);
        if (!more)
            return -1;
        h->box = more;
        h->capacity = capacity;
    }
    int at = h->count++;
    for (; at > 0 && before(b, &h->box[(at - 1) / 2]); at = (at - 1) / 2)
        h->box[at] = h->box[(at - 1) / 2];
    h->box[at] = *b;
    return 0;
}

int heap_pop(struct heap *h, struct box *b)
{
    if (h->count == 0)
        return 0;
    *b = h->box[0];
    const struct box last = h->box[--h->count];
    int at = 0;
    for (;;) {
        int child = 2 * at + 1;
        if (child >= h->count)
            break;
        child += child + 1 < h->count && before(&h->box[child + 1], &h->box[child]);
        if (!before(&h->box[child], &last))
            break;
        h->box[at] = h->box[child];
        at = child;
    }
    h->box[at] = last;
    return 1;
}

void heap_free(struct heap *h)
{
    free(h->box);
    *h = (struct heap){0};
}

// The group of a tensor by its name without the layer. In the collapsed form keys and values are h,
// f is summed without being stored, and w_y does not pass the lanes. A z that has a layer behind it
// goes through the token port.
static int find_group(const char *name, const struct model_shape *shape)
{
    enum { TOKENS = 1, SUMMED = 2, KEYS = 3, LAST = GROUPS - 1 };
    static const char *const member[GROUPS][7] = {
        {"x"},           {"h", "q", "c", "r", "f", "o"}, // the token port's buffer
        {"z"}, // the residual memory with h and r, and the pool's sums
        {"k"},           {"v"},
        {"e", "u"}, // a table of e for each u
        {"w_in", "w_y"}, {"w_q", "w_k", "w_v", "w_o"},
        {"w_1"},         {"w_2"}};
    const char *dot = strrchr(name, '.');
    const int collapsed = shape->form == MODEL_COLLAPSED;
    const long layer = dot ? strtol(name + strlen("layers."), NULL, 10) : 0;
    name = dot ? dot + 1 : name;
    if (!strcmp(name, "z") && layer < shape->layers - 1)
        return TOKENS;
    if (collapsed && !strcmp(name, "f"))
        return SUMMED;
    if (collapsed && !strcmp(name, "h"))
        return KEYS;
    if (collapsed && !strcmp(name, "w_y"))
        return LAST;
    for (int g = 0; g < GROUPS; g++)
        for (int i = 0; i < 7 && member[g][i]; i++)
            if (!strcmp(member[g][i], name))
                return g;
    return 0; // not reached: trial_tensors has no other names
}

// Widest measured width of a tensor up to bits, or its narrowest one.
static int width_within(const struct sensitivity *s, int tensor, int bits)
{
    for (int b = bits; b >= WIDTH_MIN; b--)
        if (isfinite(s->added[tensor][b]))
            return b;
    while (!isfinite(s->added[tensor][bits]))
        bits++;
    return bits;
}

void levels_of(struct levels *l, const struct sensitivity *s)
{
    *l = (struct levels){.tensors = s->tensors, .groups = GROUPS};
    for (int t = 0; t < s->tensors; t++)
        l->group_of[t] = find_group(s->name[t], &s->shape);
    for (int g = 0; g < GROUPS; g++)
        for (int b = WIDTH_MIN; b <= WIDTH_MAX; b++) {
            const int n = l->count[g];
            double added = 0;
            for (int t = 0; t < s->tensors; t++) {
                l->width[g][n][t] = (unsigned char)width_within(s, t, b);
                added += l->group_of[t] == g ? s->added[t][l->width[g][n][t]] : 0;
            }
            // a level that saves no loss saves nothing
            if (n > 0 && !(added < l->added[g][n - 1]))
                continue;
            l->added[g][n] = added;
            l->count[g]++;
        }
}

double levels_added(const struct levels *l, const unsigned char *index)
{
    double sum = 0;
    for (int g = 0; g < l->groups; g++)
        sum += l->added[g][index[g]];
    return sum;
}

unsigned char levels_width(const struct levels *l, const unsigned char *index, int tensor)
{
    const int g = l->group_of[tensor];
    return l->width[g][index[g]][tensor];
}

struct model_bits levels_bits(const struct levels *l, const struct sensitivity *s,
                              const unsigned char *index)
{
    struct model_bits bits = {.y = Y_BITS};
    for (int t = 0; t < l->tensors; t++)
        *trial_width(&s->shape, &bits, t) = levels_width(l, index, t);
    return bits;
}
