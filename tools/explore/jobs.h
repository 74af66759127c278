// SPDX-License-Identifier: Apache-2.0
// An exploration's trials as a folder of jobs, for more machines than one.
//
//   manifest.json         format, tool_version, task, jobs (how many), command (null: the
//                         exploration), arguments (its own, without files), files: by option
//                         {"file", "sha256"}, list: the same of jobs.jsonl
//   jobs.jsonl            a line a job, N from 0: job, key (trial.h), data and float_checkpoint
//   (files
//                         here), task, shape, and the trial
//   data.csv, ...         copies of the files that the exploration's options name
//   array.sh              the jobs as a Slurm job array
//   results/N.result      SHA-256 of manifest.json, a space, a line of record.h
//   results/N.failed      why job N came to nothing, until it has a result
//
// All paths are relative to the folder, so it can be copied anywhere. A result appears by rename,
// so it is whole at any moment; two that run one job write the same but for the seconds.
#ifndef SEVENCAST_EXPLORE_JOBS_H
#define SEVENCAST_EXPLORE_JOBS_H

#include <stddef.h>

#include "tools/explore/options.h"
#include "tools/explore/record.h"
#include "tools/explore/sensitivity.h"
#include "tools/explore/trial.h"

enum { JOBS_MAX = 100 * 1000, JOBS_PATH_BYTES = 1024, JOBS_MAX_ARGUMENTS = 128 };

// What an exploration would run now.
struct jobs_order {
    const char *command; // NULL: the exploration itself
    const struct sensitivity *sens;
    const struct trial_setting *setting;
    const struct trial *trials;
    int count;
    const struct option_row *row; // its options, as they stand
    int rows;
};

// Makes the folder, which must not be there yet; of equal trials only one is a job. Returns how
// many jobs it has, or -1 with why.
int jobs_write(const char *folder, const struct jobs_order *order, char *why, size_t whycap);
// The same as the end of a command: says what was made. Returns an exit code.
int jobs_command_write(const char *folder, const struct jobs_order *order);

// A folder that was read.
struct jobs {
    char folder[JOBS_PATH_BYTES];
    char hash[TRIAL_HEX_BYTES]; // of manifest.json
    json_t *manifest;           // owned
    json_t *line;               // owned; array of the list's lines
    int count;
};

// Reads and checks the manifest and all that it has hashes of. 0, or -1 with why; close it in both
// cases.
int jobs_open(struct jobs *j, const char *folder, char *why, size_t whycap);
void jobs_close(struct jobs *j);
// The command that the jobs are of; NULL: the exploration itself.
const char *jobs_of(const struct jobs *j);

// Runs a job unless it has a result. 0, or an exit code with why. text says what was done.
int jobs_run(struct jobs *j, int index, double timeout_s, char *text, size_t textcap, char *why,
             size_t whycap);

// The command run-job: argv[0] is its name. Returns an exit code.
int jobs_command(int argc, char **argv);

struct jobs_counts {
    int complete, missing, failed; // failed: those that said so, and damaged results
};
// Takes all results into a record. 0, or -1 with why: also where one belongs to another manifest.
int jobs_collect(struct jobs *j, struct record *r, struct jobs_counts *counts, char *why,
                 size_t whycap);

// The command line of the exploration, with the folder's files: argv[0] is argv0; ends with NULL.
// NULL without memory; free with jobs_free_arguments.
char **jobs_arguments(const struct jobs *j, const char *argv0, int *argc);
void jobs_free_arguments(char **argv);

// For the parts of this module: "FOLDER/NAME" and "FOLDER/results/INDEX.END".
int jobs_path(const struct jobs *j, const char *name, char path[JOBS_PATH_BYTES]);
int jobs_result_path(const struct jobs *j, int index, const char *end, char path[JOBS_PATH_BYTES]);

#endif
