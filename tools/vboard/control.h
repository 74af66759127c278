// SPDX-License-Identifier: Apache-2.0
// The control socket WORLD/control.sock: one line of words per connection, answered by one JSON
// object and a newline. Status, and faults on demand.
#ifndef SEVENCAST_VBOARD_CONTROL_H
#define SEVENCAST_VBOARD_CONTROL_H

#include <stddef.h>

#include "tools/vboard/board.h"

#define CONTROL_SOCKET "control.sock"
enum { CONTROL_LINE_MAX = 512 };

// Listens. 0, or -1 with errno.
int control_init(struct boards *boards, const char *dir);
void control_fini(void);

// The commands, one per line, for --help.
void control_help(char *out, size_t cap);

// The client's end: sends the words to the world in dir and prints the answer. Exit code: 0, 1 the
// command was refused, 2 no such world.
int control_client(const char *dir, char *const *words);
// Waits until the world in dir answers: 0, or -1 after the time.
int control_wait(const char *dir, unsigned timeout_ms);

#endif
