// SPDX-License-Identifier: Apache-2.0
#include "tools/build/plan.h"

#include <stdlib.h>
#include <string.h>

#include "tools/build/cost.h"
#include "tools/build/plan_internal.h"

const char *pass_op_name(enum pass_op op)
{
    static const char *const names[PASS_OPS] = {
        "in", "k", "q", "scores", "v", "context", "o", "ff1", "ff2", "pool", "out",
    };
    return names[op];
}

static int larger(int a, int b)
{
    return a > b ? a : b;
}

static int power_of_two(int n)
{
    int p = 1;
    while (p < n)
        p *= 2;
    return p;
}

// Words of terms codes that one head's channels take in the token-port buffer.
int plan_head_slices(const struct plan *p)
{
    return ceil_div(p->model->shape.d_model / p->model->shape.heads, p->hw.terms);
}

// Rows of banks that the tokens take in the key and value buffers.
static int rows(const struct plan *p, int banks)
{
    return ceil_div(p->model->shape.window, banks);
}

void plan_collapsed_widths(struct plan *p)
{
    const struct model_shape *s = &p->model->shape;
    const struct model_bits *b = &p->model->bits;
    const struct model_layer_bits *l = &b->layer[0];
    const int d = s->d_model;
    const int64_t score = model_acc_max(l->q, 1, b->h, d);
    const int64_t sums[] = {
        model_acc_max(b->x, 1, b->w_in, s->features),
        model_acc_max(b->h, 1, l->w_q, d),
        score,
        model_acc_max(l->e, 0, b->h, s->window),
        model_acc_max(l->c, 1, l->w_o, d),
        model_acc_max(l->r, 1, l->w_1, d),
    };
    struct model_op_info out;
    int64_t acc = 0;
    for (size_t i = 0; i < sizeof sums / sizeof sums[0]; i++)
        acc = sums[i] > acc ? sums[i] : acc;
    model_op_describe(s, b, MODEL_OUT, 0, &out);
    p->activation_bits = larger(larger(b->h, l->q), larger(l->c, l->r));
    p->kept_bits = p->key_bits = p->value_bits = b->h;
    p->weight_bits = larger(larger(b->w_in, l->w_q), larger(l->w_o, l->w_1));
    p->e_bits = l->e;
    p->u_bits = l->u;
    p->score_bits = model_signed_bits(score);
    p->tile_acc_bits = model_signed_bits(acc);
    p->readout_bits = model_signed_bits(out.acc_max);
    p->readout_drop = out.drop;
    p->pool_bits = model_signed_bits(model_factor_max(&out));
    p->acc_bits = larger(p->tile_acc_bits, p->pool_bits);
    p->token_port_bits = larger(larger(p->activation_bits, b->x), p->e_bits + 1);
    p->weight_port_bits = larger(p->weight_bits, b->h);
    p->readout_code_bits = larger(l->r, l->f + 1);
}

// Width of the token-port buffer. f is unsigned: where it fills the buffer it is stored less half
// the buffer's range, which takes a bit off the sums too, and the next layer's bias makes up for
// that.
static void plan_activation(struct plan *p)
{
    const struct model_bits *b = &p->model->bits;
    int layers = p->model->shape.layers;
    p->activation_bits = larger(b->h, b->o);
    for (int l = 0; l < layers; l++) {
        const struct model_layer_bits *y = &b->layer[l];
        const int active[] = {y->q, y->c, y->r, y->f, l + 1 < layers ? y->z : 2};
        for (size_t i = 0; i < sizeof active / sizeof active[0]; i++)
            p->activation_bits = larger(p->activation_bits, active[i]);
    }
    for (int l = 0; l < layers; l++)
        if (b->layer[l].f == p->activation_bits)
            p->f_offset[l] = 1 << (p->activation_bits - 1);
}

