// SPDX-License-Identifier: Apache-2.0
// Writes every pass of an inference and the ROM words that it reads. The order is the scheduler's.
#include <stdlib.h>
#include <string.h>

#include "tools/build/coarse.h"
#include "tools/build/plan_internal.h"

// ROM places of one linear layer (of one head), shared by all blocks of tokens.
struct place {
    int weight_base, channel_base;
};

static int reserve(void **array, size_t count, size_t extra, size_t size)
{
    void *grown = realloc(*array, (count + extra) * size);
    if (!grown)
        return -1;
    memset((char *)grown + count * size, 0, extra * size);
    *array = grown;
    return 0;
}

// Column of the weight matrix that the tile's term in that place of the token words multiplies; -1
// where the word is padded.
static int column_of(const struct plan *p, enum pass_op op, int cols, int place)
{
    if (op != PASS_O)
        return place < cols ? place : -1;
    int dh = p->model->shape.d_model / p->model->shape.heads;
    int width = plan_head_slices(p) * p->hw.terms;
    int head = place / width, channel = place % width;
    return channel < dh ? head * dh + channel : -1;
}

static int slices_of(const struct plan *p, enum pass_op op, int cols)
{
    if (op == PASS_O)
        return p->model->shape.heads * plan_head_slices(p);
    return ceil_div(cols, p->hw.terms);
}

// Bits of the weights that an operation reads.
static int weight_bits_of(const struct model_bits *b, enum pass_op op, int layer)
{
    const struct model_layer_bits *y = &b->layer[layer];
    switch (op) {
    case PASS_K:
        return y->w_k;
    case PASS_Q:
        return y->w_q;
    case PASS_V:
        return y->w_v;
    case PASS_O:
        return y->w_o;
    case PASS_FF1:
        return y->w_1;
    case PASS_FF2:
        return y->w_2;
    case PASS_OUT:
        return b->w_y;
    case PASS_IN:
    case PASS_SCORES:
    case PASS_CONTEXT:
    case PASS_POOL:
    case PASS_OPS:
        break;
    }
    return b->w_in;
}

static int add_section(struct plan *p, enum pass_op op, int layer, int jobs, int slices)
{
    void *grown = p->sections;
    if (reserve(&grown, (size_t)p->section_count, 1, sizeof *p->sections) != 0)
        return -1;
    p->sections = grown;
    p->sections[p->section_count++] = (struct weight_section){
        .first = p->weight_words,
        .words = jobs * slices,
        .slices = slices,
        .channels = -1,
        .bits = weight_bits_of(&p->model->bits, op, layer),
        .edge = op == PASS_IN || op == PASS_OUT,
    };
    return 0;
}

static int add_weights(struct plan *p, enum pass_op op, int layer, const struct model_linear *w,
                       int first_row, int rows, struct place *place)
{
    int outputs = p->hw.outputs, terms = p->hw.terms;
    int jobs = ceil_div(rows, outputs), slices = slices_of(p, op, w->cols);
    size_t word = (size_t)(outputs * terms);
    void *grown = p->weights;
    if (reserve(&grown, (size_t)p->weight_words, (size_t)(jobs * slices), word) != 0 ||
        add_section(p, op, layer, jobs, slices) != 0)
        return -1;
    p->weights = grown;
    int8_t *to = p->weights + (size_t)p->weight_words * word;
    for (int job = 0; job < jobs; job++)
        for (int slice = 0; slice < slices; slice++, to += word)
            for (int o = 0; o < outputs; o++)
                for (int u = 0; u < terms; u++) {
                    int row = job * outputs + o;
                    int column = column_of(p, op, w->cols, slice * terms + u);
                    if (row < rows && column >= 0)
                        to[o * terms + u] =
                            w->w[(size_t)(first_row + row) * (size_t)w->cols + (size_t)column];
                }
    place->weight_base = p->weight_words;
    p->weight_words += jobs * slices;
    return 0;
}

