// SPDX-License-Identifier: Apache-2.0
// libFuzzer's entry point, declared for the smoke test.
#ifndef SEVENCAST_BITSTREAM_TEST_BITSTREAM_FUZZ_H
#define SEVENCAST_BITSTREAM_TEST_BITSTREAM_FUZZ_H

#include <stddef.h>
#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#endif
