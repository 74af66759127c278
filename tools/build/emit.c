// SPDX-License-Identifier: Apache-2.0
#include "tools/build/emit.h"

#include <inttypes.h>
#include <string.h>

#include "tools/build/plan_internal.h"

// A ROM word under construction; fields are added from the right.
enum { WORD_BYTES = 1024 };
struct word {
    uint8_t bits[WORD_BYTES];
    int width;
};

static void add_field(struct word *w, int64_t value, int bits)
{
    for (int i = 0; i < bits; i++, w->width++)
        if ((value >> (i < 63 ? i : 63)) & 1)
            w->bits[w->width / 8] |= (uint8_t)(1u << (w->width % 8));
}

static void put_word(FILE *out, const struct word *w)
{
    fprintf(out, "%dx\"", w->width);
    for (int digit = (w->width + 3) / 4 - 1; digit >= 0; digit--)
        fprintf(out, "%x", (w->bits[digit / 2] >> (digit % 2 * 4)) & 15);
    fputc('"', out);
}

static void begin_rom(FILE *out, const char *name, int words, int width)
{
    fprintf(out, "  constant %s : word_array_t(0 to %d)(%d downto 0) := (", name, words - 1,
            width - 1);
}

static void put_item(FILE *out, int index)
{
    fprintf(out, "%s\n    %d => ", index ? "," : "", index);
}

static void put_integers(FILE *out, const char *name, const int *values, int count)
{
    fprintf(out, "  constant %s : int_array_t(0 to %d) := (", name, count - 1);
    for (int i = 0; i < count; i++)
        fprintf(out, "%s%d => %d", i ? ", " : "", i, values[i]);
    fprintf(out, ");\n");
}

// The weights at an address; NULL where none lie.
static const struct weight_section *section_at(const struct plan *p, int address)
{
    for (int i = 0; i < p->section_count; i++) {
        const struct weight_section *s = &p->sections[i];
        if (address >= s->address && address < s->address + s->words)
            return s;
    }
    return NULL;
}

static void add_constant(struct word *w, const struct plan *p, int channel)
{
    const struct channel_word *c = &p->channels[channel];
    add_field(w, c->bias, p->bias_bits);
    add_field(w, c->multiplier, p->row_bits);
}

// What comes with a word of weights: a piece of the constants of one of the job's channels and
// whether it is their last.
static void add_stream(struct word *w, const struct plan *p, const struct weight_section *s, int at)
{
    const struct channel_section *c = s->channels < 0 ? NULL : &p->channel_sections[s->channels];
    int job = at / s->slices, slice = at % s->slices;
    int output = slice / p->stream_slices, piece = slice % p->stream_slices;
    int channel = job * p->hw.outputs + output;
    struct word constant = {0};
    if (!c || !c->streamed || output >= p->hw.outputs || channel >= c->words)
        return;
    add_constant(&constant, p, c->first + channel);
    for (int i = 0; i < p->stream_bits; i++) {
        int bit = piece * p->stream_bits + i;
        add_field(w, constant.bits[bit / 8] >> (bit % 8) & 1, 1);
    }
    add_field(w, piece == p->stream_slices - 1, 1);
}

static void put_banks(FILE *out, const struct plan *p)
{
    int address[PLAN_MAX_BANKS], depth[PLAN_MAX_BANKS], words[PLAN_MAX_BANKS], bits[PLAN_MAX_BANKS],
        block[PLAN_MAX_BANKS], streamed[PLAN_MAX_BANKS];
    for (int i = 0; i < p->bank_count; i++) {
        const struct weight_bank *b = &p->banks[i];
        address[i] = b->address;
        depth[i] = b->depth;
        words[i] = b->words;
        bits[i] = b->bits;
        block[i] = b->kind == STORAGE_BLOCK;
        streamed[i] = b->streamed;
    }
    put_integers(out, "bank_addresses_c", address, p->bank_count);
    put_integers(out, "bank_depths_c", depth, p->bank_count);
    put_integers(out, "bank_words_c", words, p->bank_count);
    put_integers(out, "bank_bits_c", bits, p->bank_count);
    put_integers(out, "bank_blocks_c", block, p->bank_count);
    put_integers(out, "bank_streams_c", streamed, p->bank_count);
}

