// SPDX-License-Identifier: Apache-2.0
#include "daemon/listener.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "daemon/log.h"

// The largest frame of a good request is the header; a peer that sends a larger one is disconnected
// by libzmq. Requests beyond the high-water mark stay in the peer's socket until there is room.
//
// No heartbeats: libzmq 4.3.4 aborts the process when one is due for a peer that stood at the
// high-water mark and then went away (libzmq issue 4364). A peer on ipc:// that ends closes its
// socket; one that is only silent is there, too, when it answers heartbeats.
static const int max_frame_bytes = SERVICE_HEADER_MAX;
enum { HWM = 64, BACKLOG = 64, HANDSHAKE_MS = 1000, LINGER_MS = 200 };

static int set_int(void *socket, int option, int value)
{
    return zmq_setsockopt(socket, option, &value, sizeof value);
}

static int set_guards(void *socket, int replies)
{
    int64_t max = max_frame_bytes;
    if (zmq_setsockopt(socket, ZMQ_MAXMSGSIZE, &max, sizeof max) < 0)
        return -1;
    const int options[][2] = {
        {ZMQ_RCVHWM, HWM},       {ZMQ_SNDHWM, replies + HWM},
        {ZMQ_BACKLOG, BACKLOG},  {ZMQ_HANDSHAKE_IVL, HANDSHAKE_MS},
        {ZMQ_LINGER, LINGER_MS}, {ZMQ_ROUTER_MANDATORY, 1},
    };
    for (size_t i = 0; i < sizeof options / sizeof options[0]; i++)
        if (set_int(socket, options[i][0], options[i][1]) < 0)
            return -1;
    return 0;
}

int listener_open(struct listener *l, void *zmq, const char *endpoint, mode_t mode, bool control,
                  int replies)
{
    memset(l, 0, sizeof *l);
    l->control = control;
    snprintf(l->path, sizeof l->path, "%s", endpoint + strlen("ipc://"));
    l->socket = zmq_socket(zmq, ZMQ_ROUTER);
    size_t n = sizeof l->fd;
    if (!l->socket || set_guards(l->socket, replies) < 0 ||
        zmq_getsockopt(l->socket, ZMQ_FD, &l->fd, &n) < 0)
        goto fail;
    mode_t before = umask(0777 & ~mode); // no moment with wider access than meant
    int r = zmq_bind(l->socket, endpoint);
    int error = errno;
    umask(before);
    errno = error;
    if (r < 0 || chmod(l->path, mode) < 0)
        goto fail;
    log_info("service", "listening endpoint=%s mode=%04o", endpoint, (unsigned)mode);
    return 0;
fail:
    log_error("service", "cannot listen endpoint=%s error=%s", endpoint, zmq_strerror(errno));
    listener_close(l);
    return -1;
}

void listener_close(struct listener *l)
{
    if (!l->socket)
        return;
    if (l->dropped_replies)
        log_info("service", "closing path=%s dropped_replies=%llu", l->path,
                 (unsigned long long)l->dropped_replies);
    zmq_close(l->socket);
    l->socket = NULL;
    unlink(l->path);
}

bool listener_readable(struct listener *l)
{
    int events = 0;
    size_t n = sizeof events;
    return l->socket && zmq_getsockopt(l->socket, ZMQ_EVENTS, &events, &n) == 0 &&
           (events & ZMQ_POLLIN);
}

static bool more(zmq_msg_t *part)
{
    return zmq_msg_more(part) != 0;
}

// Part number index of a message (0 is the peer's address) into m; true when another one follows.
static bool take_part(struct listener_message *m, zmq_msg_t *part, size_t index)
{
    bool another = more(part);
    size_t n = zmq_msg_size(part);
    if (index == 0) {
        m->peer_bytes = (uint8_t)(n < sizeof m->peer ? n : sizeof m->peer);
        memcpy(m->peer, zmq_msg_data(part), m->peer_bytes);
    } else if (index == 1 && n == 0) {
        m->delimited = true;
    } else {
        m->count_on_wire++;
        if (m->count < SERVICE_FRAMES_MAX) {
            zmq_msg_t *kept = &m->parts[m->count];
            zmq_msg_init(kept);
            zmq_msg_move(kept, part);
            m->frames[m->count++] = (struct service_frame){zmq_msg_data(kept), n};
        }
    }
    return another;
}

int listener_recv(struct listener *l, struct listener_message *m)
{
    m->peer_bytes = 0;
    m->count = m->count_on_wire = 0;
    m->delimited = false;
    bool another = true;
    for (size_t index = 0; another; index++) {
        zmq_msg_t part;
        zmq_msg_init(&part);
        int r;
        do // parts behind the first are there already
            r = zmq_msg_recv(&part, l->socket, ZMQ_DONTWAIT);
        while (r < 0 && errno == EINTR);
        if (r < 0) {
            zmq_msg_close(&part);
            listener_message_close(m);
            return 0;
        }
        another = take_part(m, &part, index);
        zmq_msg_close(&part);
    }
    return 1;
}

void listener_message_close(struct listener_message *m)
{
    for (size_t i = 0; i < m->count; i++)
        zmq_msg_close(&m->parts[i]);
    m->count = 0;
}

static int send_part(struct listener *l, const void *data, size_t n, int flags)
{
    int r;
    do
        r = zmq_send(l->socket, data, n, flags | ZMQ_DONTWAIT);
    while (r < 0 && errno == EINTR);
    return r;
}

void listener_send(struct listener *l, const uint8_t *peer, size_t peer_bytes,
                   const struct service_frame *frames, size_t count)
{
    if (send_part(l, peer, peer_bytes, ZMQ_SNDMORE) < 0 || send_part(l, "", 0, ZMQ_SNDMORE) < 0)
        goto fail;
    for (size_t i = 0; i < count; i++)
        if (send_part(l, frames[i].data, frames[i].n, i + 1 < count ? ZMQ_SNDMORE : 0) < 0)
            goto fail;
    return;
fail:
    l->dropped_replies++;
    log_debug("service", "reply dropped error=%s", zmq_strerror(errno));
}
