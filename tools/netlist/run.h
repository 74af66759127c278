// SPDX-License-Identifier: Apache-2.0
// Running a tool: no shell, output into files, a limit on its time.
#ifndef SEVENCAST_NETLIST_RUN_H
#define SEVENCAST_NETLIST_RUN_H

#include <stdint.h>

enum run_failure {
    RUN_NOT_FOUND = -1, // the tool is not installed
    RUN_TIMED_OUT = -2, // killed
    RUN_FAILED = -3,    // could not be started, or died of a signal
};

// Runs argv[0] (looked up in PATH) and returns its exit status or a run_failure. in_folder is where
// it runs (NULL: here); output and errors are files to write (NULL: thrown away). argv ends with
// NULL.
int run_tool(const char *const argv[], const char *in_folder, const char *output,
             const char *errors, uint64_t timeout_ns);

#endif