static struct channel_word *add_channels(struct plan *p, int count, int *base)
{
    void *grown = p->channels;
    if (reserve(&grown, (size_t)p->channel_words, (size_t)count, sizeof *p->channels) != 0)
        return NULL;
    p->channels = grown;
    grown = p->channel_sections;
    if (reserve(&grown, (size_t)p->channel_section_count, 1, sizeof *p->channel_sections) != 0)
        return NULL;
    p->channel_sections = grown;
    p->channel_sections[p->channel_section_count++] =
        (struct channel_section){.first = p->channel_words, .words = count};
    *base = p->channel_words;
    p->channel_words += count;
    return p->channels + *base;
}

static int32_t multiplier_of(const struct model_requant *rq, int row)
{
    return rq->m[rq->per_row ? row : 0];
}

static int64_t bias_of(const struct plan *p, enum pass_op op, int layer,
                       const struct model_linear *w, int row)
{
    int64_t bias = w->rq.b[row];
    int offset = p->f_offset[layer];
    if (op == PASS_FF2) {
        int64_t sum = 0;
        for (int i = 0; i < w->cols; i++)
            sum += w->w[(size_t)row * (size_t)w->cols + (size_t)i];
        bias += sum * offset * multiplier_of(&w->rq, row);
    }
    return bias;
}

static int add_linear(struct plan *p, enum pass_op op, int layer, const struct model_linear *w,
                      int first_row, int rows, struct place *place)
{
    if (add_weights(p, op, layer, w, first_row, rows, place) != 0)
        return -1;
    struct channel_word *c = add_channels(p, rows, &place->channel_base);
    if (!c)
        return -1;
    p->channel_sections[p->channel_section_count - 1].gain = w->rq.g != NULL;
    p->sections[p->section_count - 1].channels = p->channel_section_count - 1;
    for (int i = 0; i < rows; i++) {
        int row = first_row + i;
        c[i].bias = op == PASS_IN ? 0 : bias_of(p, op, layer, w, row); // see add_positions
        if (w->rq.g)
            c[i].gain = w->rq.g[row];
        if (w->rq.per_row)
            c[i].multiplier = w->rq.m[row];
        if (w->rq.g)
            p->has_gain = 1;
    }
    return 0;
}

static int add_half(struct plan *p, int shift, struct place *place)
{
    struct channel_word *c = add_channels(p, 1, &place->channel_base);
    if (!c)
        return -1;
    c->bias = (int64_t)1 << (shift - 1);
    return 0;
}

// The biases of the input layer, as coarse as they may be: fewer columns of the position ROM.
static int add_token_biases(struct plan *p)
{
    const struct model *m = p->model;
    const struct model_linear *in = &m->in;
    struct model_op_info info;
    int d = m->shape.d_model;
    if (model_op_describe(&m->shape, &m->bits, MODEL_IN, 0, &info) != 0)
        abort(); // every model has one
    const int64_t x_low = model_range_min(info.in_range, info.in_bits),
                  x_high = model_range_max(info.in_range, info.in_bits);
    int64_t most = 0;
    for (int i = 0; i < m->shape.window * d; i++)
        most = llabs(in->rq.b[i]) > most ? llabs(in->rq.b[i]) : most;
    p->token_biases = calloc((size_t)(m->shape.window * d), sizeof *p->token_biases);
    if (!p->token_biases)
        return -1;
    for (int c = 0; c < d; c++) {
        struct coarse_requant q = {
            .multiplier = multiplier_of(&in->rq, c),
            .shift = in->rq.shift,
            .low = model_range_min(model_tensor_range(&m->shape, MODEL_H), m->bits.h),
            .high = model_range_max(model_tensor_range(&m->shape, MODEL_H), m->bits.h)};
        for (int i = 0; i < in->cols; i++) {
            int w = in->w[c * in->cols + i];
            q.acc_low += w * (w < 0 ? x_high : x_low);
            q.acc_high += w * (w < 0 ? x_low : x_high);
        }
        // sums keep to their 48 bits
        int64_t acc = q.acc_high > -q.acc_low ? q.acc_high : -q.acc_low,
                room = ((int64_t)1 << 47) - 1 - acc * q.multiplier;
        for (int t = 0; t < m->shape.window; t++) {
            int64_t bias = in->rq.b[t * d + c], own = llabs(bias);
            q.most = room < own ? own : room < most ? room : most;
            p->token_biases[t * d + c] = coarse_bias(&q, bias);
        }
    }
    return 0;
}

