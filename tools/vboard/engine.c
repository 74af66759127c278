// SPDX-License-Identifier: Apache-2.0
#include "tools/vboard/engine.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tools/vboard/engine_wire.h"
#include "tools/vboard/log.h"

enum { END_GRACE_NS = 50 * 1000 * 1000, CREDIT_BATCH = ENGINE_CREDIT / 2 };

struct engine {
    struct child child;
    struct loop_watch watch;
    struct fifo *fifo; // borrowed; NULL after engine_stop
    struct board_time *time;
    char name[96];
    bool up, blocked; // blocked: the socket's buffer is full
    unsigned purging; // PURGE messages not answered yet
    size_t credit_to_device, credit_owed;
    uint32_t sent; // messages
    uint64_t started_ns;
    struct engine_stats stats;
    void (*ended)(void *ctx, const char *how);
    void *ctx;
};

static char **environment;

int engine_environment(char **envp)
{
    size_t n = 0, k = 0;
    while (envp[n])
        n++;
    environment = calloc(n + 1, sizeof *environment);
    if (!environment)
        return -1;
    for (size_t i = 0; i < n; i++) {
        if (strncmp(envp[i], "LD_PRELOAD=", 11) != 0 && strncmp(envp[i], "UMOCKDEV_DIR=", 13) != 0)
            environment[k++] = envp[i];
    }
    return 0;
}

static int send_message(struct engine *e, uint32_t type, uint32_t flags, const void *data, size_t n)
{
    struct engine_wire m = {
        .type = type, .n = (uint32_t)n, .flags = flags, .credit = (uint32_t)e->credit_owed};
    uint8_t packet[sizeof m + ENGINE_MAX_PAYLOAD];
    memcpy(packet, &m, sizeof m);
    if (n)
        memcpy(packet + sizeof m, data, n);
    if (send(e->watch.fd, packet, sizeof m + n, MSG_NOSIGNAL | MSG_DONTWAIT) < 0) {
        e->blocked = errno == EAGAIN || errno == EWOULDBLOCK;
        if (e->blocked)
            e->watch.events |= POLLOUT;
        return -1;
    }
    e->credit_owed = 0;
    e->sent++;
    board_time_handed(e->time);
    return 0;
}

static void push(struct engine *e)
{
    while (e->up && !e->blocked) {
        size_t n;
        const uint8_t *data = fifo_unsent(e->fifo, &n);
        if (n > e->credit_to_device)
            n = e->credit_to_device;
        if (!n || send_message(e, ENGINE_DATA, 0, data, n))
            return;
        e->credit_to_device -= n;
        fifo_sent(e->fifo, n);
    }
}

static void pins_written(void *ctx)
{
    push(ctx);
}

static void pins_taken(void *ctx, size_t n)
{
    struct engine *e = ctx;
    e->credit_owed += n;
    if (e->up && !e->blocked && e->credit_owed >= CREDIT_BATCH)
        send_message(e, ENGINE_DATA, 0, NULL, 0);
}

static void pins_purge(void *ctx, enum fifo_direction d)
{
    struct engine *e = ctx;
    if (!e->up)
        return;
    uint32_t flags = d == FIFO_TO_DEVICE ? ENGINE_PURGE_TO_DEVICE : ENGINE_PURGE_TO_HOST;
    if (!send_message(e, ENGINE_PURGE, flags, NULL, 0) && d == FIFO_TO_HOST)
        e->purging++;
}

static void disconnect(struct engine *e)
{
    loop_unwatch(&e->watch);
    close(e->watch.fd);
    e->fifo->pins_written = NULL;
    e->fifo->pins_taken = NULL;
    e->fifo->pins_purge = NULL;
    fifo_disconnected(e->fifo);
    e->fifo = NULL;
    board_time_engine(e->time);
}

static void take_data(struct engine *e, const struct engine_wire *m, const uint8_t *data)
{
    bool flush = m->flags & ENGINE_FLUSH;
    if (e->purging) // written before the engine saw the purge
        pins_taken(e, m->n);
    else if (m->n || flush)
        fifo_from_device(e->fifo, data, m->n, flush);
}

