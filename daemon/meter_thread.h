// SPDX-License-Identifier: Apache-2.0
// Reads a board's power monitor in a thread of the worker and sends each window to the front end.
// The monitor has a USB device of its own, so neither the worker's event loop nor an inference ever
// waits for it; what it costs them is the host's time for one short exchange every half second, or
// every tenth of a second with an INA226.
#ifndef SEVENCAST_DAEMON_METER_THREAD_H
#define SEVENCAST_DAEMON_METER_THREAD_H

#include "daemon/wire.h"

struct meter_thread;

// NULL when there is no meter to read, or no memory or thread for it (then the log says so).
// Packets go to fd, which must take whole packets from any thread.
struct meter_thread *meter_thread_start(const struct wire_config *conf, int fd);
// The monitor is not read until then; a time that has passed: it is read at once. The window under
// way is given up, the next one begins when reading does. NULL is taken.
void meter_thread_pause(struct meter_thread *t, uint64_t until_ns);

// The window under way ends as soon as the thread can, and is sent as `window` with that tag (ANY:
// like any other). hold: the next one lasts until it is cut, too. adjust_ns: see meter_cut. Returns
// the cut's number; a later one takes the place of one that is not done yet.
uint64_t meter_thread_cut(struct meter_thread *t, enum wire_window window, uint32_t tag, bool hold,
                          int64_t adjust_ns);
// Readable when a cut is done, window sent. meter_thread_cut_done takes that and gives its number.
int meter_thread_fd(const struct meter_thread *t);
uint64_t meter_thread_cut_done(struct meter_thread *t);

// Waits for the exchange under way, at most 2 x I2C_EXCHANGE_MS and a close. NULL is taken.
void meter_thread_stop(struct meter_thread *t);

#endif
