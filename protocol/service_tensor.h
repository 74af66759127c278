// SPDX-License-Identifier: Apache-2.0
// Inside the service codec: what headers say of tensors, members of "inputs" and "outputs".
#ifndef SEVENCAST_PROTOCOL_SERVICE_TENSOR_H
#define SEVENCAST_PROTOCOL_SERVICE_TENSOR_H

#include "protocol/service_json.h"
#include "protocol/service_write.h"

// Of a request: the index-th of inputs, which must have that name and no unknown key. size: rank
// numbers, each from 1 to its limit; datatype: any word.
bool service_input_read(json_t *inputs, size_t index, const char *name, size_t rank,
                        const int *limit, int *size, char datatype[16], struct service_error *e);
void service_input_write(struct service_writer *w, const char *name, const unsigned *size, int rank,
                         const char *datatype);

// Of a reply: the shape of the index-th member of key.
bool service_tensor_read(json_t *root, const char *key, size_t index, size_t rank, const int *limit,
                         int *out, struct service_error *e);
void service_tensor_write(struct service_writer *w, const char *name, const char *datatype,
                          const unsigned *size, int rank);

// Of a forecast: the number of elements of the index-th output; the whole key "outputs".
bool service_outputs_read(json_t *root, size_t index, uint16_t *out, struct service_error *e);
void service_outputs_write(struct service_writer *w, unsigned outputs);

#endif
