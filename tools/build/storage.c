// SPDX-License-Identifier: Apache-2.0
// Which memory takes Block RAM. Every memory has a list of ways to store it, each with RAMB18s and
// LUTs; a knapsack over the part's RAMB18s picks the ways with the fewest LUTs in all. Weights are
// stored at their own width: all splits of the widths into groups are tried.
#include <assert.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tools/build/cost.h"
#include "tools/build/plan_internal.h"

enum { MAX_BITS = 8, MAX_WIDTHS = MAX_BITS, NO_WAY = INT_MAX / 64 }; // of weights
enum { STREAM_LUTS = 16 };                                           // counters of the ring

struct way {
    int lut, lutram; // lut: NO_WAY where nothing is stored with that many RAMB18s
};

// A memory before the choice.
struct item {
    const char *name;
    enum hardware_buffer buffer; // BUFFERS: none that a manifest names
    int copies, words, bits;
    struct way ways[COST_RAMB18 + 1]; // [RAMB18s]
    int got;                          // RAMB18s
};

// Weights that are stored at one width.
struct group {
    int narrowest, widest;     // bits of a weight
    int words, streamed_words; // streamed_words: that constants of channels come with
};

struct storage {
    struct plan *p;
    int stream_bits, stream_slices; // as in struct plan
    struct item items[PLAN_MAX_MEMORIES];
    int count;
    struct group groups[MAX_WIDTHS];
    int group_count, group_first; // first item of a group
    int lut;                      // of the choice
};

static struct item *add_item(struct storage *s, const char *name, enum hardware_buffer buffer,
                             int copies, int words, int bits)
{
    assert(s->count < PLAN_MAX_MEMORIES);
    struct item *m = &s->items[s->count++];
    *m = (struct item){
        .name = name, .buffer = buffer, .copies = copies, .words = words, .bits = bits};
    for (int i = 0; i <= COST_RAMB18; i++)
        m->ways[i].lut = NO_WAY;
    return m;
}

static enum hardware_storage wanted(const struct plan *p, enum hardware_buffer b)
{
    return p->hw.given[b] ? p->hw.storage[b] : STORAGE_AUTO;
}

static void add_ram(struct storage *s, enum hardware_buffer buffer, int copies, int words, int bits)
{
    enum hardware_storage kind = wanted(s->p, buffer);
    struct item *m = add_item(s, hardware_buffer_name(buffer), buffer, copies, words, bits);
    int block = copies * cost_ramb18(bits, words);
    if (kind != STORAGE_BLOCK) {
        m->ways[0].lutram = copies * cost_lutram(bits, words);
        m->ways[0].lut = m->ways[0].lutram + copies * cost_ram_or(bits, words);
    }
    if (kind != STORAGE_DISTRIBUTED && block <= COST_RAMB18)
        m->ways[block].lut = 0;
}

// Columns of a ROM may lie in Block RAM, the others in LUTs.
static void add_rom(struct storage *s, const char *name, int words, int bits)
{
    struct item *m = add_item(s, name, BUFFERS, 1, words, bits);
    for (int n = 0, columns = 0; n <= COST_RAMB18 && columns < bits; n++) {
        columns = cost_columns(n, words);
        m->ways[n].lut = cost_rom_logic(columns < bits ? bits - columns : 0, words);
    }
}

static void add_group(struct storage *s, const struct group *g)
{
    const struct plan *p = s->p;
    int weights = p->hw.outputs * p->hw.terms * g->widest;
    int stream = g->streamed_words > 0 ? s->stream_bits + 1 : 0, bits = weights + stream;
    enum hardware_storage kind = wanted(p, BUFFER_WEIGHT);
    struct item *m = add_item(s, "weight", BUFFER_WEIGHT, 1, g->words, bits);
    for (int n = 0; n <= COST_RAMB18; n++) {
        struct cost_banks banks = cost_banks(n, g->words, bits);
        int left = g->words - banks.words, left_streamed = g->streamed_words - banks.words;
        if (banks.ramb18 != n || (kind == STORAGE_BLOCK && banks.words < g->words) ||
            (kind == STORAGE_DISTRIBUTED && n > 0))
            continue;
        m->ways[n].lut = cost_rom_logic(weights, left) + cost_or(bits, banks.count) +
                         cost_rom_logic(stream, left_streamed > 0 ? left_streamed : 0);
    }
}