// What the channel's word holds of the biases of the input layer: their middle, with 16 zeros that
// leave room for the lowest bits of the rest.
static int64_t position_middle(const struct plan *p, int channel)
{
    const int64_t *b = p->token_biases;
    int d = p->model->shape.d_model;
    int64_t low = b[channel], high = low;
    for (int t = 1; t < p->model->shape.window; t++) {
        int64_t bias = b[t * d + channel];
        low = bias < low ? bias : low;
        high = bias > high ? bias : high;
    }
    int64_t middle = low + (high - low) / 2;
    return middle - (int64_t)((uint64_t)middle & 65535);
}

// Biases of the input layer depend on the token: the channel's word has what they share, a word of
// the position ROM the rest for one drain cycle. Biases that are too wide for two parts share
// nothing.
static int add_positions(struct plan *p, const struct place *place)
{
    const struct model_shape *s = &p->model->shape;
    const int64_t *b = p->token_biases;
    int r = p->hw.requantisers, t = p->hw.tokens, most = p->blocks * (t / r) * s->d_model;
    int64_t largest = 0;
    p->positions = calloc((size_t)(most * r), sizeof *p->positions);
    if (!p->positions)
        return -1;
    for (int i = 0; i < s->window * s->d_model; i++) {
        int64_t rest = b[i] - position_middle(p, i % s->d_model);
        largest = llabs(rest) > largest ? llabs(rest) : largest;
    }
    int shared = model_signed_bits(largest) <= PLAN_POSITION_BITS && p->hw.requantiser_dsps == 2;
    for (int c = 0; c < s->d_model; c++)
        p->channels[place->channel_base + c].bias = shared ? position_middle(p, c) : 0;
    for (int block = 0; block < p->blocks; block++)
        for (int c = 0; c < s->d_model; c++)
            for (int first = block * t; first < (block + 1) * t && first < s->window; first += r) {
                int64_t *word = p->positions + (long)p->position_words++ * r;
                for (int i = 0; i < r && first + i < s->window; i++)
                    word[i] =
                        b[(first + i) * s->d_model + c] - p->channels[place->channel_base + c].bias;
            }
    return 0;
}

static struct pass *add_pass(struct plan *p, enum pass_op op, int layer, int block, int head)
{
    void *grown = p->passes;
    if (reserve(&grown, (size_t)p->pass_count, 1, sizeof *p->passes) != 0)
        return NULL;
    p->passes = grown;
    struct pass *s = &p->passes[p->pass_count++];
    int left = p->model->shape.window - block * p->hw.tokens;
    s->op = op;
    s->layer = layer;
    s->block = block;
    s->head = head;
    s->tokens = left < p->hw.tokens ? left : p->hw.tokens;
    s->first_token = block * p->hw.tokens;
    return s;
}

// Everything that follows from channels, tokens and slices.
static void finish(const struct plan *p, struct pass *s)
{
    s->groups = ceil_div(s->tokens, p->hw.requantisers);
    s->jobs = ceil_div(s->channels, p->hw.outputs);
    int full = p->hw.outputs < s->channels ? p->hw.outputs : s->channels;
    int cycles = s->residual && p->hw.requantiser_dsps == 1 ? 2 * s->groups : s->groups;
    s->drain = full * cycles;
    s->drain_last = (s->channels - (s->jobs - 1) * p->hw.outputs) * cycles;
    s->word_step = 1;
    s->kept_base = s->block * (p->hw.tokens / p->hw.requantisers) * p->model->shape.d_model;
}

static void set_range(struct pass *s, enum model_range range, int bits)
{
    s->low = model_range_min(range, bits);
    s->high = model_range_max(range, bits);
}

static void set_requant(struct pass *s, const struct model_requant *rq, const struct place *place)
{
    s->shift = rq->shift;
    s->multiplier = rq->m[0];
    s->multiplier_from = rq->per_row ? MULTIPLIER_PER_ROW : MULTIPLIER_FIXED;
    s->residual = rq->g != NULL;
    s->bias_base = place->channel_base;
    s->bias_steps = 1;
    s->weight_base = place->weight_base;
    s->weight_from = FROM_ROM;
}

