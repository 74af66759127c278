// SPDX-License-Identifier: Apache-2.0
// What training says while it runs and when it is done: progress on a terminal, JSON lines, tables.
#ifndef SEVENCAST_TRAIN_REPORT_H
#define SEVENCAST_TRAIN_REPORT_H

#include <jansson.h>

#include "tools/train/baselines.h"
#include "tools/train/fit.h"
#include "tools/train/golden.h"

struct report {
    int json;     // one object a line on standard output
    int progress; // a line on standard error that is overwritten
    double unit;  // physical units of one scaled unit
    const char *unit_name;
    const char *stage; // "float", "quantised"
    int run, runs, epochs;
    double started_s; // of this stage
};

void report_init(struct report *r, int json, int quiet, const char *unit_name);
void report_stage(struct report *r, const char *stage, int runs, int epochs);
void report_epoch(struct report *r, const struct fit_epoch *e);
// Ends the progress line; says what came out of a run.
void report_run(struct report *r, const struct fit_epoch *best);
// An event of its own: printed as JSON (taken over), or as text when not in JSON mode.
void report_event(struct report *r, json_t *event, const char *text);

struct row {
    const char *name;
    struct error validation, test;
};
// RMSE and MAE per row, in physical units. Prints nothing in JSON mode.
void report_table(const struct report *r, const struct row *rows, int count);

json_t *report_error_json(const struct error *e, const char *unit, const char *origin);
json_t *report_difference_json(const struct golden_difference *d, const struct model_shape *s);

#endif