// Constants can come with the words of these weights.
static int streams(const struct weight_section *w)
{
    return !w->edge && w->channels >= 0;
}

// Constants come with the weights in as many slices of a job as there are for each of its outputs,
// the last one marked. They wait for the drain in a ring: at most the channels of two jobs and of
// those that the lanes' stages hold. 0: there are too few slices.
static int plan_stream(struct storage *s)
{
    const struct plan *p = s->p;
    int slices = 0;
    for (int i = 0; i < p->section_count; i++)
        if (streams(&p->sections[i]) && (slices == 0 || p->sections[i].slices < slices))
            slices = p->sections[i].slices;
    s->stream_slices = slices / p->hw.outputs;
    if (s->stream_slices == 0 ||
        (3 + (p->lane_stages + 10) / slices) * p->hw.outputs > PLAN_STREAM_DEPTH)
        return 0;
    s->stream_bits = ceil_div(p->bias_bits + p->row_bits, s->stream_slices);
    s->stream_bits = s->stream_bits < 2 ? 2 : s->stream_bits; // an element of a memory
    return s->stream_bits <= 25;
}

// Bit i of merge: the i-th narrowest weights are stored as wide as the next.
static int add_groups(struct storage *s, int merge)
{
    int words[MAX_BITS + 1] = {0}, streamed[MAX_BITS + 1] = {0}, width = 0, open = 0;
    for (int i = 0; i < s->p->section_count; i++) {
        const struct weight_section *from = &s->p->sections[i];
        words[from->bits] += from->words;
        if (s->stream_bits > 0 && streams(from))
            streamed[from->bits] += from->words;
    }
    s->group_first = s->count;
    s->group_count = 0;
    for (int bits = 1; bits <= MAX_BITS; bits++) {
        if (words[bits] == 0)
            continue;
        if (!open)
            s->groups[s->group_count++] = (struct group){.narrowest = bits};
        struct group *g = &s->groups[s->group_count - 1];
        g->widest = bits;
        g->words += words[bits];
        g->streamed_words += streamed[bits];
        open = merge >> width++ & 1;
    }
    for (int i = 0; i < s->group_count; i++)
        add_group(s, &s->groups[i]);
    return width;
}

static void add_buffers(struct storage *s)
{
    const struct plan *p = s->p;
    const int u = p->hw.terms, t = p->hw.tokens, r = p->hw.requantisers;
    const int n = p->model->shape.window;
    const int constant = p->bias_bits + p->row_bits;
    int words = 0, gains = 0;
    for (int i = 0; i < p->channel_section_count; i++)
        gains += p->channel_sections[i].gain ? p->channel_sections[i].words : 0;
    for (int i = 0; i < p->channel_section_count; i++)
        words += p->channel_sections[i].words;
    for (int i = 0; i < p->section_count && s->stream_bits > 0; i++)
        words -= streams(&p->sections[i]) ? p->channel_sections[p->sections[i].channels].words : 0;
    add_ram(s, BUFFER_WINDOW, t, p->window_depth, u * p->model->bits.x);
    add_ram(s, BUFFER_ACTIVATION, t, p->activation_depth, u * p->activation_bits);
    add_ram(s, BUFFER_NUMERATOR, t, p->numerator_depth, u * p->e_bits);
    // banks beyond the window are never written, and so none
    add_ram(s, BUFFER_KEY, p->key_banks < n ? p->key_banks : n, p->key_depth, u * p->key_bits);
    add_ram(s, BUFFER_VALUE, p->value_banks < n ? p->value_banks : n, p->value_depth,
            p->hw.outputs * p->value_bits);
    add_ram(s, BUFFER_RESIDUAL, 1, p->kept_depth, r * p->kept_bits);
    add_ram(s, BUFFER_SCORE, 1, 2 * (t / r) * p->model->shape.window, r * p->score_bits);
    add_rom(s, "channel", words, constant);
    if (p->has_gain)
        add_rom(s, "gain", gains, p->gain_bits);
    add_rom(s, "position", p->position_words, r * p->position_bits);
    if (p->readout_words > 0)
        add_rom(s, "readout", p->readout_words, p->model->shape.outputs * p->model->bits.w_y);
    if (s->stream_bits > 0) {
        struct item *m = add_item(s, "stream", BUFFERS, 1, PLAN_STREAM_DEPTH, constant);
        m->ways[0].lutram = cost_lutram(constant, PLAN_STREAM_DEPTH);
        m->ways[0].lut = m->ways[0].lutram + STREAM_LUTS;
    }
}

