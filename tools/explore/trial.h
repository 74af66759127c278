// SPDX-License-Identifier: Apache-2.0
// What all trials of an exploration share, and a name for each trial.
//
// A trial (tools/train/trial.h) is a quantised training from one floating-point net: widths, seed,
// epochs and rate in, validation RMSE by the golden integers out; the test RMSE comes along and
// chooses nothing. Its key is the SHA-256 of all that its result depends on, so a result is found
// again by any exploration, process or machine that asks for the same trial.
#ifndef SEVENCAST_EXPLORE_TRIAL_H
#define SEVENCAST_EXPLORE_TRIAL_H

#include <stddef.h>

#include "tools/train/trial.h"

enum { TRIAL_HEX_BYTES = 65, TRIAL_TEXT_BYTES = 1024 };

struct trial_setting {
    struct trial_plan plan; // of borrowed parts below; fit and test are the caller's
    struct task *task;      // owned
    struct net *net;        // owned; holds the floating-point parameters
    char series_hash[TRIAL_HEX_BYTES], checkpoint_hash[TRIAL_HEX_BYTES]; // SHA-256 of the files
    char task_hash[TRIAL_HEX_BYTES];                                     // of columns and windows
};

// Reads the series and the floating-point net. plan.fit begins as 100 epochs at a rate of 0.002.
// spec is only read here. 0, or -1 with why; close it in both cases.
int trial_setting_open(struct trial_setting *s, const struct model_shape *shape,
                       const struct task_spec *spec, const char *series, const char *checkpoint,
                       char *why, size_t whycap);
void trial_setting_close(struct trial_setting *s);

// The key as 64 hexadecimal digits.
void trial_key(const struct trial_setting *s, const struct trial *t, char hex[TRIAL_HEX_BYTES]);

// Widths as --bits of sevencast-train takes them, each by name.
void trial_text(const struct model_shape *shape, const struct model_bits *bits, char *text,
                size_t cap);

// The net as options of sevencast-train: " --d-model 16 --heads 1 ..." with the space before it.
void trial_net_text(const struct model_shape *shape, char *text, size_t cap);

// SHA-256 of a file as hexadecimal digits. 0, or -1 with why.
int trial_hash_file(const char *path, char hex[TRIAL_HEX_BYTES], char *why, size_t whycap);

#endif
