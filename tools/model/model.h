// SPDX-License-Identifier: Apache-2.0
// The integer-only encoder: golden definition of every tensor that the fabric computes.
//
// Two forms of one network: the encoder, and the collapsed form, in which products of its matrices
// are one matrix each. The collapsed form has no k, v, z and o and no such operations; its g, the
// query that already knows the keys' map, goes by the name of q, as its map by that of q's.
//
// Symbols: L window length, m features, d d_model, dh = d/heads, F d_ff. Everything is row-major.
// Signed codes lie in [-2^(b-1), 2^(b-1)-1]; weights, k and v are narrow, [-(2^(b-1)-1),
// 2^(b-1)-1], and in the collapsed form so is h; f, e and u are unsigned, [0, 2^b-1]. Saturation
// happens only where a named tensor is formed; everything before it is exact. The arithmetic is
// written down in docs/arithmetic.md; this library is its normative form. No function here
// allocates except model_new and model_trace_new; none uses floating point.
#ifndef SEVENCAST_MODEL_MODEL_H
#define SEVENCAST_MODEL_MODEL_H

#include <stddef.h>
#include <stdint.h>

enum {
    MODEL_MAX_WINDOW = 64,
    MODEL_MIN_D = 4,
    MODEL_MAX_D = 64,
    MODEL_MAX_FEATURES = 32,
    MODEL_MAX_HEADS = 4,
    MODEL_MAX_LAYERS = 2,
    MODEL_MAX_FF = 4 * MODEL_MAX_D,
    MODEL_MAX_OUTPUTS = 24,
    MODEL_MAX_SHIFTS = 4, // distinct shifts of one variant's requantisers, pool and scores
    MODEL_MAX_SHIFT = 38,
    MODEL_MAX_CONTEXT_SHIFT = 40, // of the context, which is outside that list
    MODEL_MAX_MULTIPLIER = (1 << 15) - 1,
    MODEL_MAX_RESIDUAL = (1 << 24) - 1,   // |G|
    MODEL_MAX_RECIPROCAL = (1 << 17) - 1, // R = floor(K / Z)
    MODEL_SUM_BITS = 48,                  // every sum fits this many signed bits
    MODEL_FACTOR_BITS = 24, // signed bits of what is multiplied; a wider sum drops low bits
    MODEL_MAX_ROW = 256,    // longest row of any tensor
    MODEL_WHY_MAX = 256,    // enough for every message of the checks
};

// Tensor ids, as on the wire (protocol/PROTOCOL.md 1.2).
enum model_tensor {
    MODEL_X = 0,
    MODEL_H,
    MODEL_Q,
    MODEL_K,
    MODEL_V,
    MODEL_U,
    MODEL_E,
    MODEL_C,
    MODEL_R,
    MODEL_F,
    MODEL_Z,
    MODEL_O,
    MODEL_Y,
    MODEL_TENSORS
};

enum model_form { MODEL_ENCODER, MODEL_COLLAPSED, MODEL_FORMS };
const char *model_form_name(enum model_form form); // as in manifests

struct model_shape {
    int window;           // L, 2..64
    int features;         // m, 1..32
    int d_model;          // d, 4..64, a multiple of heads
    int heads;            // 1..4
    int d_ff;             // F, 1..4d
    int layers;           // 1..2
    int outputs;          // 1..24
    enum model_form form; // collapsed: one head, one layer
};

// Widths of one layer.
struct model_layer_bits {
    int q, k, v, u, e, c, r, f, z;    // activations, 2..8 (e at most 7)
    int w_q, w_k, w_v, w_o, w_1, w_2; // weights, 2..8
};

struct model_bits {
    int x, h, o;   // 2..8
    int y;         // 8..16
    int w_in, w_y; // 2..8
    struct model_layer_bits layer[MODEL_MAX_LAYERS];
};

// y = sat((acc * m + b) >> shift), acc without the bits that the operation drops; with residual:
// (acc * m + res * g + b) >> shift. The shift is arithmetic (floor); b holds the rounding half.
struct model_requant {
    int shift;   // 1..38
    int per_row; // 0: m[0] serves all output channels; 1: one m per output channel
    int32_t *m;  // [rows], only m[0] used when per_row is 0; 0 <= m < 2^15
    int64_t *b;  // [rows]; input layer: [L * rows], one row of b per time step
    int32_t *g;  // [rows], |g| < 2^24; NULL where there is no residual
};

// out[rows] = requant(w[rows][cols] . in[cols])
struct model_linear {
    int rows, cols;
    int8_t *w; // [rows][cols]
    struct model_requant rq;
};

struct model_layer {
    struct model_linear q, k, v; // d x d; k and v of the encoder alone
    int32_t score_m;             // M_s, [0, 2^15)
    int score_shift;
    uint8_t lut[256];        // e = lut[u]; 2^bits.u entries used
    int32_t context_k;       // K, 1 .. 2^17 * (2^bits.e - 1) - 1; R_t = floor(K / Z_t)
    int context_shift;       // 1..40
    struct model_linear o;   // d x d, residual h
    struct model_linear ff1; // F x d, unsigned output
    struct model_linear ff2; // d x F, residual r; of the encoder alone
};