static void plan_widths(struct plan *p)
{
    const struct model_shape *s = &p->model->shape;
    const struct model_bits *b = &p->model->bits;
    int d = s->d_model, dh = d / s->heads;
    plan_activation(p);
    p->kept_bits = b->h;
    p->weight_bits = larger(b->w_in, b->w_y);
    int64_t acc = model_acc_max(b->x, 1, b->w_in, s->features);
    int64_t pool = 0;
    for (int l = 0; l < s->layers; l++) {
        const struct model_layer_bits *y = &b->layer[l];
        int h = l == 0 ? b->h : b->layer[l - 1].z;
        const int weights[] = {y->w_q, y->w_k, y->w_v, y->w_o, y->w_1, y->w_2};
        for (size_t i = 0; i < sizeof weights / sizeof weights[0]; i++)
            p->weight_bits = larger(p->weight_bits, weights[i]);
        p->key_bits = larger(p->key_bits, y->k);
        p->value_bits = larger(p->value_bits, y->v);
        p->kept_bits = larger(p->kept_bits, larger(y->r, y->z));
        p->e_bits = larger(p->e_bits, y->e);
        p->u_bits = larger(p->u_bits, y->u);
        const int64_t sums[] = {
            model_acc_max(h, 1, larger(y->w_q, larger(y->w_k, y->w_v)), d),
            model_acc_max(y->q, 1, y->k, dh),
            model_acc_max(y->e, 0, y->v, s->window),
            model_acc_max(y->c, 1, y->w_o, d),
            model_acc_max(y->r, 1, y->w_1, d),
            model_acc_max(y->f, p->f_offset[l] != 0, y->w_2, s->d_ff),
        };
        p->score_bits = larger(p->score_bits, model_signed_bits(sums[1]));
        for (size_t i = 0; i < sizeof sums / sizeof sums[0]; i++)
            acc = sums[i] > acc ? sums[i] : acc;
        pool = (int64_t)s->window << (y->z - 1);
    }
    const int64_t y = model_acc_max(b->o, 1, b->w_y, d);
    acc = y > acc ? y : acc;
    p->pool_bits = model_signed_bits(pool);
    p->acc_bits = p->tile_acc_bits = larger(model_signed_bits(acc), p->pool_bits);
    p->token_port_bits = larger(larger(p->activation_bits, b->x), p->e_bits + 1);
    p->weight_port_bits = larger(p->weight_bits, larger(p->key_bits, p->value_bits));
}

static int common_divisor(int a, int b)
{
    while (b) {
        int rest = a % b;
        a = b;
        b = rest;
    }
    return a;
}

// LUTs of the key or value buffer in that many banks: the memories, the choice of a bank's token
// where a block's first token moves from bank to bank, and the banks that a read has to choose
// from.
static int bank_luts(const struct plan *p, int banks, int unit, int bits, int words)
{
    int n = p->model->shape.window, t = p->hw.tokens, used = banks < n ? banks : n;
    int depth = words * rows(p, banks), luts = used * cost_lutram(bits, depth);
    int sources = t / common_divisor(t, banks);
    if (banks < n && sources > 1)
        luts += used * ((sources > 4 ? 2 : 1) * p->stored_bits + model_signed_bits(depth));
    return luts + ceil_div(used, unit) * p->hw.outputs * p->hw.terms * p->weight_port_bits / 5;
}

// A multiple of unit, which is what a read takes, that keeps a block's tokens in banks of their
// own.
static int choose_banks(const struct plan *p, int unit, int bits, int words)
{
    int n = p->model->shape.window, t = p->hw.tokens < n ? p->hw.tokens : n;
    int best = ceil_div(t, unit) * unit;
    for (int banks = best; banks < n + unit; banks += unit)
        if (bank_luts(p, banks, unit, bits, words) < bank_luts(p, best, unit, bits, words))
            best = banks;
    return best;
}

static int signed_bits_of_products(int terms, int x_bits, int w_bits)
{
    return model_signed_bits(model_acc_max(x_bits, 1, w_bits, terms));
}

// Chains that requantisers of so many DSPs leave room for.
static int chains_of(const struct plan *p, int requantiser_dsps)
{
    struct hardware hw = p->hw;
    hw.requantiser_dsps = requantiser_dsps;
    int left = hardware_dsps_left(&hw);
    if (p->model->shape.form == MODEL_COLLAPSED) // the readout's multipliers
        left -= p->model->shape.outputs < left ? p->model->shape.outputs : left;
    int chains = p->lane_stages < hw.terms ? 0 : left / hw.terms;
    return chains < p->chains_room ? chains : p->chains_room;
}

// How products share the 25 x 18 multiplier of a DSP: rtl/core/tile_pkg.vhd. One DSP can make the
// product of a residual and that of an accumulator by turns: where the slices of a job of d_model
// terms give a drain that time, and what it frees makes a chain.
static void plan_chains(struct plan *p)
{
    int x = p->token_port_bits, w = p->weight_port_bits, terms = p->hw.terms;
    int field = signed_bits_of_products(terms, x, w);
    int outputs = field + w <= 25 ? 2 : 1;
    int tokens = 2 * field + w <= 25 && field + x + 1 <= 18 ? 2 : 1;
    int drain = p->hw.outputs * (p->hw.tokens / p->hw.requantisers);
    p->chains_room = (p->hw.outputs / outputs) * (p->hw.tokens / tokens);
    // radix-4 rows, two a stage
    p->lane_stages = ceil_div(ceil_div(w, 2) * terms, 2);
    if (p->hw.requantiser_dsps == 0) {
        int wanted = p->hw.chains < 0 ? p->chains_room : p->hw.chains;
        int has_time = ceil_div(p->model->shape.d_model, terms) >= 2 * drain;
        p->hw.requantiser_dsps =
            has_time && chains_of(p, 2) < wanted && chains_of(p, 2) < chains_of(p, 1) ? 1 : 2;
    }
    p->chains = p->hw.chains < 0 ? chains_of(p, p->hw.requantiser_dsps) : p->hw.chains;
    if (p->chains > 0)
        p->lane_stages = larger(p->lane_stages, terms);
}

