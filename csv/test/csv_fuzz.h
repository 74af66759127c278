// SPDX-License-Identifier: Apache-2.0
#ifndef SEVENCAST_CSV_TEST_CSV_FUZZ_H
#define SEVENCAST_CSV_TEST_CSV_FUZZ_H

#include <stddef.h>
#include <stdint.h>

// libFuzzer's entry point; aborts when a promise of csv.h does not hold for these bytes.
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#endif
