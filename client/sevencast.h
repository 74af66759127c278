// SPDX-License-Identifier: Apache-2.0
// libsevencast: forecasts from a sevencast daemon. Link with `pkg-config --cflags --libs
// sevencast`.
//
// A client is a connection to one daemon. Calls return SC_OK or a negative enum sc_code; the text
// of the latest failure is kept per client (sc_error_text). A call never lasts longer than its
// timeout_ms (1 to 600000; 0 takes the client's default) plus scheduling. On failure an
// out-pointer is set to NULL.
//
// Results are read-only, live independently of the client and are reference counted: each call that
// hands one out counts one reference for the caller, who gives it back with sc_free.
//
// The connection is made by the first call and made again by the first call after a loss, so a
// client outlives restarts of the daemon. Requests in flight when it is lost end with SC_LOST.
//
// Threads: a client belongs to one thread at a time; calls on the same client must not overlap.
// Different clients are independent. Results may be read, kept and freed from any thread. After
// fork(2) the child must not use, nor close, a client of its parent.
#ifndef SEVENCAST_H
#define SEVENCAST_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

// What went wrong, defined by what the caller can do.
enum sc_code {
    SC_OK = 0,
    // Found by this library.
    SC_ARGUMENT = -1,    // an argument is out of range: mend the call
    SC_UNREACHABLE = -2, // nobody answers at the endpoint: start the daemon, try again
    SC_TIMEOUT = -3,     // no answer in time, its effect unknown: try again with more time
    SC_LOST = -4,        // the daemon went away meanwhile, effect unknown: try again
    SC_PROTOCOL = -5,    // the answer makes no sense: versions do not fit
    SC_NO_MEMORY = -6,   // memory or file descriptors are short
    SC_PENDING = -7,     // not done yet (sc_collect): collect again
    SC_FULL = -8,        // too many requests in flight: collect some
    // Said by the daemon.
    SC_BAD_REQUEST = -20,   // sc_error_field names what is wrong: mend the request
    SC_UNKNOWN_MODEL = -21, // no variant, task or board of that name
    SC_NOT_READY = -22,     // known, but on no board now: load it, or wait
    SC_QUEUE_FULL = -23,    // retry later
    SC_DEADLINE = -24,      // not done in time: retry with more time
    SC_CANCELED = -25,      // cancelled, or the daemon stops
    SC_SWAP_FAILED = -26,   // the old variant still serves (sc_error_active), the text says why
    SC_DEVICE_LOST = -27,   // the board is unplugged: wait for its return
    SC_DEVICE_FAULT = -28,  // the board answers wrongly: see the daemon's log
    SC_STALE = -29,         // a swap took the variant away: retry
    SC_UNAUTHORISED = -30,  // the verb needs the control socket
    SC_INTERNAL = -31,      // a fault in the daemon: report it
    SC_EXPERIMENT_QUEUE_FULL = -32, // wait for an experiment to end, or cancel one
    SC_UNKNOWN_EXPERIMENT = -33,    // no experiment of that id: see sc_experiments
};

enum {
    SC_NAME_BYTES = 64, // with the final NUL
    SC_HASH_BYTES = 65, // lower-case hexadecimal, with the final NUL
    SC_TEXT_BYTES = 256,
    SC_RAILS = 4,
    SC_MAX_WINDOW = 64,
    SC_MAX_FEATURES = 32,
    SC_MAX_OUTPUTS = 24,
    SC_MAX_BOARDS = 16,
    SC_MAX_IN_FLIGHT = 256,
    SC_MAX_ARMS = 8,         // variants of an experiment
    SC_MAX_LABELLED = 65536, // windows of an experiment
    SC_MAX_VALUES = 262144,  // values of its windows and targets
    SC_STEP_COLUMNS = 9,
};

// Where figures come from. Only SC_ORIGIN_BOARD was measured on silicon.
enum sc_origin {
    SC_ORIGIN_BOARD = 0,   // an FPGA
    SC_ORIGIN_VIRTUAL = 1, // the same logic, simulated
    SC_ORIGIN_MODEL = 2,   // the integer model in C, no logic at all
};

struct sc_client;

