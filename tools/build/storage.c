// SPDX-License-Identifier: Apache-2.0
#include "tools/build/plan_internal.h"

// RAMB18 of the XC7S15. The weights come first; what they leave goes to the memories that would
// take the most LUTs for each.
enum { RAMB18 = 20 };

struct candidate {
    enum hardware_storage *kind; // where the choice is kept
    int bits, depth, banks;
    int rom, open; // open: not chosen by the manifest
};

static int blocks(int bits, int depth)
{
    static const int shapes[][2] = {{36, 512}, {18, 1024}, {9, 2048}, {4, 4096}, {2, 8192}};
    int fewest = 0;
    for (size_t i = 0; i < sizeof shapes / sizeof shapes[0]; i++) {
        int n = ceil_div(bits, shapes[i][0]) * ceil_div(depth, shapes[i][1]);
        fewest = i == 0 || n < fewest ? n : fewest;
    }
    return fewest;
}

// A RAM32M holds 6 bits of 32 words in 4 LUTs, a RAM64M 3 of 64.
int plan_lutram(int bits, int depth)
{
    if (depth <= 32)
        return 4 * ceil_div(bits, 6);
    return 4 * ceil_div(bits, 3) * ceil_div(depth, 64);
}

// A ROM's LUT holds one bit of 64 words.
static int luts(const struct candidate *c)
{
    return c->rom ? c->bits * ceil_div(c->depth, 64) : plan_lutram(c->bits, c->depth);
}

static int size(const struct candidate *c)
{
    return c->banks * blocks(c->bits, c->depth);
}

void plan_storage(struct plan *p)
{
    const int u = p->hw.terms, o = p->hw.outputs, t = p->hw.tokens, r = p->hw.requantisers;
    const int gain = p->has_gain ? p->gain_bits : 0;
    enum hardware_storage *kept = p->hw.storage;
    p->channel_storage = p->position_storage = STORAGE_DISTRIBUTED;
    struct candidate all[] = {
        {&kept[BUFFER_ACTIVATION], u * p->activation_bits, p->activation_depth, t, 0,
         !p->hw.given[BUFFER_ACTIVATION]},
        {&kept[BUFFER_WINDOW], u * p->model->bits.x, p->window_depth, t, 0,
         !p->hw.given[BUFFER_WINDOW]},
        {&kept[BUFFER_NUMERATOR], u * (p->e_bits + 1), p->numerator_depth, t, 0,
         !p->hw.given[BUFFER_NUMERATOR]},
        {&kept[BUFFER_KEY], u * p->key_bits, p->key_depth, p->key_banks, 0,
         !p->hw.given[BUFFER_KEY]},
        {&kept[BUFFER_VALUE], o * p->value_bits, p->value_depth, p->value_banks, 0,
         !p->hw.given[BUFFER_VALUE]},
        {&kept[BUFFER_RESIDUAL], r * p->kept_bits, p->kept_depth, 1, 0,
         !p->hw.given[BUFFER_RESIDUAL]},
        {&kept[BUFFER_SCORE], r * p->score_bits, 2 * (t / r) * p->model->shape.window, 1, 0,
         !p->hw.given[BUFFER_SCORE]},
        {&p->channel_storage, p->bias_bits + gain + p->row_bits, p->channel_words, 1, 1, 1},
        {&p->position_storage, r * p->bias_bits + p->row_bits, p->position_words, 1, 1, 1},
    };
    const int count = sizeof all / sizeof all[0];
    int left = RAMB18;
    if (kept[BUFFER_WEIGHT] != STORAGE_DISTRIBUTED)
        left -= blocks(o * u * p->weight_bits, p->weight_words);
    for (int i = 0; i < count; i++)
        if (*all[i].kind == STORAGE_BLOCK)
            left -= size(&all[i]);
    for (;;) {
        struct candidate *best = NULL;
        for (int i = 0; i < count; i++) {
            struct candidate *c = &all[i];
            if (!c->open || *c->kind != STORAGE_DISTRIBUTED || c->depth < 2 || size(c) > left)
                continue;
            if (!best ||
                (long)luts(c) * c->banks * size(best) > (long)luts(best) * best->banks * size(c))
                best = c;
        }
        if (!best)
            return;
        *best->kind = STORAGE_BLOCK;
        left -= size(best);
    }
}
