// SPDX-License-Identifier: Apache-2.0
// The board process is one thread around ppoll(): descriptors and timers. Everything runs in
// callbacks; none may block.
#ifndef SEVENCAST_VBOARD_LOOP_H
#define SEVENCAST_VBOARD_LOOP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { LOOP_MAX_WATCHES = 512 };
#define LOOP_NEVER UINT64_MAX

// Both lie inside their owner, which keeps them until they are removed.
struct loop_watch {
    int fd;
    short events; // POLLIN, POLLOUT; may be changed at any time
    void (*fn)(struct loop_watch *w, short revents);
    void *ctx;
};

struct loop_timer {
    uint64_t due_ns; // CLOCK_MONOTONIC; LOOP_NEVER = off
    void (*fn)(struct loop_timer *t);
    void *ctx;
    struct loop_timer *next;
};

uint64_t loop_now_ns(void);

// 0, or -1 when there are too many.
int loop_watch(struct loop_watch *w);
void loop_unwatch(struct loop_watch *w); // allowed inside any callback, and when not watched

void loop_add_timer(struct loop_timer *t); // due_ns as it stands
void loop_remove_timer(struct loop_timer *t);

// Runs until loop_stop(); returns its argument.
int loop_run(void);
void loop_stop(int result);
bool loop_stopping(void);

#endif
