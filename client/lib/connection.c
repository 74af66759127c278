// SPDX-License-Identifier: Apache-2.0
#include "client/lib/connection.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

enum {
    RECONNECT_MS = 50,
    HEARTBEAT_MS = 1000,         // a daemon that hangs with its socket open is noticed too
    HEARTBEAT_TIMEOUT_MS = 5000, // it may be starved, but not for ever
    HANDSHAKE_MS = 2000,
    QUEUE = 1024, // messages each way, more than requests may be in flight
};

static const uint64_t LONGEST_WAIT_NS = UINT64_C(10000000000);

uint64_t connection_now_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * UINT64_C(1000000000) + (uint64_t)t.tv_nsec;
}

bool connection_init(struct connection *c)
{
    *c = (struct connection){.context = zmq_ctx_new()};
    return c->context != NULL;
}

void connection_fini(struct connection *c)
{
    connection_close(c);
    if (c->context)
        zmq_ctx_term(c->context); // does not wait: sockets have no linger
    c->context = NULL;
}

static bool set(void *socket, int option, int value)
{
    return zmq_setsockopt(socket, option, &value, sizeof value) == 0;
}

static bool configure(void *socket)
{
    int64_t largest = SERVICE_REPLY_FRAME_MAX;
    return set(socket, ZMQ_LINGER, 0) &&
           zmq_setsockopt(socket, ZMQ_MAXMSGSIZE, &largest, sizeof largest) == 0 &&
           set(socket, ZMQ_IMMEDIATE, 1) && // nothing queues for a daemon that is not there
           set(socket, ZMQ_RECONNECT_IVL, RECONNECT_MS) && set(socket, ZMQ_SNDHWM, QUEUE) &&
           set(socket, ZMQ_RCVHWM, QUEUE) && set(socket, ZMQ_HANDSHAKE_IVL, HANDSHAKE_MS) &&
           set(socket, ZMQ_HEARTBEAT_IVL, HEARTBEAT_MS) &&
           set(socket, ZMQ_HEARTBEAT_TIMEOUT, HEARTBEAT_TIMEOUT_MS);
}

int connection_open(struct connection *c, const char *endpoint)
{
    char monitor[64];
    // A name of its own each time: ZeroMQ gives the old one free only some time after the close.
    snprintf(monitor, sizeof monitor, "inproc://events-%u", ++c->opened);
    c->socket = zmq_socket(c->context, ZMQ_DEALER);
    c->events = zmq_socket(c->context, ZMQ_PAIR);
    if (!c->socket || !c->events || !configure(c->socket) || !set(c->events, ZMQ_LINGER, 0) ||
        zmq_socket_monitor(c->socket, monitor,
                           ZMQ_EVENT_HANDSHAKE_SUCCEEDED | ZMQ_EVENT_DISCONNECTED) != 0 ||
        zmq_connect(c->events, monitor) != 0 || zmq_connect(c->socket, endpoint) != 0)
        goto fail;
    c->state = CONNECTION_TRYING;
    return 0;
fail:;
    int error = zmq_errno();
    connection_close(c);
    return error;
}

void connection_close(struct connection *c)
{
    if (c->socket) {
        zmq_socket_monitor(c->socket, NULL, 0);
        zmq_close(c->socket);
    }
    if (c->events)
        zmq_close(c->events);
    c->socket = c->events = NULL;
    c->state = CONNECTION_NONE;
}

// An event is a frame of event number u16 and value u32 in host order, then the endpoint.
static bool next_event(struct connection *c, uint16_t *event)
{
    char bytes[256];
    int n = zmq_recv(c->events, bytes, sizeof bytes, ZMQ_DONTWAIT);
    if (n < (int)sizeof *event)
        return false;
    memcpy(event, bytes, sizeof *event);
    zmq_recv(c->events, bytes, sizeof bytes, ZMQ_DONTWAIT);
    return true;
}

void connection_update(struct connection *c)
{
    uint16_t event;
    while (c->events && next_event(c, &event)) {
        if (event == ZMQ_EVENT_HANDSHAKE_SUCCEEDED && c->state == CONNECTION_TRYING)
            c->state = CONNECTION_UP;
        else if (event == ZMQ_EVENT_DISCONNECTED && c->state == CONNECTION_UP)
            c->state = CONNECTION_LOST;
    }
}

void connection_wait(struct connection *c, uint64_t until_ns)
{
    zmq_pollitem_t items[2] = {{.socket = c->socket, .events = ZMQ_POLLIN},
                               {.socket = c->events, .events = ZMQ_POLLIN}};
    uint64_t now = connection_now_ns(), wait_ns = until_ns > now ? until_ns - now : 0;
    if (wait_ns > LONGEST_WAIT_NS)
        wait_ns = LONGEST_WAIT_NS; // the caller looks again
    if (wait_ns && c->socket)
        zmq_poll(items, 2, (long)((wait_ns + 999999) / 1000000));
}

bool connection_send(struct connection *c, const struct service_frame *frames, size_t count)
{
    if (zmq_send(c->socket, "", 0, ZMQ_SNDMORE | ZMQ_DONTWAIT) != 0)
        return false;
    for (size_t i = 0; i < count; i++) {
        int more = i + 1 < count ? ZMQ_SNDMORE : 0;
        if (zmq_send(c->socket, frames[i].data, frames[i].n, more | ZMQ_DONTWAIT) < 0) {
            c->state = CONNECTION_LOST; // half a message: the socket is of no more use
            return false;
        }
    }
    return true;
}

static bool has_more(zmq_msg_t *part)
{
    return zmq_msg_more(part) != 0;
}

// Drops the rest of a message.
static void skip(struct connection *c)
{
    zmq_msg_t part;
    bool more = true;
    while (more) {
        zmq_msg_init(&part);
        more = zmq_msg_recv(&part, c->socket, ZMQ_DONTWAIT) >= 0 && has_more(&part);
        zmq_msg_close(&part);
    }
}

int connection_receive(struct connection *c, zmq_msg_t parts[SERVICE_FRAMES_MAX],
                       struct service_frame frames[SERVICE_FRAMES_MAX])
{
    int count = 0;
    zmq_msg_t delimiter;
    zmq_msg_init(&delimiter);
    if (!c->socket || zmq_msg_recv(&delimiter, c->socket, ZMQ_DONTWAIT) < 0) {
        zmq_msg_close(&delimiter);
        return 0;
    }
    bool more = has_more(&delimiter), good = zmq_msg_size(&delimiter) == 0;
    zmq_msg_close(&delimiter);
    while (more && count < SERVICE_FRAMES_MAX) {
        zmq_msg_init(&parts[count]);
        if (zmq_msg_recv(&parts[count], c->socket, ZMQ_DONTWAIT) < 0) {
            zmq_msg_close(&parts[count]);
            good = false;
            break;
        }
        frames[count] =
            (struct service_frame){zmq_msg_data(&parts[count]), zmq_msg_size(&parts[count])};
        more = has_more(&parts[count++]);
    }
    if (more) {
        skip(c);
        good = false;
    }
    if (good && count)
        return count;
    connection_release(parts, count);
    return -1;
}

void connection_release(zmq_msg_t *parts, int count)
{
    for (int i = 0; i < count; i++)
        zmq_msg_close(&parts[i]);
}
