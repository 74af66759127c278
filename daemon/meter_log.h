// SPDX-License-Identifier: Apache-2.0
// The latest windows of a board's power monitor, numbered: what the verb power hands out.
#ifndef SEVENCAST_DAEMON_METER_LOG_H
#define SEVENCAST_DAEMON_METER_LOG_H

#include "daemon/wire.h"

enum { METER_LOG_WINDOWS = 128 };

struct meter_log {
    uint64_t last;                               // number of the newest window; 0: none yet
    struct wire_power window[METER_LOG_WINDOWS]; // number n at n % METER_LOG_WINDOWS
};

void meter_log_add(struct meter_log *log, const struct wire_power *window);

// The oldest window that is kept with a number above after; NULL: none. *seq: its number.
const struct wire_power *meter_log_next(const struct meter_log *log, uint64_t after, uint64_t *seq);

#endif
