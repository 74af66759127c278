// SPDX-License-Identifier: Apache-2.0
#include "tools/estimate/parts.h"

#include <string.h>

#include "tools/build/cost.h"
#include "tools/estimate/lanes.h"

static const char *const names[PARTS] = {
    "lanes",       "chains",      "tile",    "operands", "issuer", "drain",
    "requantiser", "writer",      "tap",     "buffers",  "sweep",  "numerators",
    "scaler",      "reciprocals", "divider", "pool",     "roms",
};

const char *part_name(enum part part)
{
    return names[part];
}

enum part part_of_entity(const char *entity)
{
    static const struct {
        const char *entity;
        enum part part;
    } table[] = {
        {"accelerator", PART_OPERANDS},
        {"tile", PART_TILE},
        {"dot_lane", PART_LANES},
        {"booth_row", PART_LANES},
        {"accumulator", PART_LANES}, // those of chains have the same size and are counted there
        {"dot_chain", PART_CHAINS},
        {"issuer", PART_ISSUER},
        {"drain", PART_DRAIN},
        {"requantiser", PART_REQUANTISERS},
        {"writer_tap", PART_TAP},
        {"writer", PART_WRITER},
        {"bank_writer", PART_BUFFERS},
        {"memory_bank", PART_BUFFERS},
        {"ram_", PART_BUFFERS},
        {"score_sweep", PART_SWEEP},
        {"softmax", PART_SWEEP},
        {"numerators", PART_NUMERATORS},
        {"scaler", PART_SCALER},
        {"reciprocals", PART_RECIPROCALS},
        {"divider", PART_DIVIDER},
        {"pool", PART_POOL},
        {"token_sum", PART_POOL},
        {"readout", PART_POOL},
        {"rom", PART_ROMS},
        {"constant_stream", PART_ROMS},
        {"weight_rom", PART_ROMS},
    };
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++)
        if (strncmp(entity, table[i].entity, strlen(table[i].entity)) == 0)
            return table[i].part;
    return PARTS;
}

static int bits_for(int values) // that count to values - 1
{
    int bits = 0;
    while ((1 << bits) < values)
        bits++;
    return bits;
}

static int ceil_div(int a, int b)
{
    return (a + b - 1) / b;
}

// LUTs of a bit that is chosen from so many: a LUT6 leaves one of four.
static int mux(int sources)
{
    return sources < 2 ? 0 : ceil_div(sources - 1, 3);
}

// A ROM of so many words in LUTs, a bit.
static double program_luts(int words)
{
    return words <= 32 ? 0.5 : ceil_div(words, 64);
}

static void set(struct part_features *f, enum part part, enum part_resource r, int count,
                const double *values)
{
    memcpy(f->value[part][r], values, (size_t)count * sizeof *values);
}
#define SET(part, resource, ...)                                                                   \
    set(f, part, resource, (int)(sizeof((double[]){__VA_ARGS__}) / sizeof(double)),                \
        (double[]){__VA_ARGS__})

static int chained(const struct lane_shape *l)
{
    return l->chain_outputs * l->chain_tokens;
}

static void tile(struct part_features *f, const struct plan *p)
{
    const struct hardware *h = &p->hw;
    struct lane_shape l = lane_shape(p);
    struct operand_delays d = operand_delays(p);
    int acc = p->tile_acc_bits, groups = h->tokens / h->requantisers;
    double lanes = h->tokens * h->outputs - p->chains * chained(&l), sums = p->chains * chained(&l);
    double shadow = h->tokens * h->outputs * acc;
    double drained = h->requantisers * acc;
    SET(PART_LANES, PART_LUT, lanes * l.row_luts, (lanes + sums) * acc, lanes * l.srl);
    SET(PART_LANES, PART_FF, lanes * l.registers, (lanes + sums) * acc);
    SET(PART_LANES, PART_LUTRAM, lanes * l.srl);
    double packed = l.chain_outputs > 1 ? p->weight_port_bits + 1 : 0;
    double tokens = l.chain_tokens > 1 ? p->token_port_bits + 1 : 0;
    SET(PART_CHAINS, PART_LUT, p->chains * h->terms * packed, p->chains * h->terms * tokens, sums);
    SET(PART_CHAINS, PART_FF, p->chains * h->terms * packed, p->chains * h->terms * tokens);
    SET(PART_TILE, PART_LUT, drained * mux(h->outputs * groups), d.srl + 2, 1);
    SET(PART_TILE, PART_FF, shadow, drained, d.registers, p->lane_stages + 2);
    SET(PART_TILE, PART_LUTRAM, d.srl + 2); // two for the flags
}