// Fewest LUTs within the RAMB18s there are: -1 where there is no choice at all.
static int choose(struct storage *s)
{
    static const struct way none = {NO_WAY, 0};
    const int most = s->p->hw.ramb18;
    int best[COST_RAMB18 + 1] = {0}, next[COST_RAMB18 + 1];
    signed char taken[PLAN_MAX_MEMORIES][COST_RAMB18 + 1];
    for (int i = 0; i < s->count; i++) {
        for (int n = 0; n <= most; n++) {
            next[n] = NO_WAY;
            taken[i][n] = 0;
            for (int k = 0; k <= n; k++) {
                const struct way *w = best[n - k] < NO_WAY ? &s->items[i].ways[k] : &none;
                if (w->lut < NO_WAY && best[n - k] + w->lut < next[n]) {
                    next[n] = best[n - k] + w->lut;
                    taken[i][n] = (signed char)k;
                }
            }
        }
        memcpy(best, next, sizeof best);
    }
    s->lut = best[most];
    if (s->lut >= NO_WAY)
        return -1;
    for (int i = s->count - 1, n = most; i >= 0; n -= s->items[i].got, i--)
        s->items[i].got = taken[i][n];
    return 0;
}

// Names the first buffer that the manifest's choices leave no room for.
static void explain(const struct storage *s, char *why, size_t whycap)
{
    const int most = s->p->hw.ramb18;
    int left = most;
    for (int i = 0; i < s->count; i++) {
        const struct item *m = &s->items[i];
        int need = 0;
        while (need <= most && m->ways[need].lut == NO_WAY)
            need++;
        if (need > left) {
            int block = m->copies * cost_ramb18(m->bits, m->words);
            snprintf(why, whycap,
                     "hardware.storage.%s: block: %d x %d words of %d bits are %d RAMB18, where "
                     "%d of %d are left",
                     m->name, m->copies, m->words, m->bits, need > most ? block : need, left, most);
            return;
        }
        left -= need;
    }
}

static void add_bank(struct plan *p, int *address, struct weight_bank bank)
{
    assert(p->bank_count < PLAN_MAX_BANKS);
    bank.address = *address;
    p->banks[p->bank_count++] = bank;
    *address += bank.words;
}

static int power_of_two(int n)
{
    int power = 1;
    while (power < n)
        power *= 2;
    return power;
}

// The sections of a group, those of the first and last layer after the others.
static void lay_sections(struct plan *p, const struct group *g, int address)
{
    for (int edge = 0; edge < 2; edge++)
        for (int i = 0; i < p->section_count; i++) {
            struct weight_section *s = &p->sections[i];
            if (s->bits < g->narrowest || s->bits > g->widest || s->edge != edge)
                continue;
            s->address = address;
            address += s->words;
        }
}

// Banks of a group, deepest first, so that each begins at a multiple of its depth; LUTs last.
static void lay_banks(struct plan *p, const struct group *g, int bits, int ramb18)
{
    struct cost_banks b = cost_banks(ramb18, g->words, bits);
    const int depths[] = {2048, 1024, 512}, counts[] = {b.of_2048, b.of_1024, b.of_512};
    int left = g->words, align = 0, address = p->weight_depth;
    for (int i = 2; i >= 0; i--)
        align = counts[i] ? depths[i] : align;
    if (align == 0)
        align = power_of_two(left);
    address = (address + align - 1) / align * align;
    lay_sections(p, g, address);
    int streamed_end = g->streamed_words > 0 ? address + g->streamed_words : 0;
    for (int i = 0; i < 3; i++)
        for (int k = 0; k < counts[i]; k++) {
            int words = left < depths[i] ? left : depths[i];
            add_bank(p, &address,
                     (struct weight_bank){.depth = depths[i],
                                          .words = words,
                                          .bits = g->widest,
                                          .streamed = streamed_end > 0,
                                          .kind = STORAGE_BLOCK});
            left -= words;
        }
    while (left > 0) {
        int depth = address ? address & -address : power_of_two(left);
        int words = left < depth ? left : depth;
        add_bank(p, &address,
                 (struct weight_bank){.depth = power_of_two(words),
                                      .words = words,
                                      .bits = g->widest,
                                      .streamed = streamed_end > address,
                                      .kind = STORAGE_DISTRIBUTED});
        left -= words;
    }
    p->weight_depth = address;
}

