// SPDX-License-Identifier: Apache-2.0
// The device side of the link protocol computed by the C model: no fabric, no clock. Says so in its
// identity (origin: model).
#ifndef SEVENCAST_VBOARD_GOLDEN_DEVICE_H
#define SEVENCAST_VBOARD_GOLDEN_DEVICE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "protocol/link.h"
#include "tools/model/variant.h"

struct device {
    struct variant *variant;   // owned
    struct model_trace *trace; // owned
    uint32_t cycles;           // of one inference, from the package's build.json
    uint32_t clock_hz;         // likewise
    // The newest window, and the one before for BURST, in the trace: that of the newest.
    int8_t window[MODEL_MAX_WINDOW * MODEL_MAX_FEATURES],
        older[MODEL_MAX_WINDOW * MODEL_MAX_FEATURES];
    bool has_window, has_older;
    uint32_t inferences, dropped_frames, resets;
    uint64_t total_cycles; // the only clock that it has: cycles of the inferences so far
};

// Loads the package in dir. 0, or -1 with why; build.json must say cycles and clock_hz, they are
// never made up.
int device_init(struct device *d, const char *dir, char *why, size_t whycap);
void device_fini(struct device *d);

// Answers one good frame, or one that was refused with error: a frame of up to LINK_MAX_FRAME bytes
// in out; returns its length.
size_t device_answer(struct device *d, const struct link_frame *f, uint8_t *out);
size_t device_refuse(struct device *d, const struct link_frame *f, enum link_error error,
                     uint16_t detail, uint8_t *out);

// BURST (golden/burst.c): as device_answer. A burst of any length is over at once; its cycles pass
// as if it had run, so a STOP always comes too late.
size_t device_burst(struct device *d, const struct link_frame *f, uint8_t *out);

#endif
