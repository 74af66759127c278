// SPDX-License-Identifier: Apache-2.0
// Joules of a route's answers. Pure.
#ifndef SEVENCAST_DAEMON_ROUTE_ENERGY_H
#define SEVENCAST_DAEMON_ROUTE_ENERGY_H

#include "protocol/service.h"

// Counts an answer. Bursts with an energy are added up; what has another origin or rail than the
// first is a burst without: such energies are not summed. Errors are, as most of them is gain,
// which all answers of a board share.
void route_energy_add(struct service_route_energy *e, const struct service_inference *answer);

#endif