// First word and place of a block's tokens in the key or value buffer.
static void set_banks(struct pass *s, int banks, int row_step)
{
    s->row_step = row_step;
    s->rotation = s->first_token % banks;
    s->base += s->first_token / banks * row_step;
}

// h of the collapsed form goes where k and v would go besides.
static void set_attention(const struct plan *p, struct pass *s)
{
    s->destination = TO_ATTENTION;
    s->key_rotation = s->first_token % p->key_banks;
    s->key_base = s->first_token / p->key_banks * plan_head_slices(p);
    s->value_rotation = s->first_token % p->value_banks;
    s->value_base = s->first_token / p->value_banks;
    s->row_step = plan_head_slices(p); // of keys; of values 1
    s->value_step = ceil_div(p->model->shape.window, p->value_banks);
}

static int in_passes(struct plan *p)
{
    const struct model *m = p->model;
    struct place place = {0, 0};
    if (add_linear(p, PASS_IN, 0, &m->in, 0, m->in.rows, &place) != 0 || add_token_biases(p) != 0 ||
        add_positions(p, &place) != 0)
        return -1;
    struct memory_map map = plan_memory_map(p);
    for (int block = 0; block < p->blocks; block++) {
        struct pass *s = add_pass(p, PASS_IN, 0, block, 0);
        if (!s)
            return -1;
        s->channels = m->in.rows;
        s->slices = slices_of(p, PASS_IN, m->in.cols);
        s->token_from = FROM_WINDOW;
        s->token_base = block * p->window_slices;
        finish(p, s);
        set_requant(s, &m->in.rq, &place);
        set_range(s, model_tensor_range(&m->shape, MODEL_H), m->bits.h);
        s->position = 1;
        s->keep = 1;
        s->destination = TO_ACTIVATION;
        if (m->shape.form == MODEL_COLLAPSED)
            set_attention(p, s);
        s->base = block * map.h_words;
        s->tensor = MODEL_H;
    }
    return 0;
}

static int attention_in(struct plan *p, int layer, enum pass_op op, const struct model_linear *w,
                        enum model_tensor tensor)
{
    const struct model_shape *sh = &p->model->shape;
    struct memory_map map = plan_memory_map(p);
    int dh = sh->d_model / sh->heads, slices = plan_head_slices(p);
    int value_rows = ceil_div(sh->window, p->value_banks);
    int key_rows = ceil_div(sh->window, p->key_banks);
    for (int head = 0; head < sh->heads; head++) {
        struct place place = {0, 0};
        if (add_linear(p, op, layer, w, head * dh, dh, &place) != 0)
            return -1;
        for (int block = 0; block < p->blocks; block++) {
            struct pass *s = add_pass(p, op, layer, block, head);
            if (!s)
                return -1;
            s->channels = dh;
            s->slices = slices_of(p, op, w->cols);
            s->token_from = FROM_ACTIVATION;
            s->token_base = block * map.h_words;
            finish(p, s);
            set_requant(s, &w->rq, &place);
            set_range(s, model_tensor_range(&p->model->shape, tensor),
                      model_tensor_bits(&p->model->bits, tensor, layer));
            s->tensor = (int)tensor;
            s->first_index = head * dh;
            if (op == PASS_Q) {
                s->destination = TO_ACTIVATION;
                s->base = map.q_base + block * map.h_words + head * slices;
            } else if (op == PASS_K) {
                s->destination = TO_KEY;
                s->base = head * key_rows * slices;
                set_banks(s, p->key_banks, slices);
            } else {
                s->destination = TO_VALUE;
                s->word_step = value_rows;
                s->base = head * ceil_div(dh, p->hw.outputs) * value_rows;
                set_banks(s, p->value_banks, 1);
            }
        }
    }
    return 0;
}

