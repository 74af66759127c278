// SPDX-License-Identifier: Apache-2.0
// The board's end of an engine process: start, byte credits between its socket and a FIFO, end.
#ifndef SEVENCAST_VBOARD_ENGINE_H
#define SEVENCAST_VBOARD_ENGINE_H

#include <stdbool.h>
#include <stdint.h>

#include "tools/vboard/board_time.h"
#include "tools/vboard/child.h"
#include "tools/vboard/fifo.h"

struct engine_stats {
    uint64_t cycles, busy_cycles;
    uint32_t violations, clock_hz;
    uint64_t messages;
};

// Lives from engine_start until its process has been reaped.
struct engine;

// Starts argv[0] in the folder cwd and connects it to the FIFO's pins; moves the board's time,
// which is borrowed until engine_stop or ended. name is for the log. ended is called once, when an
// engine that was not stopped has ended by itself; how: "exit code 1", "signal 9". NULL with errno.
struct engine *engine_start(struct fifo *fifo, struct board_time *time, const char *name,
                            char *const *argv, const char *cwd,
                            void (*ended)(void *ctx, const char *how), void *ctx);
// Disconnects it at once and ends the process soon; the pointer is dead afterwards.
void engine_stop(struct engine *e);
pid_t engine_pid(const struct engine *e);
bool engine_up(const struct engine *e); // it has said hello
const struct engine_stats *engine_statistics(const struct engine *e);

// The environment of engines: ours without what the clients' preload needs. Call once at start.
int engine_environment(char **envp);

#endif
