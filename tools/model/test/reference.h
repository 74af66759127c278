// SPDX-License-Identifier: Apache-2.0
// A second reading of docs/arithmetic.md, for tests: written straight from the page, with 128-bit
// sums, without any function of the model library.
#ifndef SEVENCAST_MODEL_TEST_REFERENCE_H
#define SEVENCAST_MODEL_TEST_REFERENCE_H

#include "tools/model/model.h"

// Every tensor as reference_run computes it: t[tensor][layer][row * cols + col].
struct reference {
    int t[MODEL_TENSORS][MODEL_MAX_LAYERS][MODEL_MAX_WINDOW * MODEL_MAX_FF];
    int widest; // signed bits of the widest sum before a shift
};

void reference_run(const struct model *mdl, const int8_t *x, struct reference *ref);

#endif