// Bits of a word of the programs, by who reads them.
static void programs(struct part_features *f, const struct plan *p)
{
    const struct hardware *h = &p->hw;
    int n = p->pass_count, slices = 0, jobs = 0, drain = 0, channels = 0, multiplier = 0;
    for (int i = 0; i < n; i++) {
        const struct pass *s = &p->passes[i];
        slices = s->slices > slices ? s->slices : slices;
        jobs = s->jobs > jobs ? s->jobs : jobs;
        drain = s->drain > drain ? s->drain : drain;
        channels = s->channels > channels ? s->channels : channels;
        multiplier = s->multiplier > multiplier ? s->multiplier : multiplier;
    }
    int weights = bits_for(p->weight_depth), tokens = bits_for(p->activation_depth);
    int counters = bits_for(slices) + bits_for(jobs) + 2 * bits_for(drain);
    int waits = bits_for(n + 1) + 2 * bits_for(p->softmax_count + 1);
    int kept = bits_for(p->kept_depth), words = bits_for(p->channel_words);
    double size = program_luts(n);
    int issue = weights + tokens + counters + waits + 5;
    SET(PART_ISSUER, PART_LUT, issue * size, weights + tokens + counters + waits, 1);
    SET(PART_ISSUER, PART_FF, weights + tokens + counters + waits, 1);
    int drained = bits_for(channels) + bits_for(multiplier + 1) + bits_for(p->scale_count) + kept +
                  words + bits_for(p->blocks) + bits_for(h->tokens / h->requantisers) + 4;
    double lanes = h->requantisers;
    SET(PART_DRAIN, PART_LUT, drained * size, kept + words + bits_for(channels),
        lanes * p->position_bits, lanes, 1);
    SET(PART_DRAIN, PART_FF, drained, lanes * p->position_bits, lanes * p->bias_bits, lanes, 1);
    int deepest = p->activation_depth > p->key_depth ? p->activation_depth : p->key_depth;
    int address = bits_for(deepest), index = bits_for(channels);
    int written = 2 * address + kept + 2 * index + bits_for(p->model->shape.window) + 12;
    SET(PART_WRITER, PART_LUT, written * size, lanes * p->stored_bits, address + kept + index, 1);
    SET(PART_WRITER, PART_FF, written, lanes * p->result_bits, address + kept + index, 1);
    SET(PART_TAP, PART_LUT, lanes * p->result_bits, 1);
    SET(PART_TAP, PART_FF, lanes * p->result_bits, 1);
    SET(PART_TAP, PART_LUTRAM, 4);
}

static void operands(struct part_features *f, const struct plan *p)
{
    const struct hardware *h = &p->hw;
    double tokens = h->tokens * h->terms * p->token_port_bits;
    double weights = h->outputs * h->terms * p->weight_port_bits;
    int sources =
        1 << bits_for(1 + ceil_div(p->key_banks, h->outputs) + ceil_div(p->value_banks, h->terms));
    int addresses = bits_for(p->activation_depth) + bits_for(p->window_depth);
    SET(PART_OPERANDS, PART_LUT, tokens, weights * mux(sources), addresses, h->tokens, 1);
    SET(PART_OPERANDS, PART_FF, tokens + weights + h->terms * p->model->bits.x,
        h->tokens + 2 * bits_for(p->window_depth), 1);
}

static void requantisers(struct part_features *f, const struct plan *p)
{
    int shifts = 0, y = p->model->bits.y, first = y > p->code_bits ? y - p->code_bits : 0;
    for (int i = 0; i < p->scale_count; i++) {
        int again = 0;
        for (int k = 0; k < i; k++)
            again |= p->scales[k].shift == p->scales[i].shift;
        shifts += !again;
    }
    double lanes = p->hw.requantisers;
    SET(PART_REQUANTISERS, PART_LUT, lanes * p->code_bits * mux(shifts), lanes * p->scale_count,
        lanes * p->sum_bits, lanes, first * mux(shifts) + p->scale_count);
    SET(PART_REQUANTISERS, PART_FF, lanes * p->code_bits, lanes, p->scale_count, first, 1);
}

