// SPDX-License-Identifier: Apache-2.0
// Hot-plug events for clients that listen through libudev: umockdev's preload turns their netlink
// socket into a datagram socket WORLD/eventN.
#ifndef SEVENCAST_VBOARD_UEVENT_H
#define SEVENCAST_VBOARD_UEVENT_H

#include "tools/vboard/ftdi.h"

// action: "add" or "remove". Best effort: nobody may be listening.
void uevent_send(const char *world_dir, const char *action, unsigned number,
                 const struct ftdi *chip);

#endif
