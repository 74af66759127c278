// SPDX-License-Identifier: Apache-2.0
// The device's receiver of link frames (PROTOCOL.md 1.1): unlike the host's it answers bad frames
// and goes on hunting behind them.
#ifndef SEVENCAST_VBOARD_GOLDEN_FRAMES_H
#define SEVENCAST_VBOARD_GOLDEN_FRAMES_H

#include <stddef.h>
#include <stdint.h>

#include "protocol/link.h"

struct frames {
    uint8_t buf[LINK_MAX_FRAME];
    size_t have;
};

enum frames_event {
    FRAMES_NONE, // more bytes are needed
    FRAMES_GOOD, // frame is complete
    FRAMES_BAD,  // frame.type and seq as received; error and detail say why
};

struct frames_result {
    struct link_frame frame; // payload borrowed until the next byte
    enum link_error error;
    uint16_t detail;
};

enum frames_event frames_byte(struct frames *f, uint8_t byte, struct frames_result *r);

#endif
