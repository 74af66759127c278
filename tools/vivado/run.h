// SPDX-License-Identifier: Apache-2.0
// A child that is watched: its own process group, output into a log, steps shown as they come, a
// deadline after which the whole group is killed.
#ifndef SEVENCAST_VIVADO_RUN_H
#define SEVENCAST_VIVADO_RUN_H

#include <stdbool.h>
#include <stddef.h>

enum run_end {
    RUN_EXITED,
    RUN_SIGNALLED,
    RUN_TIMEOUT,
    RUN_INTERRUPTED,
    RUN_NOT_STARTED,
};

struct run {
    char *const *argv;
    const char *dir;  // the child's working folder
    const char *log;  // written anew; path as we see it
    const char *step; // lines that begin with it are shown
    int timeout_s;
};

// Returns how it ended; *status is the exit status or the signal. While it runs SIGINT and SIGTERM
// kill the child first.
enum run_end run_child(const struct run *r, int *status);

// Finds an executable as execvp would.
bool run_can(const char *program);

#endif
