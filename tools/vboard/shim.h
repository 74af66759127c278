// SPDX-License-Identifier: Apache-2.0
// The shim's parts. Own descriptors are used through raw system calls throughout: umockdev's
// preload, which follows ours, hooks read, write, connect and close.
#ifndef SEVENCAST_VBOARD_SHIM_H
#define SEVENCAST_VBOARD_SHIM_H

#include <linux/usbdevice_fs.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stddef.h>

#include "tools/vboard/usbfs_wire.h"

enum { SHIM_SETUP_BYTES = 8, SHIM_CONTROL_MAX = 4096, SHIM_SYNC_TIMEOUT_S = 10 };

// One open node. Never freed, only reused: a thread that still holds the pointer while another
// closes the descriptor then fails with a dead socket, not with freed memory.
struct node {
    int async_fd, sync_fd;
    atomic_int gone;
    pthread_mutex_t submit_lock, sync_lock, reap_lock;
    struct node *next_free;
};

// shim_socket.c: sockets to the board process. 0, or -1 (connect_board: with errno).
void raw_close(int fd);
int receive_all(int fd, void *data, size_t n);
int send_message(int fd, const struct usbfs_wire *m, const void *data); // m->n bytes of data
// Opens a device: hands over the read end of its wake-up pipe and one end of its second socket.
int connect_board(unsigned device, int pipe_fd, int sync_fd);

// shim_node.c: descriptors as libusb gets them. 0 or a descriptor, or -1 with errno.
int node_open(unsigned device);
void node_release(struct node *n);
int node_fail(struct node *n);    // marks it gone; -1 with ENODEV
int node_unplugged(int fd);       // the board has closed its end of the wake-up pipe
void node_fill(int fd);           // nothing to reap: no POLLOUT
void node_empty(int fd);          // something to reap: POLLOUT
struct node *node_of(int fd);     // NULL: not ours
struct node *node_forget(int fd); // takes it out of the table

// shim_request.c: what usbfs ioctls do. As ioctl().
int request_ioctl(struct node *n, int fd, unsigned request, void *arg);

#endif