struct sc_options {
    uint32_t timeout_ms;         // of a call that gives 0; 0: 5000, for sc_load 60000
    uint32_t connect_timeout_ms; // wait for a connection within a call; 0: 1000
    uint32_t max_in_flight;      // 1..SC_MAX_IN_FLIGHT; 0: 64
    const char *key;             // for sticky routes, at most 64 bytes, copied; NULL: none
};

// Opens a client. endpoint: a ZeroMQ address, "ipc:///path" or "tcp://host:port"; NULL takes
// sc_default_endpoint. options NULL: all defaults. Does not wait for the daemon. SC_ARGUMENT,
// SC_NO_MEMORY; then *client is NULL.
int sc_open(const char *endpoint, const struct sc_options *options, struct sc_client **client);

// Ends the connection and forgets requests in flight. NULL allowed.
void sc_close(struct sc_client *client);

// SEVENCAST_ENDPOINT where set; else ipc:///run/sevencast/control.sock where that socket exists or
// there is no XDG_RUNTIME_DIR; else ipc://$XDG_RUNTIME_DIR/sevencast/control.sock. Returns out.
const char *sc_default_endpoint(char *out, size_t capacity);

// The latest failure of this client, valid until its next call; "" where there was none. The field
// is what the daemon found at fault ("inputs[0].shape"); active is the variant that serves after
// SC_SWAP_FAILED.
const char *sc_error_text(const struct sc_client *client);
const char *sc_error_field(const struct sc_client *client);
const char *sc_error_active(const struct sc_client *client);

const char *sc_code_name(int code);   // "DEVICE_LOST"
const char *sc_code_advice(int code); // what the caller can do, one phrase
const char *sc_origin_name(enum sc_origin origin);
const char *sc_version(void);

// Counts one more reference on a result; returns it.
const void *sc_keep(const void *result);
// Gives a reference back; the last one frees. NULL allowed.
void sc_free(const void *result);

// Inference ---------------------------------------------------------------------------------------

// A burst: the window run again and again on the fabric, with nothing on the link in between. What
// an inference costs can be measured only so.
enum sc_burst_end {
    SC_BURST_DONE,     // all that was asked for
    SC_BURST_LIMIT,    // the daemon's longest burst
    SC_BURST_DEADLINE, // the timeout was near
    SC_BURST_YIELDED   // somebody else's was, or a swap came
};

struct sc_burst {
    uint32_t runs; // 0: it was no burst
    enum sc_burst_end end;
    uint64_t cycles, busy_cycles; // with and without the few clocks between two runs
    double seconds;               // cycles at clock_hz
};

// Energy of one inference, with its uncertainty at 95 %. total: all that is drawn while it
// computes; above_idle: what it draws more than the same board does at rest.
struct sc_joule {
    double value, uncertainty;
};

struct sc_energy_rail {
    char name[SC_NAME_BYTES], reason[SC_TEXT_BYTES]; // reason: why it has no values, "" when not
    double watt, uncertainty_watt;                   // while it computes
    uint32_t count;                                  // samples
    struct sc_joule total, above_idle;
};

struct sc_energy {
    char reason[SC_TEXT_BYTES]; // why there are no sums; "" when there are
    enum sc_origin origin;
    double window_s;
    char of[SC_NAME_BYTES]; // the rail that the sums are of, as it contains the others; "": all
    int has_idle;           // above_idle has a meaning
    struct sc_joule total, above_idle;
    uint32_t rails; // 0: not measured
    struct sc_energy_rail rail[SC_RAILS];
};

struct sc_forecast {
    char model[SC_NAME_BYTES]; // as asked: a variant or a task
    char variant[SC_NAME_BYTES], task[SC_NAME_BYTES], board[SC_NAME_BYTES];
    char hash[SC_HASH_BYTES]; // of the variant that computed it
    enum sc_origin origin;
    uint32_t fpga_cycles, clock_hz;
    uint64_t fpga_ns;   // fpga_cycles at clock_hz; not wall time where the fabric is simulated
    uint32_t saturated; // values of the window outside the variant's input range
    struct {            // wall time inside the daemon
        uint64_t queue, usb_in, fpga, usb_out, host;
    } stages_ns;
    uint64_t round_trip_ns; // wall time from submission to the answer's arrival in this process
    uint32_t outputs;
    double values[SC_MAX_OUTPUTS]; // physical units
    int16_t codes[SC_MAX_OUTPUTS]; // the integers as the fabric gave them
    struct sc_burst burst;
    struct sc_energy energy; // of a burst; otherwise the reason why there is none
};

