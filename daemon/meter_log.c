// SPDX-License-Identifier: Apache-2.0
#include "daemon/meter_log.h"

void meter_log_add(struct meter_log *log, const struct wire_power *window)
{
    log->last++;
    log->window[log->last % METER_LOG_WINDOWS] = *window;
}

const struct wire_power *meter_log_next(const struct meter_log *log, uint64_t after, uint64_t *seq)
{
    if (after >= log->last)
        return NULL;
    *seq = log->last - after > METER_LOG_WINDOWS ? log->last - METER_LOG_WINDOWS + 1 : after + 1;
    return &log->window[*seq % METER_LOG_WINDOWS];
}
