// SPDX-License-Identifier: Apache-2.0
// The commands of sevencast-train. Each returns an exit code after saying why on standard
// error.
#ifndef SEVENCAST_TRAIN_TRAIN_H
#define SEVENCAST_TRAIN_TRAIN_H

#include "tools/train/options.h"

int train_run(const struct options *o);
int evaluate_run(const struct options *o);
int baselines_run(const struct options *o);

// Reads the task that the options describe; NULL after a message.
struct task *train_task(const struct options *o);
int train_complain(int code, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
