// SPDX-License-Identifier: Apache-2.0
// One experiment from its plan to its measurements: what it is (experiment_spec.c), and which swap
// or inference comes next (experiment.c). Knows neither sockets nor boards nor files: the world is
// told to experiment_next, what became of an action to the other calls.
//
// The fair rule, by which an experiment and other clients share a board:
// - at most one inference of an experiment is on the board;
// - it goes when nobody else's request waits for the board, or after EXPERIMENT_YIELD inferences of
//   others, or after EXPERIMENT_YIELD_NS: others lose at most one turn in nine;
// - when others use the board it is swapped no sooner than it has served for as long as the latest
//   swap took, then as soon as nobody waits, and after four times as long in any case: it serves at
//   least half of the time;
// - a burst is one inference of an experiment, but a long one: when others wait for the board, it
//   goes no sooner than they have had it for as long as the latest burst took.
#ifndef SEVENCAST_DAEMON_EXPERIMENT_H
#define SEVENCAST_DAEMON_EXPERIMENT_H

#include "measure/design.h"
#include "protocol/service.h"

enum {
    EXPERIMENT_YIELD = 8,
    EXPERIMENT_STEP_WINDOWS = 1024, // of service_plan.step_windows
    EXPERIMENT_VALUES_MAX = 262144, // of all windows and targets
    EXPERIMENT_LOST_STEPS = 16,     // in a row, then it fails
    EXPERIMENT_SPEC_BYTES = 8192,
};
#define EXPERIMENT_YIELD_NS UINT64_C(50000000)

struct experiment_spec {
    struct service_plan plan;
    char board[SERVICE_NAME_MAX + 1], task[SERVICE_NAME_MAX + 1];
    uint16_t rows, columns, outputs;
    char version[SERVICE_ARMS_MAX][SERVICE_HASH_HEX + 1];
    char unit[SERVICE_NAME_MAX + 1];     // of the error
    double divisor[SERVICE_OUTPUTS_MAX]; // of each output's error; 1 where it is in its unit
};

// The spec as a record. 0 bytes: it does not fit.
size_t experiment_spec_write(const struct experiment_spec *s, char *out, size_t capacity);
bool experiment_spec_read(struct experiment_spec *s, const void *data, size_t n);

// The design that the plan asks for; seed, variants and blocks are in range after decoding.
struct design experiment_design(const struct service_plan *p);
// Blocks in which every labelled window is used at most once. Blocks behind them measure windows
// again, whose errors are known already, so that they say nothing new about the error.
int experiment_fresh_blocks(const struct service_plan *p);

// Of an inference of the burst that ended a measurement. The values stand in the step.
struct experiment_energy {
    enum service_origin origin;                // of the power monitor
    char of[SERVICE_NAME_MAX + 1];             // rail; "": all of them
    double window_s;                           // of the monitor, in the board's time
    double runs;                               // inferences in it
    double uncertainty_j, above_uncertainty_j; // 95 %, by the sensor's data sheet
};

// Whether measurements end with a burst, for their energy.
bool experiment_bursts(const struct service_plan *p);

// One measurement.
struct experiment_step {
    int index; // of the design
    int arm, block;
    double begin_s, duration_s;           // of running
    double inferences_s;                  // of that without the burst
    double value[SERVICE_METRICS];        // NaN: missing
    char reason[SERVICE_TEXT_MAX + 1];    // why the whole measurement is missing, "" when not
    char no_energy[SERVICE_TEXT_MAX + 1]; // why it has no energy, or none above idle
    struct experiment_energy energy;      // where it has one
    uint32_t shared;                      // inferences during which others used the board
};

size_t experiment_step_write(const struct experiment_step *s, char *out, size_t capacity);
bool experiment_step_read(struct experiment_step *s, const void *data, size_t n);

struct experiment_world {
    uint64_t now_ns;
    bool ready;      // the board serves
    int arm;         // that it runs; -1: another variant, or none
    bool room;       // takes one more inference now
    bool storable;   // steps can be handed on
    uint32_t others; // requests of others on the board, and waiting for what it runs
    uint64_t served; // inferences of others on it, ever
    uint64_t ready_since_ns, swap_ns; // since when it serves, how long the latest swap took
    uint64_t generation;              // changes whenever the board was programmed or lost
};

enum experiment_action {
    EXPERIMENT_REST,  // until *wake_ns, or until the world changes
    EXPERIMENT_SWAP,  // to experiment_arm
    EXPERIMENT_INFER, // experiment_window
    EXPERIMENT_BURST, // of the plan's length, on experiment_window
    EXPERIMENT_OVER,  // no steps are left
};

struct experiment_answer {
    uint64_t latency_ns;
    uint32_t cycles;
    double error; // mean over the outputs, in the spec's unit
    bool shared;
};

// What a burst gave: energies of an inference, NaN with the reason where there is none.
struct experiment_joules {
    double joule, above_idle_joule;
    const char *reason; // "" where there are both
    struct experiment_energy of;
};

struct experiment_runner {
    const struct experiment_spec *spec; // borrowed
    struct design design;
    int *order; // owned: labelled windows in the order in which they are used
    int step;   // of the design
    bool begun, flying, swapping, warm, bursting; // bursting: what flies is the burst
    uint64_t generation;
    uint32_t window, warmed; // done in this step; thrown away since the swap
    uint64_t begin_ns, began_s_at_ns, wait_since_ns, served, served_at_swap;
    double base_s;                         // of running before began_s_at_ns
    double error, cycles;                  // sums
    uint64_t singles_end_ns;               // the last inference of the step was answered
    uint64_t burst_begin_ns, burst_end_ns; // of the latest one
    double latency[EXPERIMENT_STEP_WINDOWS];
    uint32_t shared;
    int lost; // steps, or inferences of a warm-up, in a row
};

// step: the first that is not stored; base_s: seconds of running so far. False without memory.
bool experiment_begin(struct experiment_runner *x, const struct experiment_spec *spec, int step,
                      double base_s, uint64_t now_ns);
void experiment_end(struct experiment_runner *x);

enum experiment_action experiment_next(struct experiment_runner *x,
                                       const struct experiment_world *w, uint64_t *wake_ns);
int experiment_arm(const struct experiment_runner *x);    // that the step is about
int experiment_window(const struct experiment_runner *x); // labelled window that comes next
double experiment_seconds(const struct experiment_runner *x, uint64_t now_ns);

// What became of the action that experiment_next gave. Those with out give true when the step is
// done, with *out. A burst that failed costs its step the energy alone.
void experiment_swapped(struct experiment_runner *x, const struct experiment_world *w);
bool experiment_answered(struct experiment_runner *x, uint64_t now_ns,
                         const struct experiment_answer *a, struct experiment_step *out);
bool experiment_burst_done(struct experiment_runner *x, uint64_t now_ns,
                           const struct experiment_joules *j, struct experiment_step *out);
bool experiment_unanswered(struct experiment_runner *x, uint64_t now_ns, const char *reason,
                           struct experiment_step *out);
// The board did not see the inference: it comes again.
void experiment_returned(struct experiment_runner *x);

#endif
