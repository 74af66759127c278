// SPDX-License-Identifier: Apache-2.0
// Inside the recorder: experiments from their records.
#ifndef SEVENCAST_DAEMON_RECORDER_LOAD_H
#define SEVENCAST_DAEMON_RECORDER_LOAD_H

#include "daemon/experiment_judge.h"
#include "daemon/recorder.h"

// Reads all records and hands each experiment over, oldest first. *live: the judge of the
// experiment that runs (the caller's), NULL when none does; live_id (RECORD_ID_MAX + 1 bytes) its
// id. Steps behind the last whole block are removed. 0, or -1 with a log line.
int recorder_load(struct record_file *f, recorder_loaded_fn *loaded, void *arg, struct judge **live,
                  char *live_id);

// The report of an experiment that has ended, and its steps. False when the records have none.
bool recorder_read_result(struct record_file *f, struct recorder_job *job);

#endif