// Forecasts from one window: steps x features physical values, row-major, oldest step first. model
// is a variant ("demand-w8") or a task ("demand": whatever variant of it is on a board).
int sc_infer(struct sc_client *client, const char *model, const double *window, size_t steps,
             size_t features, uint32_t timeout_ms, const struct sc_forecast **out);

// The same in two halves, so that several requests are in flight. sc_submit sends and returns a
// ticket (never 0); the window is copied. SC_FULL when max_in_flight tickets are out.
int sc_submit(struct sc_client *client, const char *model, const double *window, size_t steps,
              size_t features, uint32_t timeout_ms, uint64_t *ticket);

// sc_submit of a burst: repeat runs (up to 10^9; 0: any number), as far as they are done in seconds
// (of the board's time, up to 600; 0: any time); one of them is not 0. timeout_ms 0 takes the
// client's default and seconds on top. A burst ends before its timeout with what it has done.
int sc_submit_burst(struct sc_client *client, const char *model, const double *window, size_t steps,
                    size_t features, uint32_t repeat, double seconds, uint32_t timeout_ms,
                    uint64_t *ticket);
const char *sc_burst_end_name(enum sc_burst_end end); // "done", "limit", "deadline", "yielded"

// Waits for *ticket, or with *ticket 0 for any, which it then names. wait_ms: how long at most,
// negative: until the request's own timeout ends it. SC_PENDING: nothing yet, the ticket stays
// valid. Any other code is the request's own and ends the ticket. SC_ARGUMENT: no such ticket.
int sc_collect(struct sc_client *client, uint64_t *ticket, int32_t wait_ms,
               const struct sc_forecast **out);

// Ends a ticket: tells the daemon not to compute it, does not wait, drops any answer.
int sc_cancel(struct sc_client *client, uint64_t ticket);

// What runs, and where ----------------------------------------------------------------------------

struct sc_names {
    uint32_t count;
    char name[SC_MAX_BOARDS][SC_NAME_BYTES];
};

// Mean power of a rail over a window; reason: why there is none, "" where there is.
struct sc_rail {
    char name[SC_NAME_BYTES], reason[SC_TEXT_BYTES];
    double watt, uncertainty_watt; // 95 %
    uint32_t count;                // samples
};

// The latest window of a board's power monitor; rails 0: none, reason says why.
struct sc_power {
    char reason[SC_TEXT_BYTES];
    enum sc_origin origin;
    double window_s;
    uint32_t rails;
    struct sc_rail rail[SC_RAILS];
};

struct sc_board {
    char name[SC_NAME_BYTES], serial[SC_NAME_BYTES], part[SC_NAME_BYTES];
    char state[16];                                   // ABSENT, IDLE, PROGRAMMING, READY or FAULT
    char variant[SC_NAME_BYTES], hash[SC_HASH_BYTES]; // "" where none
    enum sc_origin origin;
    uint32_t clock_hz, queue; // queue: requests that wait
    uint64_t inferences, swaps, restarts;
    char reason[SC_TEXT_BYTES]; // of a state that is not READY, "" where none
    struct sc_power power;
};

struct sc_status {
    char version[SC_NAME_BYTES]; // of the daemon
    int ready;                   // at least one board serves
    uint32_t count;
    struct sc_board boards[];
};

struct sc_variant {
    char name[SC_NAME_BYTES], task[SC_NAME_BYTES], hash[SC_HASH_BYTES];
    char state[16];             // READY (on a board), AVAILABLE or UNAVAILABLE
    char reason[SC_TEXT_BYTES]; // of UNAVAILABLE
    struct sc_names boards;     // that serve it
};

struct sc_variants {
    uint32_t count;
    struct sc_variant variants[];
};

struct sc_column {
    char name[SC_NAME_BYTES], unit[SC_NAME_BYTES]; // unit "" where not known
    double offset, scale;                          // the model works on (value - offset) / scale
};

