// SPDX-License-Identifier: Apache-2.0
// sevencast ab: what its parts share. ab.c is the command, ab_plan.c reads the command line and the
// data, ab_report.c prints tables, ab_html.c writes the page.
#ifndef SEVENCAST_CLIENT_AB_H
#define SEVENCAST_CLIENT_AB_H

#include "client/cli/cli.h"

// Plan and labelled windows of an experiment; owned by ab_plan_free.
struct ab_plan {
    struct sc_plan plan;
    struct sc_labelled labelled;
    double *data, *targets;
    int available; // windows that the file has
};

// From the options and the file, with a message on failure. An exit code.
int ab_plan_make(const struct cli *cli, struct ab_plan *p);
void ab_plan_free(struct ab_plan *p);

// A result with its report as JSON.
struct ab_result {
    const struct sc_experiment_result *r; // borrowed
    json_t *report;                       // borrowed
};

// Number of the report, NaN where it is null or missing.
double ab_number(const json_t *object, const char *key);
const char *ab_text(const json_t *object, const char *key); // "" where there is none

// Of a metric's figures.
const char *ab_origin(const struct ab_result *a, const json_t *metric);

json_t *ab_row_json(const struct sc_experiment *x);
int ab_print(const struct cli *cli, const struct ab_result *a); // an exit code
int ab_write_html(const struct cli *cli, const struct ab_result *a, const char *path);

#endif
