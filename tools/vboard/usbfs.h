// SPDX-License-Identifier: Apache-2.0
// The kernel's part: usbfs for the shims of any number of client processes. Open nodes, claimed
// interfaces, URBs pending per endpoint, unplugging.
#ifndef SEVENCAST_VBOARD_USBFS_H
#define SEVENCAST_VBOARD_USBFS_H

#include <stdbool.h>
#include <stdint.h>

#include "tools/vboard/ftdi.h"
#include "tools/vboard/loop.h"

enum { USBFS_MAX_DEVICES = 32 };

struct usbfs_faults {
    uint64_t
        stall_after; // this many bulk transfers from now one hangs until it is discarded; 0 off
    uint64_t stall_count; // ... and this many after it hang too
};

struct urb;
struct session;

// One USB device on bus 1. Lives in its owner.
struct usbfs_device {
    unsigned number;   // the node is /dev/bus/usb/001/NUMBER
    struct ftdi *chip; // borrowed
    bool present;
    struct session *claimed[FTDI_MAX_CHANNELS];
    struct urb *in[FTDI_MAX_CHANNELS], *out[FTDI_MAX_CHANNELS]; // queues, head first
    struct urb *stalled;
    bool pumping[FTDI_MAX_CHANNELS];
    struct loop_timer timer[FTDI_MAX_CHANNELS];
    struct usbfs_faults faults;
    uint64_t opens, transfers, stalls;
};

// Listens on DIR/usbfs.sock. 0, or -1 with errno.
int usbfs_init(const char *dir);
void usbfs_fini(void);

void usbfs_add(struct usbfs_device *d, unsigned number, struct ftdi *chip);
// Everything pending ends with -ESHUTDOWN, every open node gets its POLLERR.
void usbfs_unplug(struct usbfs_device *d);
void usbfs_plug(struct usbfs_device *d);

#endif
