// SPDX-License-Identifier: Apache-2.0
#include "daemon/sched.h"

#include <errno.h>
#include <string.h>
#include <time.h>

#include "daemon/log.h"

uint64_t now_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * NS_PER_S + (uint64_t)t.tv_nsec;
}

void sched_init(struct sched *s)
{
    memset(s, 0, sizeof *s);
}

int sched_fd_add(struct sched *s, int fd, short events, sched_fd_fn *fn, void *arg)
{
    if (s->fds == SCHED_FDS) {
        log_error("sched", "descriptor table full limit=%d", SCHED_FDS);
        return -1;
    }
    s->polled[s->fds] = (struct pollfd){.fd = fd, .events = events};
    s->slots[s->fds].fn = fn;
    s->slots[s->fds].arg = arg;
    s->fds++;
    return 0;
}

void sched_fd_del(struct sched *s, int fd)
{
    for (int i = 0; i < s->fds; i++)
        if (s->polled[i].fd == fd && s->slots[i].fn)
            s->slots[i].fn = NULL;
}

static void drop_deleted(struct sched *s)
{
    int kept = 0;
    for (int i = 0; i < s->fds; i++) {
        if (!s->slots[i].fn)
            continue;
        s->polled[kept] = s->polled[i];
        s->slots[kept] = s->slots[i];
        kept++;
    }
    s->fds = kept;
}

void sched_timer_clear(struct sched *s, struct sched_timer *t)
{
    if (!t->armed)
        return;
    struct sched_timer **at = &s->timers;
    while (*at && *at != t)
        at = &(*at)->next;
    if (*at)
        *at = t->next;
    t->armed = false;
}

void sched_timer_set(struct sched *s, struct sched_timer *t, uint64_t at_ns, sched_timer_fn *fn,
                     void *arg)
{
    sched_timer_clear(s, t);
    t->at_ns = at_ns;
    t->fn = fn;
    t->arg = arg;
    struct sched_timer **at = &s->timers;
    while (*at && (*at)->at_ns <= at_ns)
        at = &(*at)->next;
    t->next = *at;
    *at = t;
    t->armed = true;
}

void sched_idle_set(struct sched *s, sched_idle_fn *fn, void *arg)
{
    s->idle = fn;
    s->idle_arg = arg;
}

static int poll_timeout_ms(const struct sched *s, uint64_t max_wait_ns)
{
    uint64_t now = now_ns();
    uint64_t wait = max_wait_ns;
    if (s->timers) {
        uint64_t until = s->timers->at_ns > now ? s->timers->at_ns - now : 0;
        wait = until < wait ? until : wait;
    }
    if (wait > 60 * NS_PER_S)
        wait = 60 * NS_PER_S;
    return (int)((wait + NS_PER_MS - 1) / NS_PER_MS);
}

static void run_timers(struct sched *s)
{
    uint64_t now = now_ns(); // fixed: a timer that re-arms itself for now waits for the next turn
    while (s->timers && s->timers->at_ns <= now) {
        struct sched_timer *t = s->timers;
        s->timers = t->next;
        t->armed = false;
        t->fn(t->arg);
    }
}

int sched_turn(struct sched *s, uint64_t max_wait_ns)
{
    bool more = s->idle && s->idle(s->idle_arg);
    drop_deleted(s);
    int polled = s->fds;
    int ready = poll(s->polled, (nfds_t)polled, more ? 0 : poll_timeout_ms(s, max_wait_ns));
    if (ready < 0 && errno != EINTR) {
        log_error("sched", "poll failed error=%s", strerror(errno));
        return -1;
    }
    run_timers(s);
    for (int i = 0; ready > 0 && i < polled; i++)
        if (s->polled[i].revents && s->slots[i].fn)
            s->slots[i].fn(s->slots[i].arg, s->polled[i].revents);
    return 0;
}
