// SPDX-License-Identifier: Apache-2.0
#define _GNU_SOURCE // ppoll: millisecond timeouts would be coarser than a USB microframe
#include "tools/vboard/loop.h"

#include <errno.h>
#include <poll.h>
#include <time.h>

static struct loop_watch *watches[LOOP_MAX_WATCHES];
static size_t watch_count;
static struct loop_timer *timers;
static bool stop;
static int stop_result;

uint64_t loop_now_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

int loop_watch(struct loop_watch *w)
{
    for (size_t i = 0; i < watch_count; i++) {
        if (!watches[i]) {
            watches[i] = w;
            return 0;
        }
    }
    if (watch_count == LOOP_MAX_WATCHES)
        return -1;
    watches[watch_count++] = w;
    return 0;
}

void loop_unwatch(struct loop_watch *w)
{
    for (size_t i = 0; i < watch_count; i++) {
        if (watches[i] == w)
            watches[i] = NULL;
    }
    while (watch_count && !watches[watch_count - 1])
        watch_count--;
}

void loop_add_timer(struct loop_timer *t)
{
    t->next = timers;
    timers = t;
}

void loop_remove_timer(struct loop_timer *t)
{
    for (struct loop_timer **p = &timers; *p; p = &(*p)->next) {
        if (*p == t) {
            *p = t->next;
            return;
        }
    }
}

static struct loop_timer *earliest(void)
{
    struct loop_timer *best = NULL;
    for (struct loop_timer *t = timers; t; t = t->next) {
        if (t->due_ns != LOOP_NEVER && (!best || t->due_ns < best->due_ns))
            best = t;
    }
    return best;
}

// Runs what is due; each timer is off while its callback runs, which may set it again.
static void run_timers(void)
{
    uint64_t now = loop_now_ns();
    for (;;) {
        struct loop_timer *t = earliest();
        if (!t || t->due_ns > now)
            return;
        t->due_ns = LOOP_NEVER;
        t->fn(t);
    }
}

static void wait_and_dispatch(void)
{
    struct pollfd fds[LOOP_MAX_WATCHES];
    struct loop_watch *owner[LOOP_MAX_WATCHES];
    size_t n = watch_count;
    for (size_t i = 0; i < n; i++) {
        owner[i] = watches[i];
        fds[i].fd = watches[i] ? watches[i]->fd : -1;
        fds[i].events = watches[i] ? watches[i]->events : 0;
        fds[i].revents = 0;
    }
    struct loop_timer *t = earliest();
    struct timespec wait = {0, 0};
    if (t) {
        uint64_t now = loop_now_ns(), left = t->due_ns > now ? t->due_ns - now : 0;
        wait.tv_sec = (time_t)(left / 1000000000u);
        wait.tv_nsec = (long)(left % 1000000000u);
    }
    if (ppoll(fds, n, t ? &wait : NULL, NULL) < 0)
        return; // EINTR: signals arrive through a descriptor
    for (size_t i = 0; i < n; i++) {
        // an earlier callback of this round may have removed or replaced this one
        if (fds[i].revents && i < watch_count && watches[i] && watches[i] == owner[i])
            watches[i]->fn(watches[i], fds[i].revents);
    }
}

int loop_run(void)
{
    while (!stop) {
        wait_and_dispatch();
        run_timers();
    }
    return stop_result;
}

void loop_stop(int result)
{
    if (!stop)
        stop_result = result;
    stop = true;
}

bool loop_stopping(void)
{
    return stop;
}
