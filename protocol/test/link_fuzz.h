// SPDX-License-Identifier: Apache-2.0
// libFuzzer's entry point, declared for the smoke test.
#ifndef SEVENCAST_PROTOCOL_LINK_FUZZ_H
#define SEVENCAST_PROTOCOL_LINK_FUZZ_H

#include <stddef.h>
#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#endif