static int attention(struct plan *p, int layer)
{
    const struct model_shape *sh = &p->model->shape;
    const struct model_layer *w = &p->model->layer[layer];
    struct memory_map map = plan_memory_map(p);
    int dh = sh->d_model / sh->heads, slices = plan_head_slices(p);
    int value_rows = ceil_div(sh->window, p->value_banks);
    int key_rows = ceil_div(sh->window, p->key_banks);
    struct place half = {0, 0};
    if (add_half(p, w->context_shift, &half) != 0)
        return -1;
    for (int head = 0; head < sh->heads; head++)
        for (int block = 0; block < p->blocks; block++) {
            struct pass *s = add_pass(p, PASS_SCORES, layer, block, head);
            if (!s)
                return -1;
            s->channels = sh->window;
            s->slices = slices;
            s->token_from = FROM_ACTIVATION;
            s->token_base = map.q_base + block * map.h_words + head * slices;
            s->weight_from = FROM_KEY;
            s->weight_base = head * key_rows * slices;
            finish(p, s);
            s->destination = TO_SOFTMAX;

            if (!(s = add_pass(p, PASS_CONTEXT, layer, block, head)))
                return -1;
            s->channels = dh;
            s->slices = ceil_div(sh->window, p->hw.terms);
            s->token_from = FROM_NUMERATOR;
            s->token_base = block * s->slices;
            s->weight_from = FROM_VALUE;
            s->weight_base = head * ceil_div(dh, p->hw.outputs) * value_rows;
            finish(p, s);
            s->shift = w->context_shift;
            s->multiplier_from = MULTIPLIER_RECIPROCAL;
            s->bias_base = half.channel_base;
            s->slot = block;
            set_range(s, MODEL_SIGNED, p->model->bits.layer[layer].c);
            s->destination = TO_ACTIVATION;
            s->base = block * map.h_words + head * slices;
            s->tensor = MODEL_C;
            s->first_index = head * dh;
        }
    return 0;
}

static int feed_forward(struct plan *p, int layer, enum pass_op op, const struct model_linear *w,
                        enum model_tensor tensor)
{
    struct memory_map map = plan_memory_map(p);
    int final = layer == p->model->shape.layers - 1;
    int collapsed = p->model->shape.form == MODEL_COLLAPSED;
    struct place place = {0, 0};
    if (add_linear(p, op, layer, w, 0, w->rows, &place) != 0)
        return -1;
    for (int block = 0; block < p->blocks; block++) {
        struct pass *s = add_pass(p, op, layer, block, 0);
        if (!s)
            return -1;
        int f = map.f_base + (collapsed ? 0 : block % map.f_blocks * map.f_words);
        s->channels = w->rows;
        s->slices = slices_of(p, op, w->cols);
        s->token_from = FROM_ACTIVATION;
        set_requant(s, &w->rq, &place);
        finish(p, s);
        s->tensor = (int)tensor;
        s->offset = op == PASS_FF1 ? p->f_offset[layer] : 0;
        set_range(s, model_tensor_range(&p->model->shape, tensor),
                  model_tensor_bits(&p->model->bits, tensor, layer));
        s->destination = TO_ACTIVATION;
        if (op == PASS_O) {
            s->token_base = block * map.h_words;
            s->base = map.q_base + block * map.h_words;
            s->keep = !collapsed;
            s->pooled = collapsed;
        } else if (op == PASS_FF1) {
            s->token_base = map.q_base + block * map.h_words;
            s->base = f;
            if (collapsed) {
                s->destination = TO_POOL;
                s->base = s->word_step = 0;
                s->pooled = 1;
                s->pool_base = p->model->shape.d_model;
            }
        } else {
            s->token_base = f;
            s->base = block * map.h_words;
            s->keep = !final;
            if (final) {
                s->destination = TO_POOL;
                s->pooled = 1;
            }
        }
    }
    return 0;
}

