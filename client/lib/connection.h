// SPDX-License-Identifier: Apache-2.0
// One ZeroMQ DEALER and what its monitor says about it. A lost connection stays lost: the owner
// closes it and opens a new one, so that no answer of an old daemon reaches a new request.
#ifndef SEVENCAST_CLIENT_CONNECTION_H
#define SEVENCAST_CLIENT_CONNECTION_H

#include <stdbool.h>
#include <stdint.h>
#include <zmq.h>

#include "protocol/service.h"

enum connection_state { CONNECTION_NONE, CONNECTION_TRYING, CONNECTION_UP, CONNECTION_LOST };

struct connection {
    void *context;         // owned
    void *socket, *events; // owned; NULL while CONNECTION_NONE
    enum connection_state state;
    unsigned opened; // how many times
};

// Nanoseconds of CLOCK_MONOTONIC.
uint64_t connection_now_ns(void);

// False when ZeroMQ has no memory or descriptors left.
bool connection_init(struct connection *c);
void connection_fini(struct connection *c);

// Starts connecting; 0 or the error number of ZeroMQ (EINVAL: the endpoint is none).
int connection_open(struct connection *c, const char *endpoint);
void connection_close(struct connection *c);

// Takes what the monitor has to say and updates the state; never waits.
void connection_update(struct connection *c);

// Waits until something may have happened, at most to until_ns.
void connection_wait(struct connection *c, uint64_t until_ns);

// Sends delimiter, header and tensors without waiting. False when the connection takes no more now.
bool connection_send(struct connection *c, const struct service_frame *frames, size_t count);

// Takes one message without waiting: frames (delimiter taken off) borrow from parts until
// connection_release. Returns their count, 0 when there is no message, -1 for one that is none of
// ours (then nothing is held).
int connection_receive(struct connection *c, zmq_msg_t parts[SERVICE_FRAMES_MAX],
                       struct service_frame frames[SERVICE_FRAMES_MAX]);
void connection_release(zmq_msg_t *parts, int count);

#endif
