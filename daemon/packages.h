// SPDX-License-Identifier: Apache-2.0
// The repository: every package in the variants folder. Loading takes tens of milliseconds a
// package (hashes, CRC, golden windows through the model), so a rescan runs in a thread of its own
// and its result is taken over in one step by the main thread; what has not changed is not loaded
// again.
#ifndef SEVENCAST_DAEMON_PACKAGES_H
#define SEVENCAST_DAEMON_PACKAGES_H

#include <pthread.h>

#include "daemon/package.h"
#include "daemon/sched.h"

enum { PACKAGES_MAX = 256, PACKAGES_STATS_MAX = 512 };

typedef void packages_done_fn(void *arg);

struct packages {
    char dir[PACKAGE_PATH_MAX + 1];
    struct package *item[PACKAGES_MAX]; // by name; one reference each
    int n;
    struct package_stats *stats; // owned, PACKAGES_STATS_MAX
    // a rescan under way
    struct sched *sched; // borrowed
    bool scanning, again;
    pthread_t thread;
    int done_fd[2];
    struct package *found[PACKAGES_MAX];
    int found_n, skipped;
    packages_done_fn *done;
    void *done_arg;
};

// Scans once, in this thread. done is called after each rescan. 0, or -1 without memory or pipe.
int packages_init(struct packages *ps, const char *dir, struct sched *sched, packages_done_fn *done,
                  void *arg);
void packages_fini(struct packages *ps); // waits for a running scan

// Starts a rescan; when one runs already, another follows it. done is called after the last.
void packages_rescan(struct packages *ps);

struct package *packages_find(const struct packages *ps, const char *name);
struct package *packages_by_hash(const struct packages *ps, const uint8_t *hash);

#endif
