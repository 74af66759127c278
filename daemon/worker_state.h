// SPDX-License-Identifier: Apache-2.0
// What the worker's files share.
//   worker.c          life, the front end's packets, the board's coming and going
//   worker_link.c     inferences in flight, frames, the guard against other designs
//   worker_recover.c  recovery of the link
//   worker_program.c  judging a bitstream, programming, and what must be true afterwards
#ifndef SEVENCAST_DAEMON_WORKER_STATE_H
#define SEVENCAST_DAEMON_WORKER_STATE_H

#include "daemon/channel.h"
#include "daemon/meter_thread.h"
#include "daemon/sched.h"
#include "daemon/wire.h"
#include "protocol/link.h"

enum { WORKER_ALIVE_MS = 200, WORKER_RETURN_POLL_MS = 200 };

// Tags of writes: below WIRE_INFLIGHT the index of a job.
enum { TAG_EXCHANGE = WIRE_INFLIGHT, TAG_ZEROS, TAG_GUARD };

// HELD: answered, but it is not certain by which design.
enum job_state { JOB_FREE, JOB_QUEUED, JOB_SENT, JOB_HELD };

struct job {
    enum job_state state;
    uint16_t seq;
    uint32_t order; // of arrival
    struct wire_infer infer;
    uint64_t sent_ns, written_ns;
    struct wire_result result; // while HELD
};

// A request that the worker makes for itself and waits for.
struct exchange {
    bool waiting, answered;
    uint16_t seq;
    uint8_t type;
    uint8_t payload[LINK_MAX_PAYLOAD];
    size_t n;
};

struct worker {
    struct sched sched;
    struct wire_config conf;
    bool configured; // conf has come
    bool hung_up;    // the front end is gone
    int lock_fd;
    bool eeprom_checked;
    char last_reason[WIRE_REASON]; // told with the latest ABSENT
    struct channel channel;
    struct link_parser parser;
    uint64_t received_bytes;
    uint64_t frame_begin_ns; // when the first byte of the frame in the parser came
    bool identified;
    struct link_identity identity;
    uint8_t identity_bytes[LINK_IDENTITY_BYTES];
    struct job jobs[WIRE_INFLIGHT];
    uint32_t next_order;
    uint16_t next_seq;
    struct exchange exchange;
    // Somebody may program the FPGA behind our back. That takes longer than GUARD_NS, so after a
    // longer silence an answer counts only with an IDENTIFY beside it.
    uint64_t vouched_ns; // the design was the right one then
    bool guard_wanted, guard_sent, betrayed;
    uint16_t guard_seq;
    uint64_t guard_sent_ns;
    struct sched_timer alive, look; // look for the board
    struct meter_thread *meter;     // owned; NULL: none
};

// worker.c
void worker_send(struct worker *w, void *packet, uint32_t type, uint32_t tag, size_t bytes);
void worker_tell_state(struct worker *w, enum wire_board_state state, const char *reason);
// Lives on while something is waited for: says ALIVE, notices a hang-up. False after one.
bool worker_breathe(struct worker *w);
void worker_look(struct worker *w); // attach now

// worker_link.c
extern const struct channel_calls worker_channel_calls;
void worker_link_reset(struct worker *w); // before the channel is opened
void worker_take_infer(struct worker *w, const struct wire_infer *m);
void worker_run_jobs(struct worker *w);   // sends what may be sent
void worker_check_jobs(struct worker *w); // answers that are overdue: recovery
uint64_t worker_next_check(const struct worker *w);
// Ends the jobs on the board with a RESULT of that status.
void worker_end_jobs(struct worker *w, enum wire_result_status status, const char *reason);
void worker_return_jobs(struct worker *w, const char *reason); // those that never got there
// worker_recover.c
// Brings the link to a known state whatever was on it, and reads the identity. 0, or -1.
int worker_recover(struct worker *w);

// worker_program.c
void worker_program(struct worker *w, const struct wire_program *m);

#endif