// The banks one after the other, narrow words with zeros before them.
static void put_weights(FILE *out, const struct plan *p)
{
    int per_word = p->hw.outputs * p->hw.terms, index = 0, all = 0;
    for (int b = 0; b < p->bank_count; b++)
        all += p->banks[b].words;
    int width = per_word * p->weight_bits + (p->stream_bits > 0 ? p->stream_bits + 1 : 0);
    begin_rom(out, "weight_rom_c", all, width);
    for (int b = 0; b < p->bank_count; b++)
        for (int i = 0; i < p->banks[b].words; i++) {
            struct word w = {0};
            const struct weight_section *s = section_at(p, p->banks[b].address + i);
            int at = s ? p->banks[b].address + i - s->address : 0;
            for (int k = 0; s && k < per_word; k++)
                add_field(&w, p->weights[(long)(s->first + at) * per_word + k], p->banks[b].bits);
            if (s && p->banks[b].streamed)
                add_stream(&w, p, s, at);
            w.width = width;
            put_item(out, index++);
            put_word(out, &w);
        }
    fprintf(out, ");\n");
}

// Words of the sections that lie in the channel ROM or, with gain, in the gain ROM; in the order of
// their addresses.
static void put_sections(FILE *out, const struct plan *p, int gain)
{
    int words = 0, index = 0;
    for (int i = 0; i < p->channel_section_count; i++)
        if (gain ? p->channel_sections[i].gain : !p->channel_sections[i].streamed)
            words += p->channel_sections[i].words;
    begin_rom(out, gain ? "gain_rom_c" : "channel_rom_c", words > 0 ? words : 1,
              gain ? (p->gain_bits < 2 ? 2 : p->gain_bits) : p->bias_bits + p->row_bits);
    while (index < words)
        for (int i = 0; i < p->channel_section_count; i++) {
            const struct channel_section *c = &p->channel_sections[i];
            if (c->address != index || (gain ? !c->gain : c->streamed))
                continue;
            for (int k = 0; k < c->words; k++) {
                struct word w = {0};
                if (gain)
                    add_field(&w, p->channels[c->first + k].gain,
                              p->gain_bits < 2 ? 2 : p->gain_bits);
                else
                    add_constant(&w, p, c->first + k);
                put_item(out, index++);
                put_word(out, &w);
            }
        }
    if (words == 0)
        fprintf(out, "0 => (others => '0')");
    fprintf(out, ");\n");
}

static void put_positions(FILE *out, const struct plan *p)
{
    int lanes = p->hw.requantisers;
    begin_rom(out, "position_rom_c", p->position_words, lanes * p->position_bits);
    for (int i = 0; i < p->position_words; i++) {
        struct word w = {0};
        for (int r = 0; r < lanes; r++)
            add_field(&w, p->positions[(long)i * lanes + r] >> p->position_drop, p->position_bits);
        put_item(out, i);
        put_word(out, &w);
    }
    fprintf(out, ");\n");
}

static void put_natural(FILE *out, const char *name, long value)
{
    fprintf(out, "  constant %s : natural := %ld;\n", name, value);
}

// A variant of the encoder has no readout; its ROM is there for the name.
static void put_readout(FILE *out, const struct plan *p)
{
    int outputs = p->model->shape.outputs, bits = p->readout_words ? p->model->bits.w_y : 1;
    int words = p->readout_words ? p->readout_words : 1;
    put_natural(out, "readout_weight_bits_c", bits);
    begin_rom(out, "readout_rom_c", words, outputs * bits);
    for (int i = 0; i < words; i++) {
        struct word w = {0};
        for (int o = 0; o < outputs; o++)
            add_field(&w, p->readout ? p->readout[i * outputs + o] : 0, bits);
        put_item(out, i);
        put_word(out, &w);
    }
    fprintf(out, ");\n");
}

static const char *truth(int value)
{
    return value ? "true" : "false";
}