// The collapsed form's outputs: the readout's sums, requantised.
static int readout(struct plan *p)
{
    const struct model *m = p->model;
    const struct model_requant *rq = &m->out.rq;
    struct place place = {0, 0};
    struct channel_word *c = add_channels(p, m->out.rows, &place.channel_base);
    struct pass *s = c ? add_pass(p, PASS_OUT, 0, 0, 0) : NULL;
    if (!s)
        return -1;
    p->readout = malloc((size_t)(m->out.rows * m->out.cols));
    if (!p->readout)
        return -1;
    p->readout_words = m->out.cols;
    for (int i = 0; i < m->out.rows * m->out.cols; i++)
        p->readout[i] = m->out.w[i % m->out.rows * m->out.cols + i / m->out.rows];
    for (int i = 0; i < m->out.rows; i++)
        c[i] = (struct channel_word){.bias = rq->b[i], .multiplier = rq->per_row ? rq->m[i] : 0};
    s->tokens = 1;
    s->channels = m->out.rows;
    // long enough for the last code to get through the readout's adders, which are more than the
    // tile's stages only where the tile is tiny
    s->slices = 1;
    for (int lanes = p->hw.requantisers; lanes > 1; lanes = ceil_div(lanes, 2))
        s->slices++;
    s->slices = s->slices > p->lane_stages ? s->slices - p->lane_stages : 1;
    s->token_from = FROM_NOTHING;
    finish(p, s);
    set_requant(s, rq, &place);
    set_range(s, MODEL_SIGNED, m->bits.y);
    s->destination = TO_OUTPUT;
    s->tensor = MODEL_Y;
    return 0;
}

static int collapsed_passes(struct plan *p)
{
    const struct model_layer *w = &p->model->layer[0];
    if (in_passes(p) != 0 || attention_in(p, 0, PASS_Q, &w->q, MODEL_Q) != 0 ||
        attention(p, 0) != 0 || feed_forward(p, 0, PASS_O, &w->o, MODEL_R) != 0 ||
        feed_forward(p, 0, PASS_FF1, &w->ff1, MODEL_F) != 0)
        return -1;
    return readout(p);
}

static int tail(struct plan *p)
{
    const struct model *m = p->model;
    struct memory_map map = plan_memory_map(p);
    struct place place = {0, 0};
    struct pass *s;
    if (add_half(p, m->pool_shift, &place) != 0 || !(s = add_pass(p, PASS_POOL, 0, 0, 0)))
        return -1;
    s->tokens = 1;
    s->channels = m->shape.d_model;
    s->slices = 1;
    s->token_from = FROM_NOTHING;
    finish(p, s);
    s->shift = m->pool_shift;
    s->multiplier = m->pool_m;
    s->bias_base = place.channel_base;
    set_range(s, MODEL_SIGNED, m->bits.o);
    s->destination = TO_ACTIVATION;
    s->base = map.f_base;
    s->tensor = MODEL_O;

    place.channel_base = 0;
    if (add_linear(p, PASS_OUT, 0, &m->out, 0, m->out.rows, &place) != 0 ||
        !(s = add_pass(p, PASS_OUT, 0, 0, 0)))
        return -1;
    s->tokens = 1;
    s->channels = m->out.rows;
    s->slices = slices_of(p, PASS_OUT, m->out.cols);
    s->token_from = FROM_ACTIVATION;
    s->token_base = map.f_base;
    finish(p, s);
    set_requant(s, &m->out.rq, &place);
    set_range(s, MODEL_SIGNED, m->bits.y);
    s->destination = TO_OUTPUT;
    s->tensor = MODEL_Y;
    return 0;
}

int plan_passes(struct plan *p)
{
    const struct model *m = p->model;
    if (m->shape.form == MODEL_COLLAPSED)
        return collapsed_passes(p);
    if (in_passes(p) != 0)
        return -1;
    for (int l = 0; l < m->shape.layers; l++) {
        const struct model_layer *w = &m->layer[l];
        if (attention_in(p, l, PASS_K, &w->k, MODEL_K) != 0 ||
            attention_in(p, l, PASS_Q, &w->q, MODEL_Q) != 0 ||
            attention_in(p, l, PASS_V, &w->v, MODEL_V) != 0 || attention(p, l) != 0 ||
            feed_forward(p, l, PASS_O, &w->o, MODEL_R) != 0 ||
            feed_forward(p, l, PASS_FF1, &w->ff1, MODEL_F) != 0 ||
            feed_forward(p, l, PASS_FF2, &w->ff2, MODEL_Z) != 0)
            return -1;
    }
    return tail(p);
}
