// SPDX-License-Identifier: Apache-2.0
// Inside the service codec: counts, and rows of the verb model_statistics.
#ifndef SEVENCAST_PROTOCOL_SERVICE_STATISTICS_H
#define SEVENCAST_PROTOCOL_SERVICE_STATISTICS_H

#include "protocol/service_json.h"
#include "protocol/service_write.h"

bool service_count_read(json_t *object, const char *path, const char *key,
                        struct service_count *out, struct service_error *e);
void service_count_write(struct service_writer *w, const char *key, const struct service_count *c);

// out: struct service_model_stats.
bool service_stats_read(json_t *object, const char *path, void *out, struct service_error *e);
void service_stats_write(struct service_writer *w, const struct service_model_stats *s);

#endif
