// SPDX-License-Identifier: Apache-2.0
// What the worker's files share.
//   worker.c          life, the front end's packets, the board's coming and going
//   worker_link.c     inferences in flight, frames, the guard against other designs
//   worker_burst.c    bursts, and the meter's windows around them
//   worker_recover.c  recovery of the link
//   worker_program.c  judging a bitstream, programming, and what must be true afterwards
#ifndef SEVENCAST_DAEMON_WORKER_STATE_H
#define SEVENCAST_DAEMON_WORKER_STATE_H

#include "daemon/burst.h"
#include "daemon/channel.h"
#include "daemon/meter_thread.h"
#include "daemon/sched.h"
#include "daemon/wire.h"
#include "protocol/link.h"

enum { WORKER_ALIVE_MS = 200, WORKER_RETURN_POLL_MS = 200 };

// Tags of writes: below WIRE_INFLIGHT the index of a job.
enum { TAG_EXCHANGE = WIRE_INFLIGHT, TAG_ZEROS, TAG_GUARD, TAG_BURST };

// HELD: answered, but it is not certain by which design. BURST: answered, its burst goes on.
enum job_state { JOB_FREE, JOB_QUEUED, JOB_SENT, JOB_HELD, JOB_BURST };

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

enum burst_phase {
    BURST_OFF,
    BURST_CUT_LEAD,
    BURST_LEAD,
    BURST_CUT_BEGIN,
    BURST_RUN,
    BURST_CUT_END,
};

struct worker_burst {
    enum burst_phase phase;
    struct job *job; // borrowed
    struct burst burst;
    struct wire_result result; // of the inference that loaded the window, then of the burst
    bool metered, held;        // held: the meter waits for a cut
    uint64_t cut;              // number of the latest one
    struct sched_timer timer;
    // RUN
    bool waiting; // for the answer to a frame
    uint16_t seq;
    uint64_t sent_ns, until_ns, stop_ns; // stop_ns: STOP was sent
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
    struct worker_burst burst;
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
// One job's end, with a RESULT.
void worker_end_job(struct worker *w, struct job *j, struct wire_result *m);
void worker_fail_job(struct worker *w, struct job *j, enum wire_result_status status,
                     const char *reason);

// worker_burst.c
void worker_burst_begin(struct worker *w, struct job *j, const struct wire_result *answer);
void worker_burst_reset(struct worker *w); // nothing of it goes on; its job is the caller's
void worker_burst_stop(struct worker *w, uint32_t tag);
void worker_burst_cut_done(struct worker *w, uint64_t cut);
bool worker_burst_answers(const struct worker *w, uint16_t seq); // whether that is its answer
void worker_burst_on_answer(struct worker *w, const struct link_frame *f, uint64_t at_ns);
void worker_burst_turn(struct worker *w); // does what is due
uint64_t worker_burst_next_check(const struct worker *w);
bool worker_burst_overdue(const struct worker *w);

// worker_recover.c
// Brings the link to a known state whatever was on it, and reads the identity. 0, or -1.
int worker_recover(struct worker *w);

// worker_program.c
void worker_program(struct worker *w, const struct wire_program *m);

#endif
