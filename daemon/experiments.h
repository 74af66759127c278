// SPDX-License-Identifier: Apache-2.0
// Experiments in the front end: which one runs, on which board, and what clients may ask of them.
// One runs at a time, so that none measures another's latency; the others wait in their order.
#ifndef SEVENCAST_DAEMON_EXPERIMENTS_H
#define SEVENCAST_DAEMON_EXPERIMENTS_H

#include "daemon/frontend.h"

// Reads what the records hold. NULL only without memory: where the records cannot be opened,
// experiments are refused with the reason and all else works.
struct experiments *experiments_new(struct frontend *fe);
void experiments_stop(struct frontend *fe);
void experiments_free(struct experiments *e); // NULL allowed

// Lets the experiment that runs take its turn, if it is its turn.
void experiments_turn(struct frontend *fe);
// Id of the experiment that has this board; NULL for none.
const char *experiments_on(const struct frontend *fe, const struct board *b);
// Whether the experiment that runs, or has just ended, will bring that variant back to a board.
bool experiments_will_serve(const struct frontend *fe, const char *model_name);

// The ab verbs; true when the reply is to be sent now.
bool experiments_handle(struct frontend *fe, const struct asker *from,
                        const struct service_request *r);

#endif
