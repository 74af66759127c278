// SPDX-License-Identifier: Apache-2.0
// openFPGALoader as a supervised child. Its exit code means little (0 after a bad CRC, an unplugged
// board, a truncated file), and it can hang for ever: so it runs under a deadline, its output is
// kept within bounds, and whether the FPGA is configured is for others to find out.
#ifndef SEVENCAST_DAEMON_LOADER_H
#define SEVENCAST_DAEMON_LOADER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { LOADER_OUTPUT_MAX = 8192 };

struct loader_result {
    bool ran;            // it was started
    bool timed_out;      // and killed
    int exit_code;       // -signal when a signal ended it
    char complaint[160]; // the line of its output that says what went wrong, "" when none does
};

// Called about every 100 ms while it runs; false ends the child.
typedef bool loader_tick_fn(void *arg);

// Runs argv[0] (a path) to its end.
void loader_run(char *const argv[], uint64_t timeout_ns, loader_tick_fn *tick, void *arg,
                struct loader_result *r);

#endif