struct model {
    struct model_shape shape;
    struct model_bits bits;
    struct model_linear in; // d x m, b is [L][d]
    struct model_layer layer[MODEL_MAX_LAYERS];
    int32_t pool_m;          // 1/L inside; 0 in the collapsed form, which has no pool
    int pool_shift;          // likewise
    struct model_linear out; // outputs x d; collapsed: x (d + F), of sums of r, then of f
    void *arena;             // owned: all arrays above lie in it
};

// Says which rule a shape or a set of widths breaks: writes "field: reason" to why (whycap bytes,
// always terminated) and returns -1; 0 when all is well.
int model_shape_check(const struct model_shape *s, char *why, size_t whycap);
int model_bits_check(const struct model_shape *s, const struct model_bits *b, char *why,
                     size_t whycap);

// A model of that shape with all integers and shifts zero (model_check refuses it until they are
// filled in), g arrays present where a residual is. NULL when the shape or the widths are not valid
// or memory is short. Free with model_free (NULL allowed).
struct model *model_new(const struct model_shape *s, const struct model_bits *b);
void model_free(struct model *mdl);

// Checks every integer against its range and the 48-bit bound of every sum (worst case over
// inputs). As model_shape_check otherwise; fields are named as in integers.json. A model that
// passes can be run on any x without overflow.
int model_check(const struct model *mdl, char *why, size_t whycap);

// The distinct shifts of requantisers, pool and scores, ascending. Returns how many there are,
// which may exceed MODEL_MAX_SHIFTS in a model that was not checked (list gets the first ones).
int model_shifts(const struct model *mdl, int list[MODEL_MAX_SHIFTS]);

// How the values of a tensor are bounded.
enum model_range {
    MODEL_SIGNED,   // [-2^(b-1), 2^(b-1)-1]
    MODEL_NARROW,   // [-(2^(b-1)-1), 2^(b-1)-1]
    MODEL_UNSIGNED, // [0, 2^b-1]
};
int32_t model_range_min(enum model_range r, int bits);
int32_t model_range_max(enum model_range r, int bits);

// Shape of one tensor as rows x cols (u, e: heads*L x L; o: 1 x d; y: 1 x outputs; x: L x m).
// 0, or -1 where the tensor does not exist in that layer.
int model_tensor_shape(const struct model_shape *s, enum model_tensor t, int layer, int *rows,
                       int *cols);
const char *model_tensor_name(enum model_tensor t);
int model_tensor_bits(const struct model_bits *b, enum model_tensor t, int layer);
enum model_range model_tensor_range(const struct model_shape *s, enum model_tensor t);
int model_tensor_signed(enum model_tensor t); // 0 for u, e and f

// The linear layers by name, for whoever walks over all of them.
enum model_op {
    MODEL_IN,
    MODEL_OP_Q,
    MODEL_OP_K,
    MODEL_OP_V,
    MODEL_OP_O,
    MODEL_FF1,
    MODEL_FF2,
    MODEL_OUT,
    MODEL_OPS
};
struct model_op_info {
    const char *name; // as in integers.json: "in", "q", ..., "ff2", "out"
    int rows, cols;
    int biases; // entries of b
    int in_bits, w_bits;
    enum model_range in_range; // of the collapsed form's out: of f, its other inputs being r's
    int res_bits;              // residual input, signed; 0 where there is none
    int64_t acc_max;           // largest |sum of products|, worst case over inputs and weights
    int drop; // low bits of the sum that are cut off (floor) before it is multiplied
    enum model_tensor tensor; // what it forms
};
// 0, or -1 where the operation does not exist in that layer (in, out: layer 0 only). Widths of 0
// ask for the shape alone: acc_max and drop are 0 then.
int model_op_describe(const struct model_shape *s, const struct model_bits *b, enum model_op op,
                      int layer, struct model_op_info *info);
// Borrowed; NULL as above.
struct model_linear *model_op_linear(struct model *mdl, enum model_op op, int layer);

// Every tensor of one inference, int16 codes.
struct model_trace;
struct model_trace *model_trace_new(const struct model_shape *s);
void model_trace_free(struct model_trace *tr);
// Borrowed pointer to rows*cols codes; NULL where the tensor does not exist.
const int16_t *model_trace_get(const struct model_trace *tr, enum model_tensor t, int layer);

// Runs one inference: mdl has passed model_check, x is [L][m] codes within bits.x (asserted), tr
// was made for the same shape and receives all tensors; the result is model_trace_get(tr, MODEL_Y,
// 0), [outputs].
void model_run(const struct model *mdl, const int8_t *x, struct model_trace *tr);

// Multiply-accumulates of one inference.
long model_macs(const struct model_shape *s);

// Largest |sum| after the drop.
int64_t model_factor_max(const struct model_op_info *info);

// Worst-case ranges of exact intermediates; the exporter, the checks and the VHDL package use these
// and nothing else ("seen in training" is never a width).
// Largest |sum| of fan_in products of an input and a narrow factor of w_bits.
int64_t model_acc_max(int in_bits, int in_signed, int w_bits, int fan_in);
// Fewest signed bits that hold every value in [-max, max].
int model_signed_bits(int64_t max);
// model_signed_bits(model_acc_max(...)).
int model_acc_bits(int in_bits, int in_signed, int w_bits, int fan_in);

#endif