static void put_programs(FILE *out, const struct plan *p)
{
    static const char *const token_sources[] = {"from_window", "from_activation", "from_numerator",
                                                "from_nothing"};
    static const char *const weight_sources[] = {"from_rom", "from_key", "from_value"};
    static const char *const destinations[] = {"to_activation", "to_key",    "to_value",
                                               "to_pool",       "to_output", "to_softmax",
                                               "to_attention"};
    int last = p->pass_count - 1;
    fprintf(out, "  constant issue_program_c : issue_array_t(0 to %d) := (", last);
    for (int i = 0; i <= last; i++) {
        const struct pass *s = &p->passes[i];
        put_item(out, i);
        fprintf(out,
                "(writes => %d, softmaxes => %d, reciprocals => %d, scores => %s, "
                "token_from => %s, token_base => %d, weight_from => %s, weight_base => %d, "
                "last_slice => %d, last_job => %d, drain => %d, drain_last => %d)",
                s->writes, s->softmaxes, s->reciprocals, truth(s->op == PASS_SCORES),
                token_sources[s->token_from], s->token_base, weight_sources[s->weight_from],
                s->weight_base, s->slices - 1, s->jobs - 1, s->drain - 1, s->drain_last - 1);
    }
    fprintf(out, ");\n  constant drain_program_c : drain_array_t(0 to %d) := (", last);
    for (int i = 0; i <= last; i++) {
        const struct pass *s = &p->passes[i];
        put_item(out, i);
        fprintf(out,
                "(pooled => %s, scores => %s, last_group => %d, channels => %d, "
                "multiplier => %d, normalises => %s, scale => %d, bias_base => %d, "
                "bias_steps => %s, position => %s, streamed => %s, gained => %s, kept_base => %d, "
                "reciprocal => %d)",
                truth(s->token_from == FROM_NOTHING), truth(s->op == PASS_SCORES), s->groups - 1,
                s->channels, s->multiplier_from == MULTIPLIER_FIXED ? s->multiplier : 0,
                truth(s->multiplier_from == MULTIPLIER_RECIPROCAL), s->scale, s->bias_base,
                truth(s->bias_steps), truth(s->position), truth(s->streamed), truth(s->residual),
                s->kept_base, s->slot);
    }
    fprintf(out, ");\n  constant write_program_c : write_array_t(0 to %d) := (", last);
    for (int i = 0; i <= last; i++) {
        const struct pass *s = &p->passes[i];
        put_item(out, i);
        fprintf(out,
                "(destination => %s, base => %d, word_step => %d, rotation => %d, row_step => %d, "
                "last_group => %d, last_index => %d, keep => %s, kept_base => %d, tokens => %d, "
                "first_block => %s, offset => %s, first_index => %d, tensor => %d, layer => %d, "
                "first_token => %d, pooled => %s, pool_base => %d, key_base => %d, "
                "key_rotation => %d, value_base => %d, value_rotation => %d, value_step => %d)",
                destinations[s->destination], s->base, s->word_step, s->rotation, s->row_step,
                s->groups - 1, s->first_index + s->channels - 1, truth(s->keep), s->kept_base,
                s->tokens, truth(s->block == 0), truth(s->offset != 0), s->first_index, s->tensor,
                s->layer, s->first_token, truth(s->pooled), s->pool_base, s->key_base,
                s->key_rotation, s->value_base, s->value_rotation, s->value_step);
    }
    // two at least, the second never run: GHDL's synthesis stops at an array of one
    int blocks = p->softmax_count > 1 ? p->softmax_count : 2;
    fprintf(out, ");\n  constant softmax_program_c : softmax_array_t(0 to %d) := (", blocks - 1);
    for (int i = 0; i < blocks; i++) {
        const struct softmax_pass *s = &p->softmax[i < p->softmax_count ? i : 0];
        put_item(out, i);
        fprintf(out, "(tokens => %d, base => %d, slot => %d, layer => %d, first_row => %d)",
                s->tokens, s->base, s->slot, s->layer, s->first_row);
    }
    fprintf(out, ");\n");
}

