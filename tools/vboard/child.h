// SPDX-License-Identifier: Apache-2.0
// Child processes of the board process: started with a clean set of descriptors and signals, killed
// with the board, reaped in the loop.
#ifndef SEVENCAST_VBOARD_CHILD_H
#define SEVENCAST_VBOARD_CHILD_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "tools/vboard/loop.h"

struct child {
    pid_t pid; // stays after the end
    // Called once when it has ended; wait_status as waitpid() gives it.
    void (*ended)(struct child *c, int wait_status);
    void *ctx;
    struct loop_timer kill_timer;
    struct child *next;
};

struct child_start {
    const char *file; // looked up in PATH when it has no slash
    char *const *argv;
    char *const *envp;
    const char *cwd;  // NULL: the board's
    int fd3;          // becomes descriptor 3; -1: none
    bool quiet;       // stdin is empty, stdout goes to stderr
    int death_signal; // what it gets when the board process dies
};

// Installs the signal handling of the loop: SIGCHLD reaps; SIGTERM, SIGINT and SIGHUP call stop
// with the signal's number; from_terminal: the children in our process group have it already. 0, or
// -1 with errno.
int child_init(void (*stop)(int signal, bool from_terminal));

// 0, or -1 with errno; a child that cannot execute file ends with status 127.
int child_run(struct child *c, const struct child_start *how);
// SIGKILL after so many nanoseconds unless it ends before.
void child_kill_after(struct child *c, uint64_t ns);
// At the end of the process: SIGKILLs every child that is left and reaps it.
void child_fini(void);

#endif
