// SPDX-License-Identifier: Apache-2.0
// Messages between the preloaded shim (in the client process) and the board process.
//
// A client that opens a USB node connects to WORLD/usbfs.sock and sends HELLO with two descriptors:
// the read end of its wake-up pipe and the board's end of a second socket for blocking requests.
// The first socket then carries SUBMIT and DISCARD one way and COMPLETE the other; on the second
// each SYNC is answered by one SYNC_REPLY. Both ends run on one machine, so structs go as they are.
#ifndef SEVENCAST_VBOARD_USBFS_WIRE_H
#define SEVENCAST_VBOARD_USBFS_WIRE_H

#include <stdint.h>

#define USBFS_WIRE_SOCKET     "usbfs.sock"
#define USBFS_WIRE_SOCKET_ENV "VBOARD_USBFS"

enum {
    USBFS_WIRE_MAX_BYTES = 16 << 20, // one transfer; the kernel's default limit for all of them
    USBFS_WIRE_PIPE_BYTES = 4096,    // one page: one byte in it makes it full
};

enum usbfs_wire_type {
    USBFS_WIRE_HELLO = 1,  // client: device = number of the node; answered by HELLO with status
    USBFS_WIRE_SUBMIT,     // client: one URB, with its bytes when it goes out
    USBFS_WIRE_DISCARD,    // client: urb
    USBFS_WIRE_COMPLETE,   // board: urb, status, actual, with its bytes when it came in
    USBFS_WIRE_SYNC,       // client: request is the ioctl's number, bytes are its argument
    USBFS_WIRE_SYNC_REPLY, // board: status is the result or a negative errno
};

struct usbfs_wire {
    uint32_t type;
    uint32_t n;            // bytes that follow
    uint64_t urb;          // the client's address of it, a name only
    int32_t status;        // result, or negative errno
    int32_t actual;        // bytes transferred
    uint32_t request;      // ioctl number; in HELLO the device number
    uint32_t endpoint;     // address with direction bit
    uint32_t urb_type;     // USBDEVFS_URB_TYPE_*
    uint32_t buffer_bytes; // room for IN data
};

#endif