// Banks whose token comes from more than one place of a block.
static double turned(const struct plan *p, int banks, int used)
{
    int t = p->hw.tokens, sources = t;
    for (int a = t, b = banks; b;) {
        int rest = a % b;
        a = b;
        b = rest;
        sources = t / a;
    }
    if (banks >= p->model->shape.window || sources < 2)
        return 0;
    return used * (sources > 4 ? 2.0 : 1.0);
}

static void buffers(struct part_features *f, const struct plan *p)
{
    const struct hardware *h = &p->hw;
    int n = p->model->shape.window, groups = h->tokens / h->requantisers;
    int keys = p->key_banks < n ? p->key_banks : n,
        values = p->value_banks < n ? p->value_banks : n;
    double lutram = 0, muxes = 0, read = 0;
    for (int i = 0; i < p->memory_count; i++) {
        const struct memory *m = &p->memories[i];
        if (m->kind != STORAGE_DISTRIBUTED || m->lutram == 0)
            continue;
        lutram += m->lutram;
        muxes += m->lut - m->lutram;
        read += m->copies * m->bits;
    }
    int z = p->e_bits + bits_for(n), queue = 1 << bits_for(p->blocks * h->tokens + 1);
    lutram += cost_lutram(z, queue) + h->requantisers * cost_lutram(17, p->blocks * groups);
    read += z + 17 * h->requantisers;
    if (p->model->shape.form != MODEL_COLLAPSED) {
        lutram += cost_lutram(p->pool_bits, p->pool_depth);
        read += p->pool_bits;
    }
    double gathered = h->tokens * h->terms * p->activation_bits + keys * h->terms * p->key_bits +
                      values * h->outputs * p->value_bits;
    double places = turned(p, p->key_banks, keys) * p->key_bits +
                    turned(p, p->value_banks, values) * p->value_bits;
    double banks = h->tokens + keys + values;
    double depth =
        bits_for(p->activation_depth) + bits_for(p->key_depth) + bits_for(p->value_depth);
    SET(PART_BUFFERS, PART_LUT, lutram, muxes, places + (groups > 1 ? banks : 0), banks, depth);
    SET(PART_BUFFERS, PART_FF, read, gathered, banks, depth, 1);
    SET(PART_BUFFERS, PART_LUTRAM, lutram);
}

static void softmax(struct part_features *f, const struct plan *p)
{
    const struct hardware *h = &p->hw;
    const struct model_shape *s = &p->model->shape;
    double lanes = h->softmax_lanes, tokens = h->tokens, score = p->score_bits;
    int z = p->e_bits + bits_for(s->window), steps = h->tokens / h->softmax_lanes;
    double table = p->e_bits * ceil_div(s->layers << p->u_bits, 64);
    double controls = bits_for(s->window) * 2 + bits_for(p->numerator_depth) * 2;
    SET(PART_SWEEP, PART_LUT, tokens * score, lanes * score * mux(steps),
        lanes * score * (h->requantisers / h->softmax_lanes > 1), controls, 1);
    SET(PART_SWEEP, PART_FF, tokens * score, lanes * score, controls, steps, 1);
    SET(PART_NUMERATORS, PART_LUT, lanes * table, lanes * z, lanes * h->terms, tokens, 1);
    SET(PART_NUMERATORS, PART_FF,
        lanes * (h->terms * p->e_bits + 2 * z + 2 * (p->e_bits + p->u_bits)), tokens,
        controls + 2 * bits_for(p->softmax_count + 1), 1);
    SET(PART_SCALER, PART_LUT, lanes * p->u_bits, lanes, (s->layers - 1) * 16.0, 1);
    SET(PART_SCALER, PART_FF, lanes * p->u_bits, lanes, 1);
    double pipelined = h->divider_pipelined ? 1 : 0, serial = 1 - pipelined;
    SET(PART_RECIPROCALS, PART_LUT, 16 * pipelined, bits_for(p->blocks * h->tokens),
        bits_for(p->softmax_count), 1);
    SET(PART_RECIPROCALS, PART_FF, h->requantisers, bits_for(p->blocks * h->tokens), 1);
    SET(PART_RECIPROCALS, PART_LUTRAM, 16 * pipelined); // the dividend's bits as they shift
    SET(PART_DIVIDER, PART_LUT, pipelined * 17 * (z + 1), serial * z, pipelined, serial);
    SET(PART_DIVIDER, PART_FF, pipelined * 17 * (2 * z + 1), serial * z, pipelined, serial);
}

