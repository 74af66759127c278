// SPDX-License-Identifier: Apache-2.0
// The plan of one accelerator: memory map, pass program, ROM contents and the exact cycle count,
// all from the model and the hardware choices. docs/engine.md explains the words.
#ifndef SEVENCAST_BUILD_PLAN_H
#define SEVENCAST_BUILD_PLAN_H

#include <stdint.h>
#include <stdio.h>

#include "tools/build/hardware.h"
#include "tools/model/model.h"

enum pass_op {
    PASS_IN,
    PASS_K,
    PASS_Q,
    PASS_SCORES,
    PASS_V,
    PASS_CONTEXT,
    PASS_O,
    PASS_FF1,
    PASS_FF2,
    PASS_POOL,
    PASS_OUT,
    PASS_OPS
};
const char *pass_op_name(enum pass_op op);

enum token_source { FROM_WINDOW, FROM_ACTIVATION, FROM_NUMERATOR, FROM_NOTHING };
enum weight_source { FROM_ROM, FROM_KEY, FROM_VALUE };
enum multiplier_source { MULTIPLIER_FIXED, MULTIPLIER_PER_ROW, MULTIPLIER_RECIPROCAL };
// TO_ATTENTION: the token port's buffer and both of the weight port's (h of the collapsed form).
enum destination { TO_ACTIVATION, TO_KEY, TO_VALUE, TO_POOL, TO_OUTPUT, TO_SOFTMAX, TO_ATTENTION };

// One operation on one block of tokens (of one head where there are heads). The fields are those of
// rtl/core/program_pkg.vhd.
struct pass {
    enum pass_op op;
    int layer, block, head;
    int tokens, groups, channels; // valid tokens of the block, drain groups, valid outputs
    int slices, jobs;             // cycles a job, jobs
    enum token_source token_from;
    enum weight_source weight_from;
    int token_base, weight_base;
    int drain, drain_last; // cycles to drain a job and the last one
    enum multiplier_source multiplier_from;
    int multiplier, shift, low, high;
    int scale;                           // index of shift, low and high in the plan's
    int bias_base, bias_steps, position; // position: and words of the position ROM
    int streamed;                        // biases and multipliers come with the weights
    int residual, keep, kept_base;
    int slot; // of reciprocals, context passes
    enum destination destination;
    int base, rotation, row_step, word_step;
    int key_base, key_rotation, value_base, value_rotation, value_step; // TO_ATTENTION
    int pooled, pool_base; // summed on the way; first place of the channels in the readout
    int offset;            // taken off the codes that are stored
    int tensor, first_token, first_index; // debug tap
    // set by the scheduler
    int writes, softmaxes, reciprocals;
    long begin, end; // cycles from start in which the first and last slice are chosen
};

struct softmax_pass {
    int tokens, base, slot, layer, first_row;
};

struct channel_word {
    int64_t bias;
    int32_t gain, multiplier;
};

// How a requantiser brings a sum into a code's range.
struct scale {
    int shift, low, high;
};

// The weights of one linear layer (of one head), in issue order.
struct weight_section {
    int first, words; // in plan.weights
    int bits;         // of a weight
    int edge;         // of the first or last layer: these go last in their group
    int slices;       // words of a job
    int channels;     // section of its channels' constants; -1: there is none
    int address;      // of the first word in the weight memory
};

// The constants of the channels of one linear layer (of one head), or one that is the same for
// all. Biases and multipliers lie in the channel ROM or come with the weights, gains in a ROM of
// their own.
struct channel_section {
    int first, words; // in plan.channels
    int gain;         // has gains
    int streamed;     // comes with the weights
    int address; // of the first word in the channel ROM and, where they have gains, the gain ROM
};

// A part of the weight memory: the words that begin at an address which its power-of-two depth
// divides, so that a few bits of the address select it.
struct weight_bank {
    int address, depth, words;
    int bits;     // of a weight
    int streamed; // constants of channels lie beside the weights
    enum hardware_storage kind;
};