static void handle_message(struct engine *e, const struct engine_wire *m, const uint8_t *data)
{
    e->stats.messages++;
    e->stats.cycles = m->cycles;
    e->stats.busy_cycles = m->busy_cycles;
    e->stats.violations = m->violations;
    e->stats.clock_hz = m->clock_hz;
    board_time_message(e->time, m->clock_hz, m->cycles, m->busy_cycles,
                       m->flags & ENGINE_WAITS && m->taken == e->sent);
    switch (m->type) {
    case ENGINE_HELLO:
        e->up = true;
        e->credit_to_device = ENGINE_CREDIT;
        e->credit_owed = FIFO_BYTES - (bytes_length(&e->fifo->to_host) < FIFO_BYTES
                                           ? bytes_length(&e->fifo->to_host)
                                           : FIFO_BYTES);
        log_info("engine: %s is up pid=%d after_us=%llu", e->name, (int)e->child.pid,
                 (unsigned long long)(loop_now_ns() - e->started_ns) / 1000);
        send_message(e, ENGINE_DATA, 0, NULL, 0);
        break;
    case ENGINE_PURGED:
        if (e->purging && m->flags & ENGINE_PURGE_TO_HOST)
            e->purging--;
        break;
    case ENGINE_DATA:
        take_data(e, m, data);
        break;
    default:
        break;
    }
    if (m->credit) {
        e->credit_to_device += m->credit;
        fifo_read(e->fifo, m->credit);
    }
    push(e);
}

static void ready(struct loop_watch *w, short revents)
{
    struct engine *e = w->ctx;
    uint8_t packet[sizeof(struct engine_wire) + ENGINE_MAX_PAYLOAD];
    struct engine_wire m;
    if (revents & POLLOUT) {
        e->blocked = false;
        w->events = POLLIN;
        push(e);
    }
    ssize_t r = recv(w->fd, packet, sizeof packet, MSG_DONTWAIT);
    if (r < 0 && (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR))
        return;
    if (r >= (ssize_t)sizeof m) {
        memcpy(&m, packet, sizeof m);
        if (m.n == (size_t)r - sizeof m) {
            handle_message(e, &m, packet + sizeof m);
            return;
        }
    }
    if (r > 0)
        log_error("engine: %s sent a malformed message of %zd bytes; stopped", e->name, r);
    loop_unwatch(w); // why it ended is known when it is reaped
    child_kill_after(&e->child, END_GRACE_NS);
}

static void child_ended(struct child *c, int status)
{
    struct engine *e = c->ctx;
    char how[48];
    snprintf(how, sizeof how, "%s %d", WIFSIGNALED(status) ? "signal" : "exit code",
             WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status));
    log_info("engine: %s has ended pid=%d with %s", e->name, (int)c->pid, how);
    if (e->fifo) { // nobody stopped it
        disconnect(e);
        e->ended(e->ctx, how);
    }
    free(e);
}

struct engine *engine_start(struct fifo *fifo, struct board_time *time, const char *name,
                            char *const *argv, const char *cwd,
                            void (*ended)(void *ctx, const char *how), void *ctx)
{
    int pair[2] = {-1, -1}, error;
    struct engine *e = calloc(1, sizeof *e);
    if (!e || socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair))
        goto fail;
    *e = (struct engine){
        .fifo = fifo, .time = time, .ended = ended, .ctx = ctx, .started_ns = loop_now_ns()};
    snprintf(e->name, sizeof e->name, "%s", name);
    e->child = (struct child){.ended = child_ended, .ctx = e};
    e->watch = (struct loop_watch){.fd = pair[0], .events = POLLIN, .fn = ready, .ctx = e};
    struct child_start how = {.file = argv[0],
                              .argv = argv,
                              .envp = environment,
                              .cwd = cwd,
                              .fd3 = pair[1],
                              .quiet = true,
                              .death_signal = SIGKILL};
    if (loop_watch(&e->watch))
        goto fail;
    if (child_run(&e->child, &how)) {
        loop_unwatch(&e->watch);
        goto fail;
    }
    close(pair[1]);
    fifo->pins_written = pins_written;
    fifo->pins_taken = pins_taken;
    fifo->pins_purge = pins_purge;
    fifo->pins_ctx = e;
    board_time_engine(time);
    return e;
fail:
    error = errno;
    if (pair[0] >= 0) {
        close(pair[0]);
        close(pair[1]);
    }
    free(e);
    errno = error;
    return NULL;
}

void engine_stop(struct engine *e)
{
    disconnect(e); // the engine sees the end of its socket and ends by itself
    child_kill_after(&e->child, END_GRACE_NS);
}

pid_t engine_pid(const struct engine *e)
{
    return e->child.pid;
}

bool engine_up(const struct engine *e)
{
    return e->up;
}

const struct engine_stats *engine_statistics(const struct engine *e)
{
    return &e->stats;
}
