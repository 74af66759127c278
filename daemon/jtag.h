// SPDX-License-Identifier: Apache-2.0
// The one thing that is asked of the FPGA's JTAG directly: is it configured? The instruction
// register of a 7-series device captures INIT and DONE (UG470, table 6-3), so shifting BYPASS in
// reads them without disturbing the design.
#ifndef SEVENCAST_DAEMON_JTAG_H
#define SEVENCAST_DAEMON_JTAG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct jtag_status {
    uint8_t capture; // 6 bits
    bool done, init;
};

// Takes channel A for some milliseconds, at most about a second. 0, or -1 with why.
int jtag_read_status(uint16_t vendor, uint16_t product, const char *serial, struct jtag_status *s,
                     char *why, size_t whycap);

#endif
