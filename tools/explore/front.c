// SPDX-License-Identifier: Apache-2.0
#include "tools/explore/front.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tools/explore/trial.h"
#include "tools/train/bits.h"

enum { Y_BITS = 16, PART_MAX = 8 };

struct part {
    int tensor[PART_MAX], tensors;
};

static int better(const struct front_point *a, const struct front_point *b)
{
    if (a->operations != b->operations)
        return a->operations < b->operations ? -1 : 1;
    if (a->added < b->added || a->added > b->added)
        return a->added < b->added ? -1 : 1;
    return a->bits_sum - b->bits_sum;
}

static int compare(const void *a, const void *b)
{
    return better(a, b);
}

// Keeps the points that no other one beats in both; a tie goes to the fewer bits.
static void thin(struct front *f, long limit)
{
    double least = INFINITY;
    int kept = 0;
    qsort(f->point, (size_t)f->count, sizeof *f->point, compare);
    for (int i = 0; i < f->count; i++)
        if (f->point[i].added < least && (!limit || f->point[i].operations <= limit)) {
            least = f->point[i].added;
            f->point[kept++] = f->point[i];
        }
    f->count = kept;
}

struct model_bits front_bits(const struct sensitivity *s, const struct front_point *p)
{
    struct model_bits bits = {.y = Y_BITS};
    for (int t = 0; t < s->tensors; t++)
        *trial_width(&s->shape, &bits, t) = p->width[t];
    return bits;
}

void front_text(const struct sensitivity *s, const struct model_bits *bits, char *text, size_t cap)
{
    trial_text(&s->shape, bits, text, cap);
}

// Operations of the products within one part: other widths are zero and so are their products.
static long operations(const struct sensitivity *s, const struct part *part,
                       const struct front_point *p)
{
    struct model_bits bits = {0};
    for (int i = 0; i < part->tensors; i++)
        *trial_width(&s->shape, &bits, part->tensor[i]) = p->width[part->tensor[i]];
    return bits_operations(&bits, &s->shape);
}

// All combinations of a part's widths, thinned.
static int enumerate(struct front *f, const struct sensitivity *s, const struct part *part,
                     long limit)
{
    int level[PART_MAX][WIDTHS], levels[PART_MAX] = {0}, total = 1;
    *f = (struct front){0};
    for (int i = 0; i < part->tensors; i++) {
        for (int b = WIDTH_MIN; b <= WIDTH_MAX; b++)
            if (isfinite(s->added[part->tensor[i]][b]))
                level[i][levels[i]++] = b;
        total *= levels[i];
    }
    f->point = calloc((size_t)total, sizeof *f->point);
    if (!f->point)
        return -1;
    for (int n = 0; n < total; n++) {
        struct front_point *p = &f->point[f->count++];
        for (int i = 0, rest = n; i < part->tensors; rest /= levels[i], i++) {
            int b = level[i][rest % levels[i]];
            p->width[part->tensor[i]] = (unsigned char)b;
            p->added += s->added[part->tensor[i]][b];
            p->bits_sum += b;
        }
        p->operations = operations(s, part, p);
    }
    f->combinations = total;
    thin(f, limit);
    return 0;
}

static int merge(struct front *all, const struct front *more, const struct part *part, long limit)
{
    const size_t most = (size_t)all->count * (size_t)more->count;
    struct front next = {.combinations = all->combinations * more->combinations};
    next.point = malloc((most ? most : 1) * sizeof *next.point);
    if (!next.point)
        return -1;
    for (int a = 0; a < all->count; a++)
        for (int b = 0; b < more->count; b++) {
            struct front_point p = all->point[a];
            p.added += more->point[b].added;
            p.operations += more->point[b].operations;
            p.bits_sum += more->point[b].bits_sum;
            for (int i = 0; i < part->tensors; i++)
                p.width[part->tensor[i]] = more->point[b].width[part->tensor[i]];
            if (!limit || p.operations <= limit)
                next.point[next.count++] = p;
        }
    thin(&next, limit);
    free(all->point);
    *all = next;
    return 0;
}

static int find(const struct sensitivity *s, const char *name, int layer)
{
    char full[TRIAL_NAME_BYTES];
    snprintf(full, sizeof full, "layers.%d.%s", layer, name);
    for (int t = 0; t < s->tensors; t++)
        if (!strcmp(s->name[t], layer < 0 ? name : full))
            return t;
    return -1;
}

static void add(struct part *part, const struct sensitivity *s, const char *name, int layer)
{
    int t = find(s, name, layer);
    if (t >= 0)
        part->tensor[part->tensors++] = t;
}

enum { WORDS = 7, MAX_PARTS = 4 + WORDS * MODEL_MAX_LAYERS };

// The parts in words; "-" is z of the layer before, or h; "-NAME" a tensor of no
// layer.
static const char *const encoder[WORDS][5] = {{"-", "w_q", "w_k", "w_v"},
                                              {"q", "k"},
                                              {"e", "v"},
                                              {"u"},
                                              {"c", "w_o"},
                                              {"r", "w_1"},
                                              {"f", "w_2"}};
// Here h meets its own map and e, and both r and f meet the output's weights.
static const char *const collapsed[WORDS][5] = {
    {"-", "w_q", "q", "e"}, {"u"}, {"c", "w_o"}, {"r", "f", "w_1", "-w_y"}};

static int list_parts(const struct sensitivity *s, struct part *part)
{
    const char *const(*layer)[5] = s->shape.form == MODEL_COLLAPSED ? collapsed : encoder;
    int parts = 0;
    memset(part, 0, sizeof *part * MAX_PARTS);
    add(&part[parts], s, "x", -1);
    add(&part[parts++], s, "w_in", -1);
    for (int l = 0; l < s->shape.layers; l++)
        for (int i = 0; i < WORDS && layer[i][0]; i++, parts++)
            for (int k = 0; k < 5 && layer[i][k]; k++) {
                const char *word = layer[i][k];
                if (!strcmp(word, "-"))
                    add(&part[parts], s, l ? "z" : "h", l - 1);
                else if (*word == '-')
                    add(&part[parts], s, word + 1, -1);
                else
                    add(&part[parts], s, word, l);
            }
    if (s->shape.form == MODEL_COLLAPSED)
        return parts;
    add(&part[parts++], s, "z", s->shape.layers - 1);
    add(&part[parts], s, "o", -1);
    add(&part[parts++], s, "w_y", -1);
    return parts;
}

int front_find(struct front *f, const struct sensitivity *s, long limit)
{
    struct part part[MAX_PARTS];
    const int parts = list_parts(s, part);
    if (enumerate(f, s, &part[0], limit))
        return -1;
    for (int i = 1; i < parts; i++) {
        struct front more;
        int rc = enumerate(&more, s, &part[i], limit);
        if (!rc)
            rc = merge(f, &more, &part[i], limit);
        front_free(&more);
        if (rc) {
            front_free(f);
            return -1;
        }
    }
    return 0;
}

void front_free(struct front *f)
{
    free(f->point);
    f->point = NULL;
}
