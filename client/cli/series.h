// SPDX-License-Identifier: Apache-2.0
// A CSV file seen through a model's eyes: windows of its features, and the truth of its targets.
#ifndef SEVENCAST_CLIENT_SERIES_H
#define SEVENCAST_CLIENT_SERIES_H

#include <stdbool.h>

#include "client/sevencast.h"
#include "csv/csv.h"

struct series {
    struct csv_table *table; // owned
    int window, features, outputs;
    int feature[SC_MAX_FEATURES]; // column of each feature
    int target[SC_MAX_OUTPUTS];   // column of each output's truth, -1 where the file has none
    int ahead[SC_MAX_OUTPUTS];    // rows from the window's last one to what the output forecasts
    char base[SC_MAX_OUTPUTS][SC_NAME_BYTES]; // the target's name without its step
};

// What a target's name says: "load+3" is "load" three rows ahead, and so is the third target that
// is called just "load".
int series_target(const struct sc_metadata *m, int output, char base[SC_NAME_BYTES]);

// Reads path for a model. columns: comma-separated names for the features, NULL for their own;
// time: the time column, NULL to look for a usual one. False on failure, with why.
bool series_open(struct series *s, const struct sc_metadata *m, const char *path,
                 const char *columns, const char *time, char *why, size_t whycap);
void series_close(struct series *s);

// Copies the window that begins at row into out[window][features]. False when it touches a gap.
bool series_window(const struct series *s, int row, double *out);

// Truth of an output of the window at row; NaN where there is none.
double series_truth(const struct series *s, int row, int output);
// The last known value of the output's target, what persistence forecasts; NaN where there is none.
double series_last(const struct series *s, int row, int output);
// What to call the moment an output of the window at row is about.
void series_label(const struct series *s, int row, int output, char *out, size_t capacity);

#endif
