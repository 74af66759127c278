// SPDX-License-Identifier: Apache-2.0
// Runs trials in local processes. Results do not depend on how many there are, nor on what was
// killed on the way.
#ifndef SEVENCAST_EXPLORE_POOL_H
#define SEVENCAST_EXPLORE_POOL_H

#include <stddef.h>

#include "tools/explore/record.h"
#include "tools/explore/trial.h"

enum { POOL_ATTEMPTS = 2, POOL_MAX_PROCESSES = 256 };

struct pool_progress {
    int done, total; // trials of this call, those found in the record included
    double left_s;   // estimate of the wall time to the end; negative: not known yet
    const struct trial *last;
};

struct pool {
    const struct trial_setting *setting; // borrowed
    struct record *record;               // borrowed; results are taken from it and added to it
    int processes;                       // 0: one for each core
    double timeout_s;                    // wall time of one attempt; 0: an hour
    int found_only;                      // runs nothing: a trial that is not in the record fails
    void (*told)(void *context, const struct pool_progress *p); // may be NULL
    void *context;
    // What runs a trial, in a process of its own; NULL: trial_run. For tests.
    int (*run)(const struct trial_plan *plan, struct net *n, struct trial *t);
    // Added up over calls: trials run to their end, found in the record, equal to another one of
    // their call; attempts that died or ran out of time; trials given up.
    int ran, found, equal, lost, failed;
    double seconds; // of processor time, of those that ran
};

// Runs all trials whose done is 0; each has up to POOL_ATTEMPTS attempts. Every result is in the
// record before anybody hears of it. Returns how many remain undone, with why (of the first one
// given up) when that is not 0.
int pool_run(struct pool *p, struct trial *trials, int count, char *why, size_t whycap);

// For told, with a pool_printer as context: the state of things in one line of a terminal.
struct pool_printer {
    const char *unit; // of the losses
};
void pool_print(void *context, const struct pool_progress *p);
// What it cost, as a line on standard output.
void pool_report(const struct pool *p);

#endif
