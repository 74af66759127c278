// SPDX-License-Identifier: Apache-2.0
// The verbs of sevencast-model. Each returns the exit status, with its message on stderr.
#ifndef SEVENCAST_MODEL_CLI_H
#define SEVENCAST_MODEL_CLI_H

#include <stdint.h>

#include "tools/model/model_random.h"

enum { CLI_REFUSED = 1, CLI_USAGE = 2, CLI_IO = 3 };

struct cli_options {
    const char *codes, *out, *name, *task;
    int windows; // 0 = not given
    struct model_random_options random;
};

int cli_fail(int status, const char *format, ...) __attribute__((format(printf, 2, 3)));

int cli_check(int count, char **dirs);
int cli_run(const char *dir, const struct cli_options *o);
int cli_vectors(const char *dir, const struct cli_options *o);
int cli_random(const struct cli_options *o);
int cli_show(const char *dir);

#endif
