// SPDX-License-Identifier: Apache-2.0
// The front end's side of one board: which variant it should run, which it runs, and how it gets
// from one to the other. Speaks to the worker by wire.h; never touches USB.
//
//   ABSENT -> (the worker sees the board) -> what runs is what should run?  yes -> READY
//                                                                           no  -> PROGRAM
//   PROGRAM -> VERIFY (identity, golden windows) -> READY;   failed -> the previous variant, else
//   FAULT, tried again later.       A load: READY -> DRAIN -> PROGRAM ...
#ifndef SEVENCAST_DAEMON_BOARD_H
#define SEVENCAST_DAEMON_BOARD_H

#include "daemon/conf.h"
#include "daemon/meter_log.h"
#include "daemon/package.h"
#include "daemon/packages.h"
#include "daemon/queue.h"
#include "daemon/supervise.h"
#include "protocol/link.h"

enum board_phase {
    BOARD_ABSENT,
    BOARD_IDLE, // on USB, nothing to serve
    BOARD_DRAIN,
    BOARD_PROGRAM,
    BOARD_VERIFY,
    BOARD_READY,
    BOARD_FAULT,
};

struct board;

// What the board tells its owner. A slot handed over is the owner's again.
struct board_calls {
    void (*result)(void *arg, struct board *b, struct queue_slot *s, const struct package *p,
                   const struct wire_result *r);
    // the request was on a board that left or failed, and was not answered
    void (*unanswered)(void *arg, struct board *b, struct queue_slot *s, enum service_code why,
                       const char *reason);
    // the board never saw it
    void (*returned)(void *arg, struct board *b, struct queue_slot *s);
    // a load came to its end; slot NULL when nobody waits for it any more
    void (*loaded)(void *arg, struct board *b, struct queue_slot *s, enum service_code code,
                   const char *reason);
    void (*changed)(void *arg, struct board *b); // phase or room for inferences
};

struct board_inflight {
    bool used;
    uint32_t tag;
    struct queue_slot *slot;     // borrowed; NULL: abandoned, or golden
    int golden;                  // index of the golden window, -1: none
    struct package *package;     // owned reference
    bool burst;                  // the board is its own
    enum service_burst_end stop; // why it is stopped, should it be
    bool stopping;
    uint32_t least_runs; // fewer, and it was cut to the longest burst
};

struct board {
    const struct conf_board *conf; // borrowed
    const struct conf *daemon_conf;
    struct sched *sched;
    struct packages *packages;
    const struct board_calls *calls;
    void *arg;
    struct supervise worker;
    enum board_phase phase;
    char reason[PACKAGE_REASON_MAX + 1]; // why it is not READY
    struct package *active;              // owned references: runs and is verified
    struct package *want;                // should run
    struct package *target;              // being programmed or verified
    struct package *previous;            // runs again if target fails
    bool restoring, unloaded, first_settle;
    bool trusted;            // what runs was verified, and nothing was programmed since
    bool in_place;           // target is verified without having been programmed
    bool is_load;            // the change under way was asked for
    struct queue_slot *load; // borrowed: who waits for the change
    char failure[PACKAGE_REASON_MAX + 1]; // of the load, while the previous variant is restored
    struct link_identity identity;
    enum wire_board_state seen;
    struct board_inflight inflight[WIRE_INFLIGHT];
    int running, depth;
    uint32_t next_tag, program_tag;
    int golden_sent, golden_good;
    int faults; // in a row
    uint64_t phase_since_ns, lost_ns, fault_backoff_ns;
    uint64_t load_begin_ns, drain_ns, program_ns, verify_ns, total_ns; // of the latest change
    uint64_t inferences, swaps;
    // Latest windows of the power monitor, the second one without work on the variant that runs;
    // rails.n 0: none.
    struct wire_power power, idle;
    struct meter_log power_log;
    uint64_t power_paused_ns; // not read until then
    // Of the latest burst and of the rest before it; head.tag is that of its RESULT.
    struct wire_power burst_power, lead_power;
    enum service_burst_end burst_end; // of the burst whose result is told
    uint64_t worked_ns;               // the latest answer came
    struct sched_timer drain_timer, fault_timer;
};

void board_init(struct board *b, const struct conf *conf, const struct conf_board *board_conf,
                struct sched *sched, struct packages *packages, const struct board_calls *calls,
                void *arg);
void board_fini(struct board *b); // the worker must be stopped

bool board_has_room(const struct board *b); // READY and takes another inference
// Sends an encoded window, to be run as the burst that s->request asks for. 0, or -1: the board is
// going, the slot stays the caller's.
int board_infer(struct board *b, struct queue_slot *s, const int8_t *codes);
// The burst that the board runs, NULL when it runs none.
const struct board_inflight *board_burst(const struct board *b);
// Ends the burst with what it has done by then, if the board runs one.
void board_stop_burst(struct board *b, enum service_burst_end why);
void board_abandon(struct board *b, const struct queue_slot *s); // its answer is dropped

// Begins to run p; loaded() says how it ended. SERVICE_OK, or why it cannot begin, with text.
enum service_code board_load(struct board *b, struct package *p, struct queue_slot *s, char *why,
                             size_t whycap);
// Checks only: whether p may run on this board.
enum service_code board_accepts(const struct board *b, const struct package *p, char *why,
                                size_t whycap);
void board_unload(struct board *b);

// The power monitor is not read until then.
void board_pause_power(struct board *b, uint64_t until_ns);

// After a rescan: holds on to packages by their hash.
void board_packages_changed(struct board *b);

// Whether the board serves, or will serve once its present trouble or change is over.
bool board_lost_for_long(const struct board *b, uint64_t now);
// The variants that requests may wait for on this board: the one that runs or should, and the one
// that it changes to (either may be NULL).
void board_prospects(const struct board *b, const struct package *out[2]);

#endif