static void put_identity(FILE *out, const struct plan *p, const struct variant *v,
                         enum emit_origin origin)
{
    const struct model_shape *s = &p->model->shape;
    put_natural(out, "window_c", s->window);
    put_natural(out, "features_c", s->features);
    put_natural(out, "outputs_c", s->outputs);
    put_natural(out, "layers_c", s->layers);
    put_natural(out, "heads_c", s->heads);
    put_natural(out, "d_model_c", s->d_model);
    put_natural(out, "d_ff_c", s->d_ff);
    put_natural(out, "x_bits_c", p->model->bits.x);
    put_natural(out, "y_bits_c", p->model->bits.y);
    put_natural(out, "origin_c", (long)origin);
    put_natural(out, "clock_hz_c", BUILD_CLOCK_HZ);
    fprintf(out, "  -- SHA-256 of the manifest, first byte in bits 7..0\n");
    fprintf(out, "  constant variant_hash_c : std_logic_vector(255 downto 0) := x\"");
    for (int i = VARIANT_HASH_BYTES - 1; i >= 0; i--)
        fprintf(out, "%02x", v->hash[i]);
    fprintf(out, "\";\n");
}

static void put_hardware(FILE *out, const struct plan *p)
{
    const struct {
        const char *name;
        long value;
    } naturals[] = {
        {"tile_tokens_c", p->hw.tokens},
        {"tile_outputs_c", p->hw.outputs},
        {"tile_terms_c", p->hw.terms},
        {"requantisers_c", p->hw.requantisers},
        {"softmax_lanes_c", p->hw.softmax_lanes},
        {"lane_stages_c", p->lane_stages},
        {"chains_c", p->chains},
        {"token_port_bits_c", p->token_port_bits},
        {"weight_port_bits_c", p->weight_port_bits},
        {"acc_bits_c", p->acc_bits},
        {"tile_acc_bits_c", p->tile_acc_bits},
        {"readout_bits_c", p->readout_bits < 2 ? 2 : p->readout_bits},
        {"readout_drop_c", p->readout_drop},
        {"readout_code_bits_c", p->readout_code_bits < 2 ? 2 : p->readout_code_bits},
        {"score_bits_c", p->score_bits},
        {"multiplier_bits_c", 17},
        {"gain_bits_c", p->gain_bits < 2 ? 2 : p->gain_bits},
        {"gain_field_c", p->has_gain ? p->gain_bits : 0},
        {"row_field_c", p->row_bits},
        {"bias_bits_c", p->bias_bits},
        {"position_bits_c", p->position_bits},
        {"position_drop_c", p->position_drop},
        {"stream_bits_c", p->stream_bits},
        {"stream_slices_c", p->stream_slices},
        {"stream_depth_c", PLAN_STREAM_DEPTH},
        {"sum_bits_c", p->sum_bits},
        {"code_bits_c", p->code_bits},
        {"weight_bits_c", p->weight_bits},
        {"weight_depth_c", p->weight_depth},
        {"channel_block_bits_c", p->channel_block_bits},
        {"gain_block_bits_c", p->gain_block_bits},
        {"position_block_bits_c", p->position_block_bits},
        {"readout_block_bits_c", p->readout_block_bits},
        {"activation_bits_c", p->activation_bits},
        {"key_bits_c", p->key_bits},
        {"value_bits_c", p->value_bits},
        {"kept_bits_c", p->kept_bits},
        {"stored_bits_c", p->stored_bits},
        {"result_bits_c", p->result_bits},
        {"key_banks_c", p->key_banks},
        {"value_banks_c", p->value_banks},
        {"pool_bits_c", p->pool_bits},
        {"u_bits_c", p->u_bits},
        {"e_bits_c", p->e_bits},
        {"window_slices_c", p->window_slices},
        {"window_depth_c", p->window_depth},
        {"activation_depth_c", p->activation_depth},
        {"numerator_depth_c", p->numerator_depth},
        {"key_depth_c", p->key_depth},
        {"value_depth_c", p->value_depth},
        {"kept_depth_c", p->kept_depth},
        {"pool_depth_c", p->pool_depth},
        {"softmax_slots_c", p->blocks},
    };
    for (size_t i = 0; i < sizeof naturals / sizeof naturals[0]; i++)
        put_natural(out, naturals[i].name, naturals[i].value);
    fprintf(out, "  constant divider_pipelined_c : boolean := %s;\n",
            truth(p->hw.divider_pipelined));
    for (int b = 0; b < BUFFER_WEIGHT; b++)
        fprintf(out, "  constant %s_kind_c : string := \"%s\";\n",
                b == BUFFER_RESIDUAL ? "kept" : hardware_buffer_name((enum hardware_buffer)b),
                hardware_storage_name(p->hw.storage[b]));
    fprintf(out, "  constant attention_shared_c : boolean := %s;\n", truth(p->attention_shared));
    put_natural(out, "requantiser_dsps_c", p->hw.requantiser_dsps);
    fprintf(out, "  constant collapsed_c : boolean := %s;\n",
            truth(p->model->shape.form == MODEL_COLLAPSED));
}

