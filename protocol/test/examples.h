// SPDX-License-Identifier: Apache-2.0
// The example frames of PROTOCOL.md 1.5, read from the document itself.
#ifndef SEVENCAST_PROTOCOL_EXAMPLES_H
#define SEVENCAST_PROTOCOL_EXAMPLES_H

#include <stddef.h>
#include <stdint.h>

#include "protocol/link.h"

enum { EXAMPLE_NAME_MAX = 31, EXAMPLES_MAX = 32 };

struct example {
    char name[EXAMPLE_NAME_MAX + 1];
    char direction; // '>' to the device, '<' from it
    size_t n;
    uint8_t bytes[LINK_MAX_FRAME];
};

// Reads the block that begins with ```link-examples. Returns how many examples there are (into out,
// EXAMPLES_MAX of them at most), or -1 with a message on stderr.
int examples_read(const char *path, struct example *out);

#endif
