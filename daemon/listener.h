// SPDX-License-Identifier: Apache-2.0
// A ROUTER socket on ipc:// with the guards that libzmq needs from outside (limits on frames,
// queues and handshakes), messages cut to a bounded number of frames, and replies that never wait.
#ifndef SEVENCAST_DAEMON_LISTENER_H
#define SEVENCAST_DAEMON_LISTENER_H

#include <stdbool.h>
#include <sys/types.h>
#include <zmq.h>

#include "protocol/service.h"

struct listener {
    void *socket;
    int fd; // readable when the socket's state may have changed
    bool control;
    char path[128];           // of the socket in the file system
    uint64_t dropped_replies; // told when it is closed
};

// One request as it came. Frames beyond the limit are counted and thrown away.
struct listener_message {
    uint8_t peer[255];
    uint8_t peer_bytes;
    zmq_msg_t parts[SERVICE_FRAMES_MAX]; // owned
    struct service_frame frames[SERVICE_FRAMES_MAX];
    size_t count;         // frames present, at most SERVICE_FRAMES_MAX
    size_t count_on_wire; // behind the empty delimiter
    bool delimited;       // the empty delimiter was there
};

// Binds endpoint ("ipc:///...") with the file mode. replies: how many may wait for one peer to read
// them, at least as many as it can have requests in the queue. 0, or -1 with a log line.
int listener_open(struct listener *l, void *zmq, const char *endpoint, mode_t mode, bool control,
                  int replies);
void listener_close(struct listener *l); // a listener that failed to open is allowed

bool listener_readable(struct listener *l);
// 1 with a message (listener_message_close), 0 when there is none.
int listener_recv(struct listener *l, struct listener_message *m);
void listener_message_close(struct listener_message *m);

// Sends [peer][""][frames...]; a peer that is gone or does not read loses its reply.
void listener_send(struct listener *l, const uint8_t *peer, size_t peer_bytes,
                   const struct service_frame *frames, size_t count);

#endif
