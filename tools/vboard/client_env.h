// SPDX-License-Identifier: Apache-2.0
// The environment of commands that run in a world.
#ifndef SEVENCAST_VBOARD_CLIENT_ENV_H
#define SEVENCAST_VBOARD_CLIENT_ENV_H

#include <stddef.h>

// A file that belongs to vboard, beside the program or where it is installed. 0, or -1.
int client_env_find(const char *name, char *path, size_t cap);

// Puts UMOCKDEV_DIR, VBOARD_USBFS, VBOARD_WORLD and LD_PRELOAD into this process's environment, and
// ASAN_OPTIONS where it is unset (clients built with ASan refuse to start behind a preload
// otherwise). 0, or -1 with why.
int client_env_set(const char *world_dir, char *why, size_t whycap);

#endif
