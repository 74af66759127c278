// SPDX-License-Identifier: Apache-2.0
// Inside the service codec: experiments (PROTOCOL.md 2.4) from and to a header's JSON.
#ifndef SEVENCAST_PROTOCOL_SERVICE_EXPERIMENT_H
#define SEVENCAST_PROTOCOL_SERVICE_EXPERIMENT_H

#include "protocol/service_json.h"
#include "protocol/service_write.h"

// "plan" of parameters; refused where it is not due, required where it is. A key that is left out
// takes the default of PROTOCOL.md.
bool service_plan_read(json_t *parameters, bool due, struct service_plan *out,
                       struct service_error *e);
void service_plan_write(struct service_writer *w, const struct service_plan *p);

// Shapes from "inputs", then the values from the two frames, which are borrowed.
bool service_labelled_read(json_t *root, struct service_labelled *out, struct service_error *e);
bool service_labelled_take(const struct service_frame *frames, struct service_labelled *out,
                           struct service_error *e);
void service_labelled_write(struct service_writer *w, const struct service_labelled *l);

// out: struct service_experiment.
bool service_experiment_read(json_t *object, const char *path, void *out, struct service_error *e);
void service_experiment_write(struct service_writer *w, const char *key,
                              const struct service_experiment *x);

// Report and steps; nothing is owned on failure.
bool service_result_read(json_t *root, const struct service_frame *frames, size_t count,
                         struct service_experiment_result *out, struct service_error *e);
void service_result_write(struct service_writer *w, const struct service_experiment_result *r);

#endif
