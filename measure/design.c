// SPDX-License-Identifier: Apache-2.0
#include "measure/design.h"

#include "measure/random.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

static const char *const kind_names[] = {"abba", "random-pairs", "blocked"};

enum { KINDS = sizeof kind_names / sizeof kind_names[0] };

const char *design_kind_name(enum design_kind kind)
{
    assert((unsigned)kind < KINDS);
    return kind_names[kind];
}

int design_kind_parse(const char *word, enum design_kind *kind)
{
    for (int i = 0; i < KINDS; i++) {
        if (strcmp(word, kind_names[i]) == 0) {
            *kind = (enum design_kind)i;
            return 0;
        }
    }
    return -1;
}

static int check_range(const char *field, int value, int low, int high, char *why, size_t cap)
{
    if (value >= low && value <= high)
        return 0;
    snprintf(why, cap, "design: %s is %d, must be %d..%d", field, value, low, high);
    return -1;
}

int design_check(const struct design *d, char *why, size_t cap)
{
    if (check_range("kind", (int)d->kind, 0, KINDS - 1, why, cap) != 0 ||
        check_range("variants", d->variants, 2, DESIGN_MAX_VARIANTS, why, cap) != 0 ||
        check_range("blocks", d->blocks, 1, DESIGN_MAX_BLOCKS, why, cap) != 0 ||
        check_range("warmup", d->warmup, 0, DESIGN_MAX_WARMUP, why, cap) != 0)
        return -1;
    if (cap > 0)
        why[0] = 0;
    return 0;
}

// Blocked windows are counted like ABBA's, two of each variant a block, so that the two compare.
static int repeats(const struct design *d)
{
    return d->kind == DESIGN_RANDOM_PAIRS ? 1 : 2;
}

int design_warmup_steps(const struct design *d)
{
    return d->warmup * d->variants;
}

int design_block_steps(const struct design *d)
{
    return repeats(d) * d->variants;
}

int design_steps(const struct design *d)
{
    return design_warmup_steps(d) + d->blocks * design_block_steps(d);
}

// A group is `variants` blocks: one random order in all its rotations, the rotations in random
// order, so that each variant is once in each place.
static int variant_at(const struct design *d, int block, int place)
{
    int order[DESIGN_MAX_VARIANTS], rotation[DESIGN_MAX_VARIANTS];
    struct random r;
    random_init(&r, d->seed, (uint64_t)(block / d->variants));
    random_permutation(&r, order, d->variants);
    random_permutation(&r, rotation, d->variants);
    return order[(place + rotation[block % d->variants]) % d->variants];
}

struct design_step design_step(const struct design *d, int index)
{
    assert(index >= 0 && index < design_steps(d));
    int k = d->variants;
    if (index < design_warmup_steps(d))
        return (struct design_step){.variant = index % k, .block = -1, .repeat = index / k};
    index -= design_warmup_steps(d);
    if (d->kind == DESIGN_BLOCKED) {
        int of_variant = index % (d->blocks * 2);
        return (struct design_step){index / (d->blocks * 2), of_variant / 2, of_variant % 2};
    }
    int block = index / design_block_steps(d), place = index % design_block_steps(d);
    int repeat = place >= k;
    if (repeat)
        place = 2 * k - 1 - place;
    return (struct design_step){variant_at(d, block, place), block, repeat};
}

int design_complete_blocks(const struct design *d, int done)
{
    int measured = done - design_warmup_steps(d);
    if (measured <= 0)
        return 0;
    if (d->kind != DESIGN_BLOCKED)
        return measured / design_block_steps(d);
    int last_variant = measured - (d->variants - 1) * d->blocks * 2;
    return last_variant > 0 ? last_variant / 2 : 0;
}
