// SPDX-License-Identifier: Apache-2.0
// Shared by experiments.c (which there are), experiments_run.c (running) and experiments_verbs.c
// (asking), and by nobody else.
#ifndef SEVENCAST_DAEMON_EXPERIMENTS_INSIDE_H
#define SEVENCAST_DAEMON_EXPERIMENTS_INSIDE_H

#include "daemon/experiments.h"
#include "daemon/recorder.h"

enum {
    EXPERIMENTS_KEPT = 64,
    EXPERIMENTS_RESERVE = 8, // jobs that steps leave to the others
    EXPERIMENTS_PENDING = 4, // steps that may be ahead of the disk
};
#define EXPERIMENTS_UPLOAD_NS (30 * NS_PER_S)

struct experiment {
    struct service_experiment row; // what clients see
    struct experiment_spec spec;
    double *windows, *targets; // owned; NULL once it has ended
    int pieces;                // of windows that were recorded
    uint64_t piece_ns;         // when the latest one came
    bool ran, ending;          // ending: its end is on the way to the disk
    char before[SERVICE_NAME_MAX + 1], origin[16];
    uint32_t clock_hz;
};

struct experiments {
    struct frontend *fe;       // borrowed
    struct recorder *recorder; // owned; NULL: off says why
    char off[SERVICE_TEXT_MAX + 1];
    struct experiment *item; // owned, [RECORDER_EXPERIMENTS], oldest first
    int n;
    unsigned next_id;
    bool stopped;
    // the one that runs
    struct experiment *active; // in item; NULL: none
    struct experiment_runner runner;
    struct board *board;
    struct queue_slot slot;                         // ours, for boards
    struct package *arm[SERVICE_ARMS_MAX];          // owned references
    bool flying, saw_others;                        // an inference of ours is on the board
    uint64_t own, board_inferences, served_at_send; // own: inferences of ours on the board
    uint64_t swap_ns;
    int pending; // steps that are not stored yet
    // afterwards
    bool restoring;
    char before[SERVICE_NAME_MAX + 1]; // variant that goes back to the board
    struct sched_timer timer, upload_timer;
};

#define EXPERIMENTS_RETRY_NS (200 * NS_PER_MS)

extern const struct queue_owner experiments_owner;               // of struct experiments.slot
void experiments_wake_at(struct experiments *e, uint64_t at_ns); // UINT64_MAX: never
bool experiments_unfinished(const struct experiment *x);
struct experiment *experiments_find(struct experiments *e, const char *id);
// Ends an experiment. stop: a word of REPORT, "" leaves it to the judge.
void experiments_finish(struct experiments *e, struct experiment *x,
                        enum service_experiment_state state, const char *stop, const char *reason);
// What became of a job that somebody waits for.
void experiments_answer(struct experiments *e, struct recorder_job *job);
void experiments_watch_uploads(struct experiments *e);

#endif
