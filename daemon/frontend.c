// SPDX-License-Identifier: Apache-2.0
#include "daemon/frontend.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/experiments.h"
#include "daemon/log.h"
#include "daemon/routes.h"

int frontend_ready_boards(const struct frontend *fe)
{
    int n = 0;
    for (int i = 0; i < fe->boards; i++)
        n += fe->board[i].phase == BOARD_READY;
    return n;
}

static bool read_requests(struct frontend *fe, int socket)
{
    struct listener *l = &fe->listener[socket];
    for (int i = 0; i < FRONTEND_MESSAGES_PER_TURN; i++) {
        struct listener_message m;
        if (!listener_recv(l, &m))
            return false;
        frontend_handle(fe, socket, &m);
        listener_message_close(&m);
    }
    return true;
}

// Before every poll: all that has become possible is done, and libzmq is asked whether there is
// more, because its descriptor only tells of changes.
static bool before_poll(void *arg)
{
    struct frontend *fe = arg;
    bool more = false;
    for (int i = 0; i < fe->listeners; i++)
        if (listener_readable(&fe->listener[i]))
            more |= read_requests(fe, i);
    if (fe->sweep_needed)
        frontend_sweep(fe);
    if (fe->dispatch_needed)
        frontend_dispatch(fe);
    for (int i = 0; i < fe->listeners; i++) // sending may have taken the change in
        more |= listener_readable(&fe->listener[i]);
    return more || fe->dispatch_needed || fe->sweep_needed;
}

static void on_listener(void *arg, short revents)
{
    (void)arg; // before_poll does the work
    (void)revents;
}

static void on_scanned(void *arg)
{
    frontend_scanned(arg);
}

static int open_listener(struct frontend *fe, const char *endpoint, mode_t mode, bool control)
{
    if (!*endpoint)
        return 0;
    struct listener *l = &fe->listener[fe->listeners];
    if (listener_open(l, fe->zmq, endpoint, mode, control, fe->conf->queue + QUEUE_CONTROL_SLOTS) <
        0)
        return -1;
    fe->listeners++;
    return sched_fd_add(&fe->sched, l->fd, POLLIN, on_listener, fe);
}

int frontend_init(struct frontend *fe, const struct conf *conf)
{
    memset(fe, 0, sizeof *fe);
    fe->conf = conf;
    fe->started_ns = now_ns();
    sched_init(&fe->sched);
    fe->model_rows = calloc(PACKAGES_MAX, sizeof *fe->model_rows);
    fe->stats_rows = calloc(PACKAGES_MAX, sizeof *fe->stats_rows);
    if (!fe->model_rows || !fe->stats_rows || queue_init(&fe->queue, conf->queue) < 0) {
        log_error("daemon", "out of memory queue=%d", conf->queue);
        return -1;
    }
    fe->zmq = zmq_ctx_new();
    if (!fe->zmq) {
        log_error("daemon", "no ZeroMQ context error=%s", zmq_strerror(errno));
        return -1;
    }
    if (packages_init(&fe->packages, conf->variants, &fe->sched, on_scanned, fe) < 0 ||
        open_listener(fe, conf->control, 0600, true) < 0 ||
        open_listener(fe, conf->infer, 0660, false) < 0)
        return -1;
    fe->routes = routes_new(fe);
    fe->experiments = experiments_new(fe);
    if (!fe->routes || !fe->experiments)
        return -1;
    sched_idle_set(&fe->sched, before_poll, fe);
    fe->boards = conf->boards;
    for (int i = 0; i < fe->boards; i++) {
        board_init(&fe->board[i], conf, &conf->board[i], &fe->sched, &fe->packages,
                   &frontend_board_calls, fe);
        fe->boards_started++;
    }
    return 0;
}

void frontend_fini(struct frontend *fe)
{
    for (int i = 0; i < fe->boards_started; i++)
        board_fini(&fe->board[i]);
    for (int i = 0; i < fe->listeners; i++)
        listener_close(&fe->listener[i]);
    if (fe->zmq)
        zmq_ctx_term(fe->zmq); // bounded by the sockets' linger
    experiments_free(fe->experiments);
    routes_free(fe->routes);
    packages_fini(&fe->packages);
    queue_fini(&fe->queue);
    free(fe->model_rows);
    free(fe->stats_rows);
}

int frontend_turn(struct frontend *fe, uint64_t max_wait_ns)
{
    return sched_turn(&fe->sched, max_wait_ns);
}

void frontend_reload(struct frontend *fe)
{
    packages_rescan(&fe->packages);
}

static void cancel_all(struct frontend *fe, bool running_too)
{
    for (int i = 0; i < fe->queue.size + QUEUE_CONTROL_SLOTS; i++) {
        struct queue_slot *s = &fe->queue.slots[i];
        if (s->state == QUEUE_FREE || (s->state == QUEUE_RUNNING && !running_too))
            continue;
        for (int k = 0; k < fe->boards; k++)
            board_abandon(&fe->board[k], s);
        frontend_fail(fe, s, SERVICE_CANCELED, "the daemon stops");
    }
}

static bool workers_stopped(struct frontend *fe, bool kill_now)
{
    bool all = true;
    for (int i = 0; i < fe->boards_started; i++)
        all &= supervise_stopped(&fe->board[i].worker, kill_now);
    return all;
}

void frontend_stop(struct frontend *fe)
{
    uint64_t begin = now_ns();
    uint64_t limit = (uint64_t)fe->conf->stop_timeout_ms * NS_PER_MS;
    fe->stopping = true;
    routes_stop(fe);
    experiments_stop(fe); // they go on when the daemon is back
    cancel_all(fe, false);
    for (int i = 0; i < fe->boards; i++)
        board_stop_burst(&fe->board[i], SERVICE_BURST_YIELDED);
    while (fe->queue.used && now_ns() < begin + limit / 2)
        if (frontend_turn(fe, 10 * NS_PER_MS) < 0)
            break;
    cancel_all(fe, true);
    for (int i = 0; i < fe->boards_started; i++)
        supervise_stop(&fe->board[i].worker);
    while (!workers_stopped(fe, now_ns() > begin + limit * 3 / 4) && now_ns() < begin + limit)
        if (frontend_turn(fe, 5 * NS_PER_MS) < 0)
            break;
    log_info("daemon", "stopped after_ms=%.0f", (double)(now_ns() - begin) / 1e6);
}
