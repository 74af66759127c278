// SPDX-License-Identifier: Apache-2.0
// What is to be estimated: a variant on disk, whose integers are known, or shape, widths and
// hardware choices alone. The latter get typical integers, because the widths of biases, gains and
// shifts, and with them memories and requantisers, follow from integers.
#ifndef SEVENCAST_ESTIMATE_CONFIGURATION_H
#define SEVENCAST_ESTIMATE_CONFIGURATION_H

#include <jansson.h>
#include <stddef.h>

#include "tools/model/variant.h"

// {"shape": {"window", "features", "d_model", "heads", "d_ff", "layers", "outputs"}, "form",
// "bits", "hardware", "seed"}, which a manifest is too. shape.outputs, heads and layers may be left
// out (1), so may d_ff (4 d_model), form ("encoder"), hardware (the defaults) and seed (1). bits is
// a number for all tensors (8: e has 7), 0 for widths drawn with the seed, or an object of widths
// by tensor, beside which "all" is that of the others and "layers" has those of each layer. Other
// members are not looked at. NULL with why, "field: reason". Free with variant_free.
struct variant *configuration_variant(const json_t *object, char *why, size_t whycap);

#endif
