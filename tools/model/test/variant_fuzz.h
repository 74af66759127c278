// SPDX-License-Identifier: Apache-2.0
// libFuzzer's entry point, declared for the smoke test.
#ifndef SEVENCAST_MODEL_TEST_VARIANT_FUZZ_H
#define SEVENCAST_MODEL_TEST_VARIANT_FUZZ_H

#include <stddef.h>
#include <stdint.h>

// First byte 0..127: the rest is a manifest; 128..255: the rest is integers.json for a small shape,
// from 192 on of the collapsed form.
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

// That small shape, by the first byte.
struct model_random_options variant_fuzz_options(uint8_t kind);

#endif
