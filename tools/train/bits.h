// SPDX-License-Identifier: Apache-2.0
// Widths of all tensors from a short text or a JSON file.
//
// Text: items separated by commas, applied in order. "8" sets every width to 8 but that of y, which
// is 16 unless named, and limits e to 7. "NAME=N" sets one: x h o y w_in w_y, or a width of the
// layers (q k v u e c r f z w_q w_k w_v w_o w_1 w_2), of all layers or of one as "layers.0.w_1".
// "weights=N" and "inner=N" set all weights and all activations within the layers. The collapsed
// form has no o k v z w_k w_v w_2.
// JSON: an object as in a manifest's "bits".
#ifndef SEVENCAST_TRAIN_BITS_H
#define SEVENCAST_TRAIN_BITS_H

#include <stddef.h>

#include "tools/model/model.h"

// 0, or -1 with why: "bits: item 'x=9': reason". Every width must have been set at the end.
int bits_parse(struct model_bits *bits, const struct model_shape *s, const char *text, char *why,
               size_t whycap);
int bits_read(struct model_bits *bits, const struct model_shape *s, const char *path, char *why,
              size_t whycap);

// Bits of all weights, and bit operations of one inference (sum over products of both widths).
long bits_of_weights(const struct model_bits *bits, const struct model_shape *s);
long bits_operations(const struct model_bits *bits, const struct model_shape *s);

#endif