// One constant for each member of the scales.
static void put_scales(FILE *out, const struct plan *p)
{
    const char *const names[] = {"shifts_c", "lows_c", "highs_c"};
    for (int k = 0; k < 3; k++) {
        fprintf(out, "  constant %s : int_array_t(0 to %d) := (", names[k], p->scale_count - 1);
        for (int i = 0; i < p->scale_count; i++) {
            const int values[] = {p->scales[i].shift, p->scales[i].low, p->scales[i].high};
            fprintf(out, "%s%d => %d", i ? ", " : "", i, values[k]);
        }
        fprintf(out, ");\n");
    }
}

static void put_layers(FILE *out, const struct plan *p)
{
    const struct model *m = p->model;
    int layers = m->shape.layers;
    const char *const names[] = {"score_multipliers_c", "score_shifts_c", "score_tops_c",
                                 "dividends_c"};
    for (int k = 0; k < 4; k++) {
        fprintf(out, "  constant %s : int_array_t(0 to %d) := (", names[k], layers - 1);
        for (int l = 0; l < layers; l++) {
            const int values[] = {m->layer[l].score_m, m->layer[l].score_shift,
                                  (1 << m->bits.layer[l].u) - 1, m->layer[l].context_k};
            fprintf(out, "%s%d => %d", l ? ", " : "", l, values[k]);
        }
        fprintf(out, ");\n");
    }
    fprintf(out, "  constant exponential_c : int_array_t(0 to %d) := (",
            layers * (1 << p->u_bits) - 1);
    for (int l = 0; l < layers; l++)
        for (int u = 0; u < 1 << p->u_bits; u++) {
            int i = l * (1 << p->u_bits) + u;
            int value = u < 1 << m->bits.layer[l].u ? m->layer[l].lut[u] : 0;
            fprintf(out, "%s%s%d => %d", i ? "," : "", i % 8 ? " " : "\n    ", i, value);
        }
    fprintf(out, ");\n");
    put_scales(out, p);
}

int emit_package(FILE *out, const struct plan *p, const struct variant *v, enum emit_origin origin,
                 int fast)
{
    fprintf(out,
            "-- Made by sevencast-build from variant %s. Do not edit.\n"
            "library ieee;\nuse ieee.std_logic_1164.all;\nuse work.arithmetic_pkg.all;\n"
            "use work.program_pkg.all;\n\npackage variant_pkg is\n",
            v->name);
    put_identity(out, p, v, origin);
    fprintf(out, "  constant fast_c : boolean := %s;\n", truth(fast));
    fprintf(out, "  constant fast_tile_c : boolean := %s;\n", truth(fast));
    put_hardware(out, p);
    put_layers(out, p);
    put_programs(out, p);
    put_sections(out, p, 0);
    put_sections(out, p, 1);
    put_positions(out, p);
    put_banks(out, p);
    put_readout(out, p);
    put_weights(out, p);
    fprintf(out, "end package;\n");
    return ferror(out) ? -1 : 0;
}
