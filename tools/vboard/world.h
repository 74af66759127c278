// SPDX-License-Identifier: Apache-2.0
// The folder that clients take for the machine: sysfs and udev files as umockdev's preload looks
// for them (UMOCKDEV_DIR), and our sockets beside them.
#ifndef SEVENCAST_VBOARD_WORLD_H
#define SEVENCAST_VBOARD_WORLD_H

#include <stdbool.h>
#include <stddef.h>

#include "tools/vboard/ftdi.h"

enum { WORLD_PATH_MAX = 80 }; // socket names must fit into sun_path

struct world {
    char dir[WORLD_PATH_MAX + 1];
    int lock_fd;
};

// Makes the world in dir (NULL: a new folder in $TMPDIR) and locks it; first removes what dead
// vboards left in $TMPDIR. 0, or -1 with why.
int world_init(struct world *w, const char *dir, char *why, size_t whycap);
int world_lock(struct world *w);          // again, after a fork; 0 or -1
bool world_exists(const struct world *w); // nobody has removed the folder behind our back
void world_fini(struct world *w);         // removes the folder

// Device NUMBER (2..99) of bus 1 appears in and vanishes from sysfs; uevents are sent to whoever
// listens. 0, or -1 with errno.
int world_add_device(struct world *w, unsigned number, const struct ftdi *chip);
int world_remove_device(struct world *w, unsigned number, const struct ftdi *chip);

#endif