// Channels with gains first, so that one address reads both of their ROMs.
static void lay_channels(struct plan *p)
{
    int next[2] = {0, 0}; // in the channel ROM; in the gain ROM of constants that are streamed
    for (int i = 0; i < p->section_count; i++)
        if (p->stream_bits > 0 && streams(&p->sections[i]))
            p->channel_sections[p->sections[i].channels].streamed = 1;
    for (int without_gain = 0; without_gain < 2; without_gain++)
        for (int i = 0; i < p->channel_section_count; i++) {
            struct channel_section *c = &p->channel_sections[i];
            if (c->gain == without_gain)
                continue;
            c->address = next[c->streamed];
            next[c->streamed] += c->words;
        }
    for (int i = 0; i < p->pass_count; i++) {
        struct pass *s = &p->passes[i];
        for (int k = 0; k < p->channel_section_count; k++) {
            const struct channel_section *c = &p->channel_sections[k];
            if (c->first != s->bias_base)
                continue;
            s->streamed = c->streamed && s->op != PASS_SCORES;
            s->bias_base = s->streamed && !c->gain ? 0 : c->address;
            s->bias_steps = s->bias_steps && (!s->streamed || c->gain);
            break;
        }
    }
}

// A pass begins where the section of its weights does.
static int address_of(const struct plan *p, const struct pass *pass)
{
    for (int i = 0; i < p->section_count && pass->token_from != FROM_NOTHING; i++)
        if (p->sections[i].first == pass->weight_base)
            return p->sections[i].address;
    return 0; // its words are multiplied by zeros
}

static void lay_weights(struct storage *s)
{
    struct plan *p = s->p;
    p->bank_count = p->weight_depth = 0;
    for (int i = 0; i < s->group_count; i++) {
        const struct item *m = &s->items[s->group_first + i];
        lay_banks(p, &s->groups[i], m->bits, m->got);
    }
    for (int i = 0; i < p->pass_count; i++)
        if (p->passes[i].weight_from == FROM_ROM)
            p->passes[i].weight_base = address_of(p, &p->passes[i]);
}

static void add_memory(struct plan *p, const struct item *m, enum hardware_storage kind, int words,
                       int bits, struct way cost, int ramb18)
{
    assert(p->memory_count < PLAN_MAX_MEMORIES);
    p->memories[p->memory_count++] = (struct memory){
        .name = m->name,
        .kind = kind,
        .copies = m->copies,
        .words = words,
        .bits = bits,
        .ramb18 = ramb18,
        .lut = cost.lut,
        .lutram = cost.lutram,
    };
}

static int *block_bits_of(struct plan *p, const char *name)
{
    if (strcmp(name, "channel") == 0)
        return &p->channel_block_bits;
    if (strcmp(name, "gain") == 0)
        return &p->gain_block_bits;
    return strcmp(name, "position") == 0 ? &p->position_block_bits : &p->readout_block_bits;
}

// The item of a buffer.
static struct item *item_of(struct storage *s, enum hardware_buffer buffer)
{
    for (int i = 0; i < s->count; i++)
        if (s->items[i].buffer == buffer)
            return &s->items[i];
    abort(); // every plan has all buffers
}