// A memory as storage.c has chosen it. Figures are yosys estimates by formula: RAMB18 are exact.
struct memory {
    const char *name;
    enum hardware_storage kind;
    int copies, words, bits; // words and bits of a copy
    int ramb18, lut, lutram; // of all copies; lut contains lutram
};

enum {
    PLAN_MAX_SCALES = 32,
    PLAN_POSITION_BITS = 41,  // that the drain can split
    PLAN_POSITION_ZEROS = 16, // that it can append
    PLAN_MAX_BANKS = 64,
    PLAN_MAX_MEMORIES = PLAN_MAX_BANKS + 16
};

struct plan {
    const struct model *model; // borrowed
    struct hardware hw;
    int blocks, key_banks, value_banks;
    int window_slices; // words of a row of x
    int window_depth, activation_depth, numerator_depth, key_depth, value_depth, kept_depth,
        pool_depth;
    int attention_shared; // values lie behind the keys, in the same LUT RAM; both depths are the
                          // sum
    int activation_bits, key_bits, value_bits, kept_bits, e_bits, u_bits, pool_bits;
    int stored_bits, result_bits; // of what any buffer keeps; of any requantised code
    int weight_bits, token_port_bits, weight_port_bits, acc_bits, tile_acc_bits, score_bits;
    int readout_bits, readout_drop; // collapsed: of the output's exact sums, and what they drop
    int readout_code_bits;          // signed, of r and f
    int gain_bits, bias_bits, position_bits, has_gain, row_bits, lane_stages;
    int position_drop;              // zeros below what the position ROM holds, at most 16
    int sum_bits, code_bits;        // before the shift; of every code but y
    int chains, chains_room;        // DSP chains of the tile, and how many it has room for
    int f_offset[MODEL_MAX_LAYERS]; // f is stored as f - f_offset
    struct scale scales[PLAN_MAX_SCALES];
    int scale_count;
    // columns of these ROMs that lie in Block RAM
    int channel_block_bits, gain_block_bits, position_block_bits, readout_block_bits;
    // Constants that come with the weights: bits of a slice without the mark of a channel's last
    // one (0: none come), and slices of a channel.
    int stream_bits, stream_slices;
    struct pass *passes; // owned, in program order
    int pass_count;
    struct softmax_pass *softmax; // owned, in program order
    int softmax_count;
    int8_t *weights; // owned: [weight_words][outputs * terms]
    int weight_words;
    struct weight_section *sections; // owned, one after the other in weights
    int section_count;
    struct weight_bank banks[PLAN_MAX_BANKS]; // by address
    int bank_count, weight_depth;             // weight_depth: addresses
    struct memory memories[PLAN_MAX_MEMORIES];
    int memory_count;
    struct channel_word *channels; // owned
    int channel_words;
    struct channel_section *channel_sections; // owned, one after the other in channels
    int channel_section_count;
    int64_t *token_biases; // owned: [window][d_model] of the input layer, see coarse.h
    int64_t *positions; // owned: [position_words][requantisers]; block b's first is its kept_base
    int position_words;
    int8_t *readout; // owned, collapsed: [readout_words][outputs] weights
    int readout_words;
    long cycles, macs; // of one inference
};

// Plans the model on that hardware. NULL with why when it breaks a limit or memory is short.
struct plan *plan_new(const struct model *mdl, const struct hardware *hw, char *why, size_t whycap);
void plan_free(struct plan *p);

// The same without the order of passes, which takes most of the time: no cycles, no waits, no
// softmax blocks (softmax_count is 0). plan_schedule adds them.
struct plan *plan_sketch(const struct model *mdl, const struct hardware *hw, char *why,
                         size_t whycap);

// Orders p->passes and sets their waits and p->cycles by running the timing of the RTL. Used by
// plan_new.
int plan_schedule(struct plan *p);

// The program and where its cycles go, for people.
void plan_list(const struct plan *p, FILE *out);

#endif
