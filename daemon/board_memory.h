// SPDX-License-Identifier: Apache-2.0
// What each board runs, remembered in the run folder (which does not outlive a boot), so that a
// front end that was killed finds its boards as it left them instead of putting the configuration's
// first variant back.
#ifndef SEVENCAST_DAEMON_BOARD_MEMORY_H
#define SEVENCAST_DAEMON_BOARD_MEMORY_H

#include <stdbool.h>
#include <stddef.h>

// Failing to write is logged and no more: it costs one reprogramming after a crash.
void board_memory_write(const char *run_dir, const char *board, const char *variant);
void board_memory_forget(const char *run_dir, const char *board);
// True with the name in out when there is one.
bool board_memory_read(const char *run_dir, const char *board, char *out, size_t cap);

#endif
