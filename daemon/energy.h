// SPDX-License-Identifier: Apache-2.0
// Energy of one inference, from a burst of them: the one way by which replies, experiments and
// sessions get their joules.
//
// Whoever sends a slot with request.repeat or request.burst_s set to a board gets a RESULT with
// what the burst did (r->burst); the meter's windows of it came before and are kept by the board
// until its next burst. So call this from the owner's result(), while r is that RESULT.
#ifndef SEVENCAST_DAEMON_ENERGY_H
#define SEVENCAST_DAEMON_ENERGY_H

#include "daemon/board.h"
#include "protocol/service.h"

// Fills out: joules of one inference by rail and, where out->reason is "", in sum: of the rail
// called BOARD, which contains the others, or else of all rails together. The error of energies of
// one board that is common to all its variants (gain) is in the uncertainties.
// Returns whether out->total has a value.
bool energy_of_result(const struct board *b, const struct wire_result *r,
                      struct service_energy *out);

#endif
