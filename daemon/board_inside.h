// SPDX-License-Identifier: Apache-2.0
// Shared by the board's files and by nobody else.
//   board.c         life, the worker's packets      board_flight.c  inferences on the board
//   board_change.c  drain, program, verify          board_settle.c  what runs, what should
#ifndef SEVENCAST_DAEMON_BOARD_INSIDE_H
#define SEVENCAST_DAEMON_BOARD_INSIDE_H

#include "daemon/board.h"

#define BOARD_FAULT_BACKOFF_MIN_NS (2 * NS_PER_S)

void board_hold(struct package **slot, struct package *p); // changes an owned reference
void board_enter(struct board *b, enum board_phase phase, const char *reason);

struct board_inflight *board_find_tag(struct board *b, uint32_t tag);
void board_release(struct board *b, struct board_inflight *f);
// golden: index of the golden window, -1 for a request's. 0, or -1 when the board is lost.
int board_send_window(struct board *b, struct queue_slot *s, int golden, struct package *p,
                      const int8_t *codes);
// Takes every inference back from the board: it will not answer them.
void board_take_back(struct board *b, const char *reason);

void board_become_ready(struct board *b, struct package *p);
void board_become_fault(struct board *b, const char *reason);
void board_begin_program(struct board *b, struct package *target);
// Stops giving the board new work, and programs the target when it has none left.
void board_drain(struct board *b);
void board_after_drain(struct board *b);
// The board shows the right identity, but nobody vouches for what it computes.
void board_verify_in_place(struct board *b, struct package *p);
void board_end_load(struct board *b, enum service_code code, const char *reason);
void board_on_programmed(struct board *b, const struct wire_programmed *m);
void board_on_golden(struct board *b, int golden, const struct wire_result *m);

// Whether the identity on the link is that of p; says why not.
bool board_identity_fits(const struct board *b, const struct package *p, char *why, size_t whycap);
// The worker sees the board and nothing is under way: go where the board should be.
void board_settle(struct board *b);
void board_lose(struct board *b, const char *reason);

#endif
