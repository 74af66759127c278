// SPDX-License-Identifier: Apache-2.0
#include "daemon/wire.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>

size_t wire_infer_bytes(const struct wire_infer *m)
{
    return offsetof(struct wire_infer, window) + m->window_bytes;
}

int wire_send(int fd, void *packet, uint32_t type, uint32_t tag, size_t bytes)
{
    struct wire_head head = {WIRE_VERSION, type, (uint32_t)bytes, tag};
    memcpy(packet, &head, sizeof head);
    ssize_t n;
    do
        n = send(fd, packet, bytes, MSG_NOSIGNAL | MSG_DONTWAIT);
    while (n < 0 && errno == EINTR);
    return n == (ssize_t)bytes ? 0 : -1;
}

static size_t expected_bytes(const union wire_packet *p)
{
    switch (p->head.type) {
    case WIRE_CONFIG:
        return sizeof p->config;
    case WIRE_PROGRAM:
        return sizeof p->program;
    case WIRE_INFER:
        if (p->head.bytes < offsetof(struct wire_infer, window) ||
            p->infer.window_bytes > WIRE_WINDOW_MAX || p->infer.outputs > WIRE_OUTPUTS_MAX)
            return 0;
        return wire_infer_bytes(&p->infer);
    case WIRE_STOP:
        return sizeof p->stop;
    case WIRE_HELLO:
        return sizeof p->hello;
    case WIRE_ALIVE:
        return sizeof p->alive;
    case WIRE_STATE:
        return sizeof p->state;
    case WIRE_PROGRAMMED:
        return sizeof p->programmed;
    case WIRE_RESULT:
        return sizeof p->result;
    case WIRE_METER:
        return sizeof p->meter;
    case WIRE_POWER:
        return sizeof p->power;
    default:
        return 0;
    }
}

static void bound_rails(struct meter_rails *r)
{
    if (r->n < 0 || r->n > METER_RAILS)
        r->n = 0;
    for (int i = 0; i < METER_RAILS; i++)
        r->rail[i].name[METER_RAIL_NAME - 1] = '\0';
}

static void terminate_texts(union wire_packet *p)
{
    if (p->head.type == WIRE_CONFIG) {
        struct wire_config *c = &p->config;
        c->board[WIRE_NAME - 1] = c->serial[WIRE_NAME - 1] = '\0';
        c->part[WIRE_NAME - 1] = c->cable[WIRE_NAME - 1] = '\0';
        c->meter[WIRE_NAME - 1] = c->meter_serial[WIRE_NAME - 1] = '\0';
        bound_rails(&c->rails);
        c->loader[WIRE_PATH - 1] = c->run_dir[WIRE_PATH - 1] = '\0';
    } else if (p->head.type == WIRE_PROGRAM) {
        p->program.variant[WIRE_NAME - 1] = p->program.path[WIRE_PATH - 1] = '\0';
    } else if (p->head.type == WIRE_STATE) {
        p->state.reason[WIRE_REASON - 1] = '\0';
    } else if (p->head.type == WIRE_PROGRAMMED) {
        p->programmed.reason[WIRE_REASON - 1] = '\0';
    } else if (p->head.type == WIRE_POWER) {
        bound_rails(&p->power.rails);
        p->power.power.why[sizeof p->power.power.why - 1] = '\0';
    } else if (p->head.type == WIRE_RESULT) {
        p->result.reason[WIRE_REASON - 1] = '\0';
        if (p->result.outputs > WIRE_OUTPUTS_MAX)
            p->result.outputs = WIRE_OUTPUTS_MAX;
    }
}

int wire_recv(int fd, union wire_packet *p)
{
    ssize_t n;
    do
        n = recv(fd, p, sizeof *p, MSG_DONTWAIT);
    while (n < 0 && errno == EINTR);
    if (n < 0)
        return errno == EAGAIN || errno == EWOULDBLOCK ? 0 : -1;
    if (n == 0) {
        errno = EPIPE;
        return -1;
    }
    if ((size_t)n < sizeof p->head || p->head.version != WIRE_VERSION ||
        p->head.bytes != (size_t)n || expected_bytes(p) != (size_t)n) {
        errno = EPROTO;
        return -1;
    }
    terminate_texts(p);
    return 1;
}