static void plan_memories(struct plan *p)
{
    const struct model_shape *s = &p->model->shape;
    int t = p->hw.tokens, u = p->hw.terms, r = p->hw.requantisers, o = p->hw.outputs;
    int jobs = ceil_div(s->d_model / s->heads, o);
    p->blocks = ceil_div(s->window, t);
    p->key_banks = choose_banks(p, o, u * p->key_bits, s->heads * plan_head_slices(p));
    p->value_banks = choose_banks(p, u, o * p->value_bits, s->heads * jobs);
    p->window_slices = ceil_div(s->features, u);
    p->window_depth = 2 * p->blocks * p->window_slices;
    p->numerator_depth = p->blocks * ceil_div(s->window, u);
    p->key_depth = s->heads * rows(p, p->key_banks) * plan_head_slices(p);
    p->value_depth = s->heads * jobs * rows(p, p->value_banks);
    p->kept_depth = power_of_two(p->blocks * (t / r) * s->d_model);
    p->pool_depth = power_of_two(s->form == MODEL_COLLAPSED ? s->outputs : s->d_model);
    struct memory_map m = plan_memory_map(p);
    // o takes the place of f, and is longer where the feed-forward layer is narrow
    int o_words = p->model->shape.form == MODEL_COLLAPSED
                      ? 0
                      : ceil_div(p->model->shape.d_model, p->hw.terms);
    p->activation_depth = m.f_base + larger(m.f_blocks * m.f_words, o_words);
}

// The token-port buffer: h, then c in its place; q, then r in its place; a ring of f.
struct memory_map plan_memory_map(const struct plan *p)
{
    const struct model_shape *s = &p->model->shape;
    int u = p->hw.terms, heads = s->heads * plan_head_slices(p), d = ceil_div(s->d_model, u);
    struct memory_map m = {.h_words = larger(heads, d)};
    m.q_base = p->blocks * m.h_words;
    m.f_base = 2 * m.q_base;
    if (s->form == MODEL_COLLAPSED) // f is summed, never stored
        return m;
    m.f_words = ceil_div(s->d_ff, u);
    m.f_blocks = p->blocks < 3 ? p->blocks : 3;
    return m;
}

static int check_limits(const struct plan *p, char *why, size_t whycap)
{
    const struct {
        const char *what;
        long value, max;
    } limits[] = {
        {"token-port words", p->activation_depth, 16383},
        {"weight words", p->weight_depth, 262143},
        {"passes", p->pass_count, 2047},
        {"softmax blocks", p->softmax_count, 1023},
        {"residual words", p->kept_depth, 65535},
        {"channel words", p->channel_words, 65535},
        {"position words", p->position_words, 65535},
        {"accumulator bits", p->acc_bits, 24},
        {"chains", p->chains, p->chains_room},
    };
    for (size_t i = 0; i < sizeof limits / sizeof limits[0]; i++)
        if (limits[i].value > limits[i].max) {
            snprintf(why, whycap, "hardware: %s: %ld is more than the engine's %ld", limits[i].what,
                     limits[i].value, limits[i].max);
            return -1;
        }
    return 0;
}

struct plan *plan_sketch(const struct model *mdl, const struct hardware *hw, char *why,
                         size_t whycap)
{
    struct plan *p = calloc(1, sizeof *p);
    if (!p)
        goto memory;
    p->model = mdl;
    p->hw = *hw;
    if (mdl->shape.form == MODEL_COLLAPSED)
        plan_collapsed_widths(p);
    else
        plan_widths(p);
    p->stored_bits = larger(larger(p->activation_bits, p->kept_bits), //
                            larger(p->key_bits, p->value_bits));
    p->result_bits = larger(larger(p->stored_bits + 1, mdl->bits.y), p->readout_code_bits);
    plan_chains(p);
    plan_memories(p);
    if (plan_passes(p) != 0)
        goto memory;
    plan_constants(p);
    if (plan_storage(p, why, whycap) != 0)
        goto fail;
    p->macs = model_macs(&mdl->shape);
    if (check_limits(p, why, whycap) != 0)
        goto fail;
    return p;
memory:
    snprintf(why, whycap, "plan: out of memory");
fail:
    plan_free(p);
    return NULL;
}

struct plan *plan_new(const struct model *mdl, const struct hardware *hw, char *why, size_t whycap)
{
    struct plan *p = plan_sketch(mdl, hw, why, whycap);
    if (p && plan_schedule(p) != 0) {
        snprintf(why, whycap, "plan: out of memory");
        plan_free(p);
        p = NULL;
    }
    return p;
}

void plan_free(struct plan *p)
{
    if (!p)
        return;
    free(p->passes);
    free(p->softmax);
    free(p->weights);
    free(p->sections);
    free(p->channel_sections);
    free(p->channels);
    free(p->token_biases);
    free(p->positions);
    free(p->readout);
    free(p);
}
