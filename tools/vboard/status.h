// SPDX-License-Identifier: Apache-2.0
// The state of a world as JSON (vboard ctl status); vboard(1) lists the keys.
#ifndef SEVENCAST_VBOARD_STATUS_H
#define SEVENCAST_VBOARD_STATUS_H

#include <jansson.h>

#include "tools/vboard/board.h"

json_t *status_json(const struct boards *boards);

// What no program inside the world may know: true energies since the mark. cycles: also those of an
// inference of so many cycles, 0 none. Brings board time up to date.
json_t *status_power_truth(struct power_meter *p, uint32_t cycles);

#endif
