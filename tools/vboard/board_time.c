// SPDX-License-Identifier: Apache-2.0
#include "tools/vboard/board_time.h"

#define NS_PER_S UINT64_C(1000000000)

void board_time_init(struct board_time *t, uint64_t (*wall)(void),
                     void (*elapsed)(void *ctx, uint64_t to_ns, double busy), void *ctx)
{
    *t = (struct board_time){
        .wall = wall, .elapsed = elapsed, .ctx = ctx, .wall_ns = wall(), .idle_speed = 1};
}

static void advance(struct board_time *t, uint64_t ns, double busy)
{
    if (!ns)
        return;
    t->now_ns += ns;
    t->elapsed(t->ctx, t->now_ns, busy);
}

uint64_t board_time_sync(struct board_time *t)
{
    uint64_t wall = t->wall();
    if (!t->running) {
        advance(t, (wall - t->wall_ns) * t->idle_speed, 0);
        t->wall_ns = wall;
    } else if (wall > t->heard_ns + BOARD_TIME_STALL_NS) {
        uint64_t from = t->heard_ns + BOARD_TIME_STALL_NS;
        if (from < t->wall_ns)
            from = t->wall_ns;
        t->stalled_ns += wall - from;
        advance(t, wall - from, 1);
        t->wall_ns = wall;
    }
    return t->now_ns;
}

void board_time_skip(struct board_time *t, uint64_t ns)
{
    board_time_sync(t);
    advance(t, ns, 0);
}

void board_time_engine(struct board_time *t)
{
    board_time_sync(t);
    t->wall_ns = t->wall();
    t->running = false;
    t->cycles = t->busy_cycles = t->rest = 0;
}

void board_time_handed(struct board_time *t)
{
    if (t->running)
        return;
    board_time_sync(t);
    t->running = true;
    t->heard_ns = t->wall_ns;
}

void board_time_message(struct board_time *t, uint32_t clock_hz, uint64_t cycles,
                        uint64_t busy_cycles, bool waits)
{
    if (!t->running)
        board_time_sync(t);
    t->clock_hz = clock_hz;
    if (clock_hz && cycles > t->cycles) {
        uint64_t n = cycles - t->cycles;
        uint64_t busy = busy_cycles > t->busy_cycles ? busy_cycles - t->busy_cycles : 0;
        uint64_t part = n % clock_hz * NS_PER_S + t->rest;
        t->rest = part % clock_hz;
        advance(t, n / clock_hz * NS_PER_S + part / clock_hz,
                busy < n ? (double)busy / (double)n : 1);
        t->cycles = cycles;
        t->busy_cycles = busy_cycles;
    }
    t->wall_ns = t->heard_ns = t->wall();
    t->running = !waits;
}
