// SPDX-License-Identifier: Apache-2.0
#include "tools/explore/cover.h"

#include <math.h>

#include "tools/explore/box.h"
#include "tools/model/model_random.h"

enum { MOST_CHANGES = 3 };

struct draw {
    unsigned char width[TRIAL_MAX_TENSORS];
    double added;
    int engine;
};

static struct model_bits bits_of(const struct sensitivity *s, const struct draw *d)
{
    struct model_bits bits = {.y = 16};
    for (int t = 0; t < s->tensors; t++)
        *trial_width(&s->shape, &bits, t) = d->width[t];
    return bits;
}

static int draw_width(const struct sensitivity *s, struct model_rng *r, int t, int from)
{
    for (;;) {
        int b = (int)model_rng_range(r, from, WIDTH_MAX);
        if (isfinite(s->added[t][b]))
            return b;
    }
}

static void draw(struct draw *d, const struct search *s, struct model_rng *r)
{
    *d = (struct draw){.engine = (int)model_rng_range(r, 0, s->engines - 1)};
    for (int t = 0; t < s->sens->tensors; t++) {
        d->width[t] = (unsigned char)draw_width(s->sens, r, t, WIDTH_MIN);
        d->added += s->sens->added[t][d->width[t]];
    }
}

// A point of the front with up to three widths changed: where a gap would be.
static void draw_near(struct draw *d, const struct search *s, struct model_rng *r)
{
    const struct search_point *p = &s->point[model_rng_range(r, 0, s->count - 1)];
    *d = (struct draw){.engine = p->engine};
    for (int t = 0; t < s->sens->tensors; t++)
        d->width[t] = p->width[t];
    for (int i = (int)model_rng_range(r, 1, MOST_CHANGES); i > 0; i--) {
        const int t = (int)model_rng_range(r, 0, s->sens->tensors - 1);
        d->width[t] = (unsigned char)draw_width(s->sens, r, t, WIDTH_MIN);
    }
    for (int t = 0; t < s->sens->tensors; t++)
        d->added += s->sens->added[t][d->width[t]];
}

static int larger(int a, int b)
{
    return a > b ? a : b;
}

// Percent by which the nearest point of the front misses being as good; 0: one is.
static double miss(const struct search *s, const struct draw *d, const struct price *price)
{
    const struct cell own = cell_of(price, s->grain);
    int least = -1;
    for (int i = 0; i < s->count && least != 0; i++) {
        const struct cell c = cell_of(&s->point[i].price, s->grain);
        if (s->point[i].added > d->added + 1e-12 || c.cycles > own.cycles || c.dsp > own.dsp ||
            c.ramb18 > own.ramb18)
            continue;
        int steps = larger(0, larger(c.lut - own.lut, c.energy - own.energy));
        least = least < 0 || steps < least ? steps : least;
    }
    return least < 0 ? INFINITY : 100 * (pow(1 + s->grain / 100, least) - 1);
}

static void widen(struct cover *c, const struct search *s, struct pricer *p, struct draw *d,
                  const struct price *before, struct model_rng *r)
{
    struct price after;
    char why[256];
    const int t = (int)model_rng_range(r, 0, s->sens->tensors - 1);
    d->width[t] = (unsigned char)draw_width(s->sens, r, t, d->width[t]);
    const struct model_bits bits = bits_of(s->sens, d);
    if (pricer_price(p, &bits, d->engine, &after, why, sizeof why))
        return;
    c->widenings++;
    c->falls += after.lut < before->lut;
    c->largest_fall = larger(c->largest_fall, before->lut - after.lut);
}

int cover_check(struct cover *c, const struct search *s, int count, unsigned long seed, char *why,
                size_t whycap)
{
    struct model_rng r = {seed};
    struct pricer p;
    *c = (struct cover){0};
    if (pricer_open(&p, &s->sens->shape, s->engine, s->engines, s->integers, why, whycap))
        return -1;
    while (s->count > 0 && c->combinations < count) {
        struct draw d;
        struct price price;
        if (c->combinations % 2)
            draw_near(&d, s, &r);
        else
            draw(&d, s, &r);
        const struct model_bits bits = bits_of(s->sens, &d);
        c->combinations++;
        if (pricer_price(&p, &bits, d.engine, &price, why, whycap))
            continue;
        if (budget_holds(&s->budget, &price)) {
            double missed = miss(s, &d, &price);
            c->held++;
            c->uncovered += missed > 0;
            c->worst = missed > c->worst ? missed : c->worst;
        }
        widen(c, s, &p, &d, &price, &r);
    }
    pricer_close(&p);
    return 0;
}
