// SPDX-License-Identifier: Apache-2.0
// Inside the service codec: what a burst did and what its inferences cost.
#ifndef SEVENCAST_PROTOCOL_SERVICE_ENERGY_H
#define SEVENCAST_PROTOCOL_SERVICE_ENERGY_H

#include "protocol/service_json.h"
#include "protocol/service_write.h"

// The key "burst" of parameters; nothing where there was none.
bool service_burst_read(json_t *parameters, struct service_burst *b, struct service_error *e);
void service_burst_write(struct service_writer *w, const struct service_burst *b);

// Keys inside the object "energy".
bool service_energy_read(json_t *energy, struct service_energy *out, struct service_error *e);
void service_energy_write(struct service_writer *w, const struct service_energy *in);

#endif
