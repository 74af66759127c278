// SPDX-License-Identifier: Apache-2.0
#ifndef SEVENCAST_VBOARD_TEST_FTDI_FUZZ_H
#define SEVENCAST_VBOARD_TEST_FTDI_FUZZ_H

#include <stddef.h>
#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

#endif
