// SPDX-License-Identifier: Apache-2.0
// From the measurements of an experiment to its looks and its report: measure/ applied to every
// metric and every variant against the first. Pure: the same steps give the same verdicts, in one
// go or after a restart. Runs in the recorder's thread, because a report takes milliseconds.
#ifndef SEVENCAST_DAEMON_EXPERIMENT_JUDGE_H
#define SEVENCAST_DAEMON_EXPERIMENT_JUDGE_H

#include <jansson.h>

#include "daemon/experiment.h"
#include "measure/verdict.h"

struct judge;

// NULL without memory.
struct judge *judge_new(const struct experiment_spec *spec);
void judge_free(struct judge *j); // NULL allowed

int judge_steps(const struct judge *j);
int judge_blocks(const struct judge *j); // complete ones
// Comparisons that have stopped, and how many there are (of metrics that have values so far).
int judge_decided(const struct judge *j, int *comparisons);

// The next step of the design. False when it is another one, or a value that cannot be; then
// nothing changed.
bool judge_step(struct judge *j, const struct experiment_step *s, char *why, size_t whycap);
// Takes back the steps of a block that is not complete, as a restart must: they would not be
// measured side by side. Returns how many.
int judge_trim(struct judge *j);
// No more steps will come: the last look.
void judge_last(struct judge *j);

// Why it stopped, of REPORT in PROTOCOL.md: running, decided or budget.
const char *judge_stop(const struct judge *j);

// The report; stop: judge_stop's word or a better one. NULL without memory.
json_t *judge_report(const struct judge *j, const char *stop, const char *origin,
                     uint32_t clock_hz);
// [judge_steps][SERVICE_STEP_COLUMNS], the caller's to free; NULL without memory.
double *judge_table(const struct judge *j);

#endif
