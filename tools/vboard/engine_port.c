// SPDX-License-Identifier: Apache-2.0
#include "tools/vboard/engine_port.h"

#include <assert.h>
#include <errno.h>
#include <string.h>
#include <sys/socket.h>

enum { REPORT_BYTES = 1024 };

static void send_message(struct engine_port *p, uint32_t type, uint32_t flags, size_t n)
{
    struct engine_wire m = {.type = type,
                            .n = (uint32_t)n,
                            .credit = p->owed,
                            .flags = flags,
                            .cycles = p->cycles,
                            .busy_cycles = p->busy_cycles,
                            .violations = p->violations,
                            .clock_hz = p->clock_hz,
                            .taken = p->taken};
    uint8_t packet[sizeof m + ENGINE_MAX_PAYLOAD];
    memcpy(packet, &m, sizeof m);
    memcpy(packet + sizeof m, p->to_host, n);
    ssize_t r;
    do
        r = send(p->fd, packet, sizeof m + n, MSG_NOSIGNAL);
    while (r < 0 && errno == EINTR);
    if (r < 0)
        p->ended = true;
    p->owed = 0;
    p->told_cycles = p->cycles;
}

int engine_port_open(struct engine_port *p, int fd, uint32_t clock_hz)
{
    memset(p, 0, sizeof *p);
    p->fd = fd;
    p->clock_hz = clock_hz;
    send_message(p, ENGINE_HELLO, 0, 0);
    return p->ended ? -1 : 0;
}

static void take_data(struct engine_port *p, const struct engine_wire *m, const uint8_t *data)
{
    p->credit += m->credit;
    if (m->n > ENGINE_CREDIT - engine_port_readable(p)) {
        p->ended = true; // the board broke the flow control: no state to go on from
        return;
    }
    for (uint32_t i = 0; i < m->n; i++)
        p->from_host[p->written++ % ENGINE_CREDIT] = data[i];
}

static void purge(struct engine_port *p, uint32_t flags)
{
    if (flags & ENGINE_PURGE_TO_DEVICE)
        engine_port_drop(p, engine_port_readable(p));
    if (flags & ENGINE_PURGE_TO_HOST)
        p->to_host_n = 0;
    send_message(p, ENGINE_PURGED, flags, 0);
}

bool engine_port_take(struct engine_port *p, bool wait)
{
    bool any = false;
    while (!p->ended) {
        uint8_t packet[sizeof(struct engine_wire) + ENGINE_MAX_PAYLOAD];
        struct engine_wire m;
        ssize_t r = recv(p->fd, packet, sizeof packet, wait && !any ? 0 : MSG_DONTWAIT);
        if (r < 0 && errno == EINTR)
            continue;
        if (r < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
            return any;
        any = true;
        p->taken++;
        if (r < (ssize_t)sizeof m) {
            p->ended = true;
            return any;
        }
        memcpy(&m, packet, sizeof m);
        if (m.type == ENGINE_QUIT || m.n != (size_t)r - sizeof m)
            p->ended = true;
        else if (m.type == ENGINE_PURGE) {
            p->credit += m.credit;
            purge(p, m.flags);
        } else if (m.type == ENGINE_DATA)
            take_data(p, &m, packet + sizeof m);
    }
    return any;
}

void engine_port_drop(struct engine_port *p, size_t n)
{
    assert(n <= engine_port_readable(p));
    p->read += (unsigned)n;
    p->owed += (uint32_t)n;
}

void engine_port_write(struct engine_port *p, uint8_t b)
{
    assert(engine_port_writable(p) && p->to_host_n < sizeof p->to_host);
    p->to_host[p->to_host_n++] = b;
}

static void send_data(struct engine_port *p, uint32_t flags)
{
    size_t n = p->to_host_n;
    send_message(p, ENGINE_DATA, flags, n);
    p->credit -= n;
    p->to_host_n = 0;
}

void engine_port_send(struct engine_port *p, bool flush)
{
    if (p->to_host_n || flush)
        send_data(p, flush ? ENGINE_FLUSH : 0);
}

void engine_port_progress(struct engine_port *p)
{
    if (p->cycles != p->told_cycles)
        send_message(p, ENGINE_DATA, 0, 0);
}

void engine_port_wait(struct engine_port *p)
{
    send_data(p, ENGINE_WAITS);
    engine_port_take(p, true);
}

void engine_port_report(struct engine_port *p)
{
    if (p->owed >= REPORT_BYTES)
        send_message(p, ENGINE_DATA, 0, 0);
}
