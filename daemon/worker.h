// SPDX-License-Identifier: Apache-2.0
// The worker process: owns one board, answers the front end on WIRE_FD, touches no network.
#ifndef SEVENCAST_DAEMON_WORKER_H
#define SEVENCAST_DAEMON_WORKER_H

// Runs until the front end closes its end; the process's exit code.
int worker_main(const char *board);

#endif