static void pool(struct part_features *f, const struct plan *p)
{
    double lanes = p->hw.requantisers;
    const struct model_shape *s = &p->model->shape;
    if (s->form == MODEL_COLLAPSED) {
        double adders = (lanes - 1) * (p->readout_code_bits + 1);
        SET(PART_POOL, PART_LUT, adders, 0, 0, s->outputs * p->readout_bits, 1);
        SET(PART_POOL, PART_FF, adders, 0, 0, s->outputs * p->readout_bits, 1);
        return;
    }
    double adders = (lanes - 1) * (p->kept_bits + 1), levels = bits_for(p->hw.requantisers);
    int missing = s->window % p->hw.tokens ? 1 : 0;
    SET(PART_POOL, PART_LUT, adders, p->pool_bits, missing * lanes * p->kept_bits, 0, 1);
    SET(PART_POOL, PART_FF, adders, p->pool_bits, levels * (bits_for(p->pool_depth) + 4), 0, 1);
}

static void roms(struct part_features *f, const struct plan *p)
{
    double logic = 0, banks = 0;
    for (int i = 0; i < p->memory_count; i++) {
        const struct memory *m = &p->memories[i];
        int weights = strcmp(m->name, "weight") == 0;
        if (m->lutram == 0 && m->kind == STORAGE_DISTRIBUTED)
            logic += m->lut;
        banks += weights;
    }
    double word = p->hw.outputs * p->hw.terms * p->weight_bits;
    SET(PART_ROMS, PART_LUT, logic, banks > 1 ? word * ceil_div((int)banks - 1, 5) : 0,
        banks > 1 ? banks : 0, 1);
    SET(PART_ROMS, PART_FF, banks > 1 ? banks : 0, logic > 0);
}

void parts_describe(struct part_features *f, const struct plan *p)
{
    memset(f, 0, sizeof *f);
    tile(f, p);
    programs(f, p);
    operands(f, p);
    requantisers(f, p);
    buffers(f, p);
    softmax(f, p);
    pool(f, p);
    roms(f, p);
}

double part_expected(enum part part, enum part_resource resource, int feature)
{
    static const double expected[PARTS][PART_RESOURCES][PART_FEATURES] = {
        [PART_LANES] = {{1, 1, 1}, {1, 1}, {1}},
        [PART_CHAINS] = {{1, 1, 0}, {0, 0}},
        [PART_TILE] = {{1, 1, 1}, {1, 1, 1, 1}, {1}},
        [PART_OPERANDS] = {{1, 1, 1, 1, 0}, {1, 1, 24}},
        [PART_ISSUER] = {{1, 2, 0}, {2, 0}},
        [PART_DRAIN] = {{1, 2, 0.5, 0, 0}, {2, 0.5, 0, 0, 0}},
        [PART_REQUANTISERS] = {{1, 0, 0, 0, 1}, {1, 1, 0, 1, 0}},
        [PART_WRITER] = {{1, 0.5, 1, 0}, {2, 1, 1, 0}},
        [PART_TAP] = {{0.5, 20}, {1, 20}, {1}},
        [PART_BUFFERS] = {{1, 1, 1, 0.5, 0}, {1, 0, 1, 1, 0}, {1}},
        [PART_SWEEP] = {{1.5, 1, 1, 1, 0}, {2, 1, 1, 2, 10}},
        [PART_NUMERATORS] = {{1, 1, 0, 1, 0}, {1, 1, 2, 10}},
        [PART_SCALER] = {{1, 0, 1, 0}, {1, 1, 0}},
        [PART_RECIPROCALS] = {{1, 2, 1, 0}, {1, 2, 0}, {1}},
        [PART_DIVIDER] = {{1, 2, 0, 20}, {1, 2, 0, 40}},
        [PART_POOL] = {{1, 2, 0.5, 1, 0}, {1, 2, 1, 1, 0}},
        [PART_ROMS] = {{1, 1, 1, 0}, {1, 0}},
    };
    return expected[part][resource][feature];
}

int part_is_exact(enum part part, enum part_resource resource)
{
    return resource == PART_LUTRAM || part == PART_LANES || part == PART_TILE;
}

int parts_dsp(const struct plan *p)
{
    const struct model_shape *s = &p->model->shape;
    return p->chains * p->hw.terms + p->hw.requantiser_dsps * p->hw.requantisers +
           p->hw.softmax_lanes + (s->form == MODEL_COLLAPSED ? s->outputs : 0);
}

int parts_ramb18(const struct plan *p)
{
    int sum = 0;
    for (int i = 0; i < p->memory_count; i++)
        sum += p->memories[i].ramb18;
    return sum;
}
