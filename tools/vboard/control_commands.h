// SPDX-License-Identifier: Apache-2.0
// What the control socket's commands do. Inside control only.
#ifndef SEVENCAST_VBOARD_CONTROL_COMMANDS_H
#define SEVENCAST_VBOARD_CONTROL_COMMANDS_H

#include <jansson.h>
#include <stddef.h>

#include "tools/vboard/board.h"

// Runs one line; the answer is {"ok": true, ...} or {"ok": false, "error": "..."}.
json_t *control_run(struct boards *boards, const char *line);

#endif
