// SPDX-License-Identifier: Apache-2.0
// Inside the service codec: rows of the verb routes.
#ifndef SEVENCAST_PROTOCOL_SERVICE_ROUTE_H
#define SEVENCAST_PROTOCOL_SERVICE_ROUTE_H

#include "protocol/service_json.h"
#include "protocol/service_write.h"

// out: struct service_route.
bool service_route_read(json_t *object, const char *path, void *out, struct service_error *e);
void service_route_write(struct service_writer *w, const struct service_route *r);

#endif