// Keys and values are never read at once, nor written: where their words and banks are alike, the
// values lie behind the keys in the same LUT RAM, of which both use a part.
static void share_attention(struct storage *s)
{
    struct plan *p = s->p;
    struct item *key = item_of(s, BUFFER_KEY), *value = item_of(s, BUFFER_VALUE);
    int bits = key->bits > value->bits ? key->bits : value->bits, words = key->words + value->words;
    int lutram = key->copies * cost_lutram(bits, words), keys = p->key_depth;
    if (key->got > 0 || value->got > 0 || p->model->shape.form == MODEL_COLLAPSED ||
        p->hw.outputs != p->hw.terms || p->key_banks != p->value_banks || words > 64 ||
        lutram >= key->ways[0].lutram + value->ways[0].lutram)
        return;
    key->words = words;
    key->bits = bits;
    key->ways[0] = (struct way){lutram, lutram};
    value->copies = 0;
    p->hw.storage[BUFFER_VALUE] = STORAGE_DISTRIBUTED;
    p->attention_shared = 1;
    p->key_bits = p->value_bits = bits / p->hw.terms;
    p->key_depth = p->value_depth = words;
    for (int i = 0; i < p->pass_count; i++) {
        struct pass *a = &p->passes[i];
        if (a->destination == TO_VALUE)
            a->base += keys;
        if (a->weight_from == FROM_VALUE)
            a->weight_base += keys;
    }
}

// Sets the kinds and the table of memories.
static void settle(struct storage *s)
{
    struct plan *p = s->p;
    p->memory_count = 0;
    for (int i = 0; i < s->count; i++) {
        const struct item *m = &s->items[i];
        struct way cost = m->ways[m->got];
        if (m->buffer == BUFFER_WEIGHT || m->copies == 0)
            continue;
        if (m->buffer != BUFFERS) {
            p->hw.storage[m->buffer] = m->got > 0 ? STORAGE_BLOCK : STORAGE_DISTRIBUTED;
            add_memory(p, m, p->hw.storage[m->buffer], m->words, m->bits, cost, m->got);
            continue;
        }
        int columns = cost_columns(m->got, m->words);
        columns = columns < m->bits ? columns : m->bits;
        if (strcmp(m->name, "stream") == 0)
            columns = 0;
        else
            *block_bits_of(p, m->name) = columns;
        if (columns > 0)
            add_memory(p, m, STORAGE_BLOCK, m->words, columns, (struct way){0, 0}, m->got);
        if (columns < m->bits)
            add_memory(p, m, STORAGE_DISTRIBUTED, m->words, m->bits - columns, cost, 0);
    }
    const struct item *weights = &s->items[s->group_first];
    for (int i = 0; i < p->bank_count; i++) {
        const struct weight_bank *b = &p->banks[i];
        int bits = b->bits * p->hw.outputs * p->hw.terms + (b->streamed ? p->stream_bits + 1 : 0);
        int block = b->kind == STORAGE_BLOCK;
        struct way cost = {block ? 0 : cost_rom_logic(bits, b->words), 0};
        add_memory(p, weights, b->kind, b->words, bits, cost,
                   block ? cost_ramb18(bits, b->depth) : 0);
    }
}

int plan_storage(struct plan *p, char *why, size_t whycap)
{
    struct storage *s = calloc(2, sizeof *s), *best = s + 1;
    const enum hardware_constants wanted = p->hw.constants;
    int result = -1, streamless = 0;
    if (!s) {
        snprintf(why, whycap, "plan: out of memory");
        return -1;
    }
    best->lut = NO_WAY;
    for (int stream = 0; stream < 2; stream++) {
        *s = (struct storage){.p = p};
        if (stream ? wanted == CONSTANTS_ROM : wanted == CONSTANTS_STREAM)
            continue;
        if (stream && !plan_stream(s)) {
            streamless = wanted == CONSTANTS_STREAM;
            break;
        }
        add_buffers(s);
        const int buffers = s->count;
        for (int merge = 0, widths = 1; merge < 1 << (widths - 1); merge++) {
            s->count = buffers;
            widths = add_groups(s, merge);
            if (choose(s) == 0 && s->lut < best->lut)
                *best = *s;
        }
    }
    if (best->lut < NO_WAY) {
        p->stream_bits = best->stream_bits;
        p->stream_slices = best->stream_slices;
        lay_weights(best);
        lay_channels(p);
        share_attention(best);
        settle(best);
        result = 0;
    } else if (streamless) {
        snprintf(why, whycap,
                 "hardware.constants: stream: a job has too few slices to bring the constants of "
                 "its %d outputs",
                 p->hw.outputs);
    } else {
        *s = (struct storage){.p = p};
        add_buffers(s);
        add_groups(s, 0);
        explain(s, why, whycap);
    }
    free(s);
    return result;
}
