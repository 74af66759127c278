// SPDX-License-Identifier: Apache-2.0
// The command line of sevencast-train.
#ifndef SEVENCAST_TRAIN_OPTIONS_H
#define SEVENCAST_TRAIN_OPTIONS_H

#include <jansson.h>
#include <stddef.h>
#include <stdint.h>

#include "tools/model/model.h"
#include "tools/train/fit.h"
#include "tools/train/task.h"

// Exit codes.
enum {
    EXIT_OK = 0,
    EXIT_FAILED = 1, // memory, training without result, --check found a difference
    EXIT_USAGE = 2,
    EXIT_DATA = 3,    // the CSV file or the task it is to make
    EXIT_VARIANT = 4, // a variant, checkpoint or width file that cannot be read
    EXIT_WRITE = 5,   // results cannot be written
};

enum command { COMMAND_TRAIN, COMMAND_EVALUATE, COMMAND_BASELINES, COMMAND_HELP, COMMAND_VERSION };

struct options {
    enum command command;
    const char *data, *time_column, *unit;
    const char *out, *name, *task, *checkpoint, *bits, *bits_file;
    const char *hardware; // JSON text
    const char *variant;  // evaluate
    struct task_spec spec;
    const char *feature[MODEL_MAX_FEATURES]; // what spec.features points to
    char *feature_text;                      // owned
    struct model_shape shape;                // all but window, features, outputs until parsed
    struct fit_options fit;                  // batch, decay, patience
    int epochs_float, epochs_qat, seeds;
    double rate_float, rate_qat;
    uint64_t seed;
    int json, quiet, check;
    json_t *task_file;   // owned; the strings that came from it lie there
    const char *resume;  // state file
    double save_every_s; // how often it is written at most
};

// 0, or an exit code after a message on standard error. Free with options_fini in both cases.
int options_parse(struct options *o, int argc, char **argv);
void options_fini(struct options *o);
void options_help(void);

// The command line to repeat a training, without the folders of this machine, into text.
void options_command(const struct options *o, char *text, size_t cap);

#endif
