// SPDX-License-Identifier: Apache-2.0
// What infer prints: a line per forecast as it comes, and a summary.
#ifndef SEVENCAST_CLIENT_REPORT_H
#define SEVENCAST_CLIENT_REPORT_H

#include "client/cli/cli.h"
#include "client/cli/series.h"

struct report_sum {
    double squares, persistence; // sums of squared errors
    uint64_t n;
};

struct report {
    bool json, colour;
    const struct sc_metadata *metadata;    // borrowed
    const struct series *series;           // borrowed
    struct report_sum sum[SC_MAX_OUTPUTS]; // at the first output of each target
    uint64_t *round_trip_ns;               // [windows], owned
    uint64_t windows, capacity, skipped;
    uint64_t saturated_values, saturated_windows;
    uint64_t fpga_ns, fpga_cycles; // sums
    bool origin[3];
    uint64_t start_ns;
};

void report_begin(struct report *r, const struct cli *cli, const struct sc_metadata *m,
                  const struct series *s);
// One window's forecast, in the order of the windows. An exit code.
int report_window(struct report *r, int row, const struct sc_forecast *f);
// Prints the summary and frees what the report owns. An exit code.
int report_end(struct report *r);

#endif