struct sc_metadata {
    char name[SC_NAME_BYTES], task[SC_NAME_BYTES], hash[SC_HASH_BYTES];
    uint32_t window, features, outputs; // a window is window x features values
    struct sc_column feature[SC_MAX_FEATURES], target[SC_MAX_OUTPUTS];
    double x_scale, y_scale; // one code of x and of y in scaled units
    uint32_t x_bits, y_bits;
};

struct sc_count {
    uint64_t count, ns; // ns: sum over count
};

struct sc_model_statistics {
    char name[SC_NAME_BYTES], hash[SC_HASH_BYTES];
    struct sc_count success, fail, queue, compute_input, compute_infer, compute_output;
    uint64_t saturated_values;
};

struct sc_statistics {
    uint32_t count;
    struct sc_model_statistics models[];
};

struct sc_swap {
    char board[SC_NAME_BYTES], variant[SC_NAME_BYTES], hash[SC_HASH_BYTES];
    double drain_s, program_s, verify_s, total_s;
};

// Whether the daemon answers; *round_trip_ns may be NULL.
int sc_ping(struct sc_client *client, uint32_t timeout_ms, uint64_t *round_trip_ns);

int sc_status(struct sc_client *client, uint32_t timeout_ms, const struct sc_status **out);
int sc_variants(struct sc_client *client, uint32_t timeout_ms, const struct sc_variants **out);

// Shape, columns and scaling of a variant, or of a task as it is served now.
int sc_metadata(struct sc_client *client, const char *model, uint32_t timeout_ms,
                const struct sc_metadata **out);

// Counters since the daemon's start; model NULL: all variants.
int sc_statistics(struct sc_client *client, const char *model, uint32_t timeout_ms,
                  const struct sc_statistics **out);

// Swaps: puts a variant on a board (NULL: the daemon chooses). Requests of the task wait meanwhile.
int sc_load(struct sc_client *client, const char *variant, const char *board, uint32_t timeout_ms,
            const struct sc_swap **out);

// Ends serving of a variant, or of a board; one of them may be NULL. out: the boards that stopped.
int sc_unload(struct sc_client *client, const char *variant, const char *board, uint32_t timeout_ms,
              const struct sc_names **out);

// The log of a board's power monitor --------------------------------------------------------------

struct sc_power_row {
    uint64_t seq;          // one higher each; a larger step: windows were lost
    double begin_s, end_s; // the daemon's monotonic clock
    struct sc_power power;
};

struct sc_power_log {
    char board[SC_NAME_BYTES];
    double now_s;       // when the daemon answered, on the windows' clock
    uint32_t paused_ms; // how long it will not be read; 0: it is read
    uint32_t count;
    struct sc_power_row rows[];
};

// Windows with a number above after, oldest first, some at a time. pause_ms: the monitor is not
// read for so long (at most 60000), 0: it is read again, negative: as it is.
int sc_power_log(struct sc_client *client, const char *board, uint64_t after, int32_t pause_ms,
                 uint32_t timeout_ms, const struct sc_power_log **out);

// Routes ------------------------------------------------------------------------------------------
// A route's name is asked for like a model's; docs/routes.md.

struct sc_route_arm {
    char variant[SC_NAME_BYTES];
    uint32_t weight, waiting;      // waiting: requests that were given to it and are on no board
    struct sc_count success, fail; // since the daemon's start
    // Of bursts: answered, with an energy, inferences in those, joules of all those inferences with
    // their uncertainty (95 %), origin and rail ("": all). no_energy: why energy_count is 0.
    uint64_t bursts, energy_count, energy_runs;
    double joule, uncertainty_joule;
    char energy_origin[16], energy_of[SC_NAME_BYTES];
    char no_energy[SC_TEXT_BYTES];
};

struct sc_route {
    char name[SC_NAME_BYTES];
    int sticky, swap; // by key; may swap a board
    uint32_t dwell_ms;
    uint64_t swaps;
    uint32_t arms;
    struct sc_route_arm arm[SC_MAX_ARMS];
    char mirror[SC_NAME_BYTES];      // "": none
    struct sc_count mirrored;        // answers that the mirror computed again
    uint64_t skipped, different;     // not computed again; not equal
    char skip_reason[SC_TEXT_BYTES]; // of the latest that was not computed; "": none
    uint32_t mirror_waiting;         // answers that wait for a board to be swapped for the mirror
    uint64_t mirror_swaps;           // boards that were
    double mean_difference, max_difference; // absolute, over all outputs, physical values
};

