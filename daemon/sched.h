// SPDX-License-Identifier: Apache-2.0
// The event loop of both processes: file descriptors, timers, and one poll(2). Times are
// CLOCK_MONOTONIC nanoseconds. Nothing is allocated; callbacks may add and delete anything,
// themselves included.
#ifndef SEVENCAST_DAEMON_SCHED_H
#define SEVENCAST_DAEMON_SCHED_H

#include <poll.h>
#include <stdbool.h>
#include <stdint.h>

enum { SCHED_FDS = 256 };
#define NS_PER_MS UINT64_C(1000000)
#define NS_PER_S  UINT64_C(1000000000)

typedef void sched_fd_fn(void *arg, short revents);
typedef void sched_timer_fn(void *arg);
typedef bool sched_idle_fn(void *arg);

// Lives in its owner; zero-initialised, then set with sched_timer_set.
struct sched_timer {
    struct sched_timer *next;
    uint64_t at_ns;
    sched_timer_fn *fn;
    void *arg;
    bool armed;
};

struct sched {
    struct pollfd polled[SCHED_FDS];
    struct {
        sched_fd_fn *fn; // NULL: deleted, removed before the next poll
        void *arg;
    } slots[SCHED_FDS];
    int fds;
    struct sched_timer *timers; // ascending by time
    sched_idle_fn *idle;
    void *idle_arg;
};

uint64_t now_ns(void);

void sched_init(struct sched *s);
// 0, or -1 when the table is full. One entry per fd.
int sched_fd_add(struct sched *s, int fd, short events, sched_fd_fn *fn, void *arg);
void sched_fd_del(struct sched *s, int fd); // unknown fds are ignored

// (Re)arms a timer; it fires once, not before at_ns.
void sched_timer_set(struct sched *s, struct sched_timer *t, uint64_t at_ns, sched_timer_fn *fn,
                     void *arg);
void sched_timer_clear(struct sched *s, struct sched_timer *t);

// Called before every poll; true = there is more to do, do not sleep.
void sched_idle_set(struct sched *s, sched_idle_fn *fn, void *arg);

// One turn: waits for the first event, timer or max_wait_ns, and runs what is due.
// 0, or -1 when poll itself fails.
int sched_turn(struct sched *s, uint64_t max_wait_ns);

#endif
