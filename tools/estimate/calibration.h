// SPDX-License-Identifier: Apache-2.0
// Configurations with yosys' counts (calibration.json, made by tools/calibrate), what the model
// says of them, and the fit. Some configurations are held out: their names decide, never their
// counts.
#ifndef SEVENCAST_ESTIMATE_CALIBRATION_H
#define SEVENCAST_ESTIMATE_CALIBRATION_H

#include <jansson.h>
#include <stdio.h>

#include "tools/estimate/estimate.h"

struct calibrated {
    const char *name; // borrowed from the file
    int held_out;
    int current; // counted of the RTL that the file names, not of older RTL that was kept
    int lut, lutram, ff, dsp, ramb18; // counted
    double part[PARTS][PART_RESOURCES];
    struct part_features features;
    struct estimate estimate;
};

struct calibration {
    json_t *file;            // owned
    struct calibrated *list; // owned
    size_t count;
};

// NULL with why. Free with calibration_free (NULL allowed).
struct calibration *calibration_load(const char *path, char *why, size_t whycap);
void calibration_free(struct calibration *c);

// 1 for about a third of all names: by SHA-256.
int calibration_holds_out(const char *name);

typedef double fitted_t[PARTS][PART_RESOURCES][PART_FEATURES];
// Least squares over the configurations that are not held out, relative to their size, with
// what part_expected says as observations of small weight.
void calibration_fit(const struct calibration *c, fitted_t out);

#endif
