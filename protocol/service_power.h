// SPDX-License-Identifier: Apache-2.0
// Inside the service codec: windows of a power monitor.
#ifndef SEVENCAST_PROTOCOL_SERVICE_POWER_H
#define SEVENCAST_PROTOCOL_SERVICE_POWER_H

#include "protocol/service_json.h"
#include "protocol/service_write.h"

// One window, at key; a daemon that knows of no power leaves the key out.
bool service_power_read(json_t *object, const char *path, const char *key,
                        struct service_power *out, struct service_error *e);
void service_power_write(struct service_writer *w, const char *key, const struct service_power *p);

// A row of the verb power. out: struct service_power_row.
bool service_power_row_read(json_t *object, const char *path, void *out, struct service_error *e);
// All keys of its reply.
void service_power_log_write(struct service_writer *w, const struct service_power_log *log);

#endif
