// SPDX-License-Identifier: Apache-2.0
// One open node of one client: its two sockets, its wake-up pipe. Inside usbfs only.
#ifndef SEVENCAST_VBOARD_USBFS_SESSION_H
#define SEVENCAST_VBOARD_USBFS_SESSION_H

#include <stdbool.h>

#include "tools/vboard/bytes.h"
#include "tools/vboard/loop.h"
#include "tools/vboard/usbfs.h"
#include "tools/vboard/usbfs_wire.h"

// A socket that never blocks the board: what cannot be sent waits.
struct session_socket {
    struct session *session;
    struct loop_watch watch; // fd -1: closed
    struct bytes in, out;
};

struct session {
    struct session *next;
    struct usbfs_device *device; // NULL until HELLO
    struct session_socket async, sync;
    int pipe_fd; // read end of the client's wake-up pipe; -1 after unplugging
    bool dead;   // freed at the end of the callback
};

// Called with a complete message; data has m->n bytes.
typedef void session_handler(struct session *s, const struct usbfs_wire *m, const uint8_t *data);

// Called with HELLO and when a session ends; both before the struct is freed.
struct session_callbacks {
    int (*hello)(struct session *s, unsigned device_number); // 0 or a negative errno
    session_handler *async_message, *sync_message;
    void (*ended)(struct session *s);
};

int session_listen(const char *path, const struct session_callbacks *callbacks);
void session_shutdown(void);
struct session *session_first(void);

void session_send(struct session_socket *k, const struct usbfs_wire *m, const void *data);
// Tells the client's poll() that something can be reaped.
void session_wake(struct session *s);
// The client's poll() gets POLLERR; its sockets stay for reaping.
void session_hang_up(struct session *s);

#endif