struct sc_routes {
    uint32_t count;
    struct sc_route routes[];
};

int sc_routes(struct sc_client *client, uint32_t timeout_ms, const struct sc_routes **out);

// Experiments -------------------------------------------------------------------------------------
// Run in the daemon: a client may close, and another one ask for the result. docs/experiments.md
// says how they run, docs/measuring.md what the words mean.

enum sc_metric {
    SC_METRIC_ERROR,
    SC_METRIC_CYCLES,
    SC_METRIC_LATENCY,
    SC_METRIC_ENERGY,
    SC_METRIC_ABOVE_IDLE, // of the energy
    SC_METRICS
};

struct sc_plan {
    char name[SC_NAME_BYTES];  // a label for people, "" for none
    char board[SC_NAME_BYTES]; // "": the daemon chooses
    uint32_t variants;         // 2..SC_MAX_ARMS; the first is the reference of the others
    char variant[SC_MAX_ARMS][SC_NAME_BYTES];
    int random_pairs;       // instead of ABBA blocks
    uint32_t blocks;        // budget, 6..1000
    uint32_t budget_s;      // of running; 0: none
    uint32_t first;         // blocks before the first look, 6..blocks
    uint32_t step_windows;  // inferences of a measurement, 1..1024
    uint32_t warmup;        // inferences thrown away after each swap, 0..1024
    uint64_t seed;          // of the orders, below 2^63
    double confidence;      // 0.5..0.9999
    double margin_pct;      // of equivalence: cycles, latency, energy; 0: none
    double error_margin;    // of equivalence: error, in its unit; 0: none
    int metric[SC_METRICS]; // which ones
    // Of the burst that ends each measurement, for its energy, in the board's time: 0.1..600; 0:
    // none; below: the daemon chooses.
    double burst_s;
};

// Labelled windows: data[windows][steps][features], targets[windows][outputs], all finite.
struct sc_labelled {
    uint32_t windows, steps, features, outputs;
    const double *data, *targets;
};

struct sc_experiment {
    char id[SC_NAME_BYTES], name[SC_NAME_BYTES], board[SC_NAME_BYTES];
    char state[16];             // RECEIVING, QUEUED, RUNNING, DONE, CANCELED or FAILED
    char reason[SC_TEXT_BYTES]; // of FAILED, or what it waits for; "" for none
    uint32_t variants;
    char variant[SC_MAX_ARMS][SC_NAME_BYTES];
    uint32_t received, windows;     // labelled windows that are there, and that are due
    uint32_t blocks, budget_blocks; // complete ones
    uint32_t steps;                 // measurements
    uint32_t decided, comparisons;  // comparisons that need no more blocks
    double seconds;                 // of running
};

struct sc_experiments {
    uint32_t count;
    struct sc_experiment experiments[]; // newest first
};

struct sc_experiment_result {
    struct sc_experiment experiment;
    const char *report; // JSON, PROTOCOL.md 2.4; lives as long as this struct
    uint32_t steps;
    // Of each measurement: index of the variant, block (-1: thrown away), begin and duration in
    // seconds of running, error, cycles, latency in ns, energy and energy above idle in J; NaN
    // where there is none.
    double step[][SC_STEP_COLUMNS];
};

void sc_plan_defaults(struct sc_plan *plan); // all but the variants

// Sends plan and windows; the experiment is queued when this returns SC_OK.
int sc_experiment_start(struct sc_client *client, const struct sc_plan *plan,
                        const struct sc_labelled *labelled, uint32_t timeout_ms,
                        const struct sc_experiment **out);
int sc_experiment_status(struct sc_client *client, const char *id, uint32_t timeout_ms,
                         const struct sc_experiment **out);
int sc_experiments(struct sc_client *client, uint32_t timeout_ms,
                   const struct sc_experiments **out);
int sc_experiment_cancel(struct sc_client *client, const char *id, uint32_t timeout_ms,
                         const struct sc_experiment **out);
// What there is so far, or in the end. SC_NOT_READY: nothing was measured.
int sc_experiment_result(struct sc_client *client, const char *id, uint32_t timeout_ms,
                         const struct sc_experiment_result **out);

#ifdef __cplusplus
}
#endif

#endif
