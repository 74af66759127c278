// SPDX-License-Identifier: Apache-2.0
// The thread that keeps the records of experiments and judges them, so that neither the disk nor
// the statistics delay the front end. Between the two threads stand a bounded queue of jobs and a
// list of what became of them; the front end waits for neither, it only holds a mutex for as long
// as it takes to link one job in or out.
#ifndef SEVENCAST_DAEMON_RECORDER_H
#define SEVENCAST_DAEMON_RECORDER_H

#include <jansson.h>

#include "daemon/experiment.h"
#include "daemon/record.h"
#include "daemon/sched.h"

enum { RECORDER_JOBS = 64, RECORDER_EXPERIMENTS = 128 };

// An experiment as the records have it, at the start of the daemon.
struct recorder_loaded {
    char id[RECORD_ID_MAX + 1];
    struct experiment_spec spec;
    struct service_experiment row; // with state, counts and seconds of what is stored
    bool ran;                      // it began to run: before, origin and clock are known
    char before[SERVICE_NAME_MAX + 1], origin[16];
    uint32_t clock_hz;
    int steps;  // stored, whole blocks only
    int pieces; // of windows
    double *windows,
        *targets; // NULL when it is finished; the callee keeps them by setting them NULL
};

enum recorder_job_kind {
    RECORDER_START,  // spec
    RECORDER_DATA,   // number, body
    RECORDER_RUN,    // spec, before, origin, clock_hz
    RECORDER_STEP,   // step
    RECORDER_END,    // state, reason, stop, seconds
    RECORDER_RESULT, // spec, state, origin, clock_hz
    RECORDER_DROP,   // forgets an experiment
};

// What is to be done; what became of it comes back in the same struct.
struct recorder_job {
    struct recorder_job *next;
    enum recorder_job_kind kind;
    char id[RECORD_ID_MAX + 1];
    uint64_t ticket; // the caller's
    struct experiment_spec spec;
    struct experiment_step step;
    int number;
    void *body; // owned by the job
    size_t bytes;
    char before[SERVICE_NAME_MAX + 1], origin[16];
    uint32_t clock_hz;
    enum service_experiment_state state;
    char reason[SERVICE_TEXT_MAX + 1], stop[16];
    double seconds;
    // results
    bool done; // it is on the disk, or there is a result
    int steps, blocks, decided, comparisons;
    bool stopped;   // every comparison has
    json_t *report; // owned by the job
    double *table;  // owned by the job, [steps][SERVICE_STEP_COLUMNS]
};

typedef void recorder_done_fn(void *arg, struct recorder_job *job); // the job is freed afterwards
typedef void recorder_loaded_fn(void *arg, struct recorder_loaded *l);

struct recorder;

// Opens the file, hands over all that it holds (this may take as long as the disk likes: nothing is
// served yet) and starts the thread. NULL with why.
struct recorder *recorder_open(const char *path, struct sched *sched, recorder_loaded_fn *loaded,
                               recorder_done_fn *done, void *arg, char *why, size_t whycap);
// Ends the thread once all jobs are done, or cannot be because somebody else has the file; nobody
// is told of them any more.
void recorder_close(struct recorder *r); // NULL allowed

int recorder_room(struct recorder *r); // jobs that it takes now
// A job of zeros, NULL without memory; and hands it on: 0, or -1 when there is no room (the job is
// freed).
struct recorder_job *recorder_job_new(enum recorder_job_kind kind, const char *id);
int recorder_push(struct recorder *r, struct recorder_job *job);
void recorder_job_free(struct recorder_job *job);

#endif
