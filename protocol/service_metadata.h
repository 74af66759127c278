// SPDX-License-Identifier: Apache-2.0
// Inside the service codec: the shapes of a reply's tensors, and the verb model_metadata.
#ifndef SEVENCAST_PROTOCOL_SERVICE_METADATA_H
#define SEVENCAST_PROTOCOL_SERVICE_METADATA_H

#include "protocol/service_json.h"
#include "protocol/service_write.h"

// The shape of the index-th member of key ("inputs" or "outputs").
bool service_tensor_read(json_t *root, const char *key, size_t index, size_t rank, const int *limit,
                         int *out, struct service_error *e);
// The number of elements of the index-th output.
bool service_outputs_read(json_t *root, size_t index, uint16_t *out, struct service_error *e);
// Key "outputs" of a forecast.
void service_outputs_write(struct service_writer *w, unsigned outputs);

// out->details is the caller's on success, nothing is owned on failure.
bool service_metadata_read(json_t *root, struct service_metadata *out, struct service_error *e);
void service_metadata_write(struct service_writer *w, const struct service_metadata *m);

#endif
