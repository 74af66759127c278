// SPDX-License-Identifier: Apache-2.0
// Inside the service codec: the verb model_metadata.
#ifndef SEVENCAST_PROTOCOL_SERVICE_METADATA_H
#define SEVENCAST_PROTOCOL_SERVICE_METADATA_H

#include "protocol/service_json.h"
#include "protocol/service_write.h"

// out->details is the caller's on success, nothing is owned on failure.
bool service_metadata_read(json_t *root, struct service_metadata *out, struct service_error *e);
void service_metadata_write(struct service_writer *w, const struct service_metadata *m);

#endif
