// SPDX-License-Identifier: Apache-2.0
// Runs a program to its end.
#ifndef SEVENCAST_BUILD_PROCESS_H
#define SEVENCAST_BUILD_PROCESS_H

#include <stddef.h>

enum {
    PROCESS_NOT_FOUND = -1, // or not started
    PROCESS_TIMEOUT = -2,   // killed
    PROCESS_SIGNALLED = -3,
};

// Runs argv (found in PATH) in folder dir, its output appended to the file log (both relative to
// dir). Returns its exit status or one of the above.
int process_run(char *const argv[], const char *dir, const char *log, int timeout_s);

#endif
