// SPDX-License-Identifier: Apache-2.0
// One worker process: started, listened to, killed when it falls silent, and started again with a
// growing delay when it ends. Knows packets, not what they mean.
#ifndef SEVENCAST_DAEMON_SUPERVISE_H
#define SEVENCAST_DAEMON_SUPERVISE_H

#include <sys/types.h>

#include "daemon/sched.h"
#include "daemon/wire.h"

#define SUPERVISE_SILENCE_NS     (3 * NS_PER_S)
#define SUPERVISE_BACKOFF_MIN_NS (20 * NS_PER_MS)
#define SUPERVISE_BACKOFF_MAX_NS (5 * NS_PER_S)
#define SUPERVISE_STEADY_NS      (10 * NS_PER_S) // alive this long: the delay starts over

struct supervise_calls {
    void (*packet)(void *arg, const union wire_packet *p);
    void (*gone)(void *arg, const char *reason); // after its last packet; a new one will come
};

struct supervise {
    struct sched *sched;        // borrowed
    const char *program, *name; // borrowed
    const struct supervise_calls *calls;
    void *arg;
    pid_t pid; // 0: none, or not reaped
    int fd;    // -1: none
    uint64_t started_ns, backoff_ns;
    uint64_t starts;
    struct sched_timer restart, silence;
    bool stopping;
};

// program: path of the executable, run as "program --worker NAME" with the socket as WIRE_FD.
void supervise_start(struct supervise *s, struct sched *sched, const char *program,
                     const char *name, const struct supervise_calls *calls, void *arg);

// 0, or -1: there is no worker, or it does not read (then it is being replaced, gone was called).
int supervise_send(struct supervise *s, void *packet, uint32_t type, uint32_t tag, size_t bytes);

// Kills the worker for cause; gone is called, and another one starts.
void supervise_kill(struct supervise *s, const char *reason);

// Lets the worker end (it sees its socket close) and starts no other.
void supervise_stop(struct supervise *s);
// True when no process is left; kill_now ends it the hard way.
bool supervise_stopped(struct supervise *s, bool kill_now);

#endif
