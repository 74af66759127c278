// SPDX-License-Identifier: Apache-2.0
// Service messages between client and daemon (PROTOCOL.md section 2): decode and encode headers and
// tensors; no I/O, no sockets, no locks, no global state.
//
// The daemon calls service_request_decode and service_reply_encode, a client the other two.
// Encoders write into the caller's buffer and keep nothing; decoders copy all but tensors, which
// they borrow. Everything from outside is checked against the limits below before it is used.
#ifndef SEVENCAST_PROTOCOL_SERVICE_H
#define SEVENCAST_PROTOCOL_SERVICE_H

#include <jansson.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    SERVICE_PROTOCOL = 1,
    SERVICE_HEADER_MAX = 65536, // bytes of a header
    SERVICE_DEPTH_MAX = 16,     // nesting of a header's JSON
    SERVICE_ID_MAX = 64,
    SERVICE_NAME_MAX = 63, // variants, tasks, boards
    SERVICE_HASH_HEX = 64,
    SERVICE_TEXT_MAX = 255, // messages and reasons
    SERVICE_WINDOW_MAX = 64,
    SERVICE_FEATURES_MAX = 32,
    SERVICE_OUTPUTS_MAX = 24,
    SERVICE_BOARDS_MAX = 16,
    SERVICE_RAILS_MAX = 4,        // of a board's power monitor
    SERVICE_POWER_ROWS_MAX = 32,  // windows in one reply to power
    SERVICE_PAUSE_MAX_MS = 60000, // of a power monitor
    SERVICE_ROWS_MAX = 512,       // models or boards in one reply
    SERVICE_TENSOR_MAX = SERVICE_WINDOW_MAX * SERVICE_FEATURES_MAX * 8,
    SERVICE_FRAMES_MAX = 3, // header and tensors, without the empty delimiter
    SERVICE_DEADLINE_MAX_MS = 600000,
    SERVICE_DEADLINE_MS = 5000,
    SERVICE_DEADLINE_LOAD_MS = 60000,
    SERVICE_REPEAT_MAX = 1000000000,
    SERVICE_BURST_MAX_S = 600,
    SERVICE_ARMS_MAX = 8,         // variants of an experiment
    SERVICE_EXPERIMENTS_MAX = 40, // rows of ab_list
    SERVICE_LABELLED_MAX = 65536, // windows of an experiment
    SERVICE_STEPS_MAX = 20000,    // of an experiment
    SERVICE_STEP_COLUMNS = 9,     // of the steps that come with ab_result
    // the largest frame of a reply; of a request it is the header
    SERVICE_REPLY_FRAME_MAX = SERVICE_STEPS_MAX * SERVICE_STEP_COLUMNS * 8,
};

#define SERVICE_PLAN_BURST_MIN_S 0.1 // shorter bursts have no energy

enum service_verb {
    SERVICE_NO_VERB = 0, // the request's verb could not be read
    SERVICE_SERVER_LIVE,
    SERVICE_SERVER_READY,
    SERVICE_SERVER_METADATA,
    SERVICE_MODEL_READY,
    SERVICE_MODEL_METADATA,
    SERVICE_MODEL_STATISTICS,
    SERVICE_INFER,
    SERVICE_REPOSITORY_INDEX,
    SERVICE_LOAD,
    SERVICE_UNLOAD,
    SERVICE_BOARDS,
    SERVICE_CANCEL,
    SERVICE_AB_START,
    SERVICE_AB_DATA,
    SERVICE_AB_STATUS,
    SERVICE_AB_LIST,
    SERVICE_AB_RESULT,
    SERVICE_AB_CANCEL,
    SERVICE_ROUTES,
    SERVICE_POWER,
    SERVICE_VERBS
};

// What went wrong; the comment is what the caller can do.
enum service_code {
    SERVICE_OK = 0,
    SERVICE_BAD_REQUEST,           // mend the request: field names what is wrong
    SERVICE_UNKNOWN_MODEL,         // see repository_index, boards
    SERVICE_NOT_READY,             // load it, or wait
    SERVICE_QUEUE_FULL,            // retry later
    SERVICE_DEADLINE,              // retry with more time
    SERVICE_CANCELED,              // nothing: someone wanted it so
    SERVICE_SWAP_FAILED,           // look at the message; active still serves
    SERVICE_DEVICE_LOST,           // wait for the board's return
    SERVICE_DEVICE_FAULT,          // see the daemon's log
    SERVICE_STALE,                 // retry: the variant asked for is gone
    SERVICE_UNAUTHORISED,          // use the control socket
    SERVICE_INTERNAL,              // report it
    SERVICE_EXPERIMENT_QUEUE_FULL, // wait for an experiment to end, or cancel one
    SERVICE_UNKNOWN_EXPERIMENT,    // see ab_list
    SERVICE_CODES
};

enum service_datatype { SERVICE_FP32, SERVICE_FP64, SERVICE_INT16 };
enum service_origin { SERVICE_BOARD, SERVICE_VIRTUAL, SERVICE_MODEL };
enum service_model_state { SERVICE_READY, SERVICE_AVAILABLE, SERVICE_UNAVAILABLE };
enum service_board_state {
    SERVICE_BOARD_ABSENT,
    SERVICE_BOARD_IDLE,
    SERVICE_BOARD_PROGRAMMING,
    SERVICE_BOARD_READY,
    SERVICE_BOARD_FAULT
};

enum service_metric {
    SERVICE_METRIC_ERROR,   // of the forecasts against the targets
    SERVICE_METRIC_CYCLES,  // of the fabric
    SERVICE_METRIC_LATENCY, // of the host: request written to answer read
    SERVICE_METRIC_ENERGY,  // of an inference
    SERVICE_METRIC_ABOVE,   // of it, above that of a board at rest
    SERVICE_METRICS
};

// Why a burst ended.
enum service_burst_end {
    SERVICE_BURST_DONE,     // all that was asked for
    SERVICE_BURST_LIMIT,    // the daemon's longest burst
    SERVICE_BURST_DEADLINE, // the request's own was near
    SERVICE_BURST_YIELDED,  // somebody else's was
    SERVICE_BURST_ENDS
};

enum service_design { SERVICE_ABBA, SERVICE_RANDOM_PAIRS };

enum service_experiment_state {
    SERVICE_EXPERIMENT_RECEIVING, // windows are to come
    SERVICE_EXPERIMENT_QUEUED,
    SERVICE_EXPERIMENT_RUNNING,
    SERVICE_EXPERIMENT_DONE,
    SERVICE_EXPERIMENT_CANCELED,
    SERVICE_EXPERIMENT_FAILED,
    SERVICE_EXPERIMENT_STATES
};

// Names as on the wire, "?" for a value outside the enum. The _from functions give false for a name
// that is none.
const char *service_verb_name(enum service_verb v);
bool service_verb_from(const char *name, enum service_verb *out);
const char *service_code_name(enum service_code c);
bool service_code_from(const char *name, enum service_code *out);
const char *service_code_advice(enum service_code c); // what the caller can do, one phrase
const char *service_datatype_name(enum service_datatype t);
size_t service_datatype_bytes(enum service_datatype t);
const char *service_origin_name(enum service_origin o);
const char *service_model_state_name(enum service_model_state s);
const char *service_board_state_name(enum service_board_state s);
const char *service_experiment_state_name(enum service_experiment_state s);
const char *service_burst_end_name(enum service_burst_end end);
const char *service_metric_name(enum service_metric m);
const char *service_design_name(enum service_design d);

// Whether the verb changes what boards do and needs the control role.
bool service_verb_is_control(enum service_verb v);

// One ZeroMQ frame, borrowed.
struct service_frame {
    const void *data;
    size_t n;
};

struct service_error {
    enum service_code code; // SERVICE_OK: no error, the rest is empty
    char message[SERVICE_TEXT_MAX + 1];
    char field[96];                    // path of what is wrong, "" where nothing is
    char active[SERVICE_NAME_MAX + 1]; // SWAP_FAILED: variant that serves now, "" for none
};

// Fills e. field may be NULL. Returns code.
enum service_code service_error_set(struct service_error *e, enum service_code code,
                                    const char *field, const char *format, ...)
    __attribute__((format(printf, 4, 5)));
enum service_code service_error_vset(struct service_error *e, enum service_code code,
                                     const char *field, const char *format, va_list args)
    __attribute__((format(printf, 4, 0)));

// The window of an infer request.
struct service_window {
    enum service_datatype datatype; // SERVICE_FP32 or SERVICE_FP64
    uint16_t rows, columns;         // n, m; 1..64, 1..32
    const void *data;               // borrowed from the frame, little-endian, maybe unaligned
};

// What an experiment is to do. Ranges: PROTOCOL.md 2.4.
struct service_plan {
    char name[SERVICE_NAME_MAX + 1]; // the caller's label, "" for none
    uint16_t arms;                   // variants; the first is the reference
    char arm[SERVICE_ARMS_MAX][SERVICE_NAME_MAX + 1];
    enum service_design design;
    uint32_t blocks;       // budget
    uint32_t budget_s;     // of running; 0: none
    uint32_t first;        // blocks before the first look
    uint32_t step_windows; // inferences of one measurement
    uint32_t warmup;       // inferences thrown away after each swap
    uint32_t windows;      // labelled windows in all
    uint64_t seed;
    double confidence;   // of the intervals, e.g. 0.95
    double margin_pct;   // of equivalence, relative metrics; 0: none
    double error_margin; // of equivalence, in the error's unit; 0: none
    // Of the burst that ends a measurement, for its energy, in the board's time. 0: none, below:
    // the daemon chooses.
    double burst_s;
    bool metric[SERVICE_METRICS];
};

// A piece of an experiment's labelled windows.
struct service_labelled {
    uint32_t windows;                // in this piece
    uint16_t rows, columns, outputs; // of a window; of its target
    const void *data, *targets; // borrowed from the frames, FP64 little-endian, maybe unaligned
};

struct service_request {
    enum service_verb verb;
    char id[SERVICE_ID_MAX + 1];           // "": none
    char model_name[SERVICE_NAME_MAX + 1]; // "": none
    uint32_t deadline_ms;                  // never 0 after decoding
    char board[SERVICE_NAME_MAX + 1];      // load, unload; "": any; power
    char request_id[SERVICE_ID_MAX + 1];   // cancel
    struct service_window window;          // infer
    // infer: a burst of so many runs, of so many seconds, or what ends first; both 0: none
    uint32_t repeat;
    double burst_s;
    char key[SERVICE_ID_MAX + 1];          // infer: of the client, for sticky routes; "": none
    char experiment[SERVICE_NAME_MAX + 1]; // ab_data, ab_status, ab_result, ab_cancel
    uint32_t offset;                       // ab_data: windows that came before
    uint64_t after;                        // power: windows with a higher number
    bool pauses;                           // power: pause_ms is there
    uint32_t pause_ms;                     // power: not read for so long; 0: goes on
    struct service_plan plan;              // ab_start
    struct service_labelled labelled;      // ab_start, ab_data
};

// Decodes header frame and tensors (count frames, the empty delimiter taken off). SERVICE_OK, or
// BAD_REQUEST with *error filled. Also on failure out->verb and out->id hold what could be read,
// for the reply. The window's values are finite when it succeeds.
enum service_code service_request_decode(const struct service_frame *frames, size_t count,
                                         struct service_request *out, struct service_error *error);

// Writes the header of a request, not terminated; returns its length, 0 when it does not fit or r
// is not valid. deadline_ms 0 leaves the default to the daemon. The tensor is the caller's to pack.
size_t service_request_encode(const struct service_request *r, char *out, size_t capacity);

struct service_column {
    char name[SERVICE_NAME_MAX + 1];
    char unit[SERVICE_NAME_MAX + 1]; // "" where not known
    double offset, scale;
};

struct service_metadata {
    char name[SERVICE_NAME_MAX + 1], task[SERVICE_NAME_MAX + 1];
    char version[SERVICE_HASH_HEX + 1];
    uint16_t window, features, outputs;
    struct service_column feature[SERVICE_FEATURES_MAX], target[SERVICE_OUTPUTS_MAX];
    double x_scale, y_scale; // one code of x or y, in scaled units
    uint8_t x_bits, y_bits;
    json_t *details; // object merged into "parameters" ("shape", "bits", "metrics"...), or NULL
};

struct service_count {
    uint64_t count, ns;
};

struct service_model_stats {
    char name[SERVICE_NAME_MAX + 1], version[SERVICE_HASH_HEX + 1];
    struct service_count success, fail, queue, compute_input, compute_infer, compute_output;
    uint64_t saturated_values;
};

// Mean power of a rail over a window, or the reason why there is none.
struct service_rail {
    char name[SERVICE_NAME_MAX + 1], reason[SERVICE_TEXT_MAX + 1]; // reason: "" where there is
    double watt, uncertainty_watt;                                 // 95 %
    uint32_t count;                                                // samples
};

// One window of a board's power monitor. rails 0: none, reason says why.
struct service_power {
    char reason[SERVICE_TEXT_MAX + 1];
    enum service_origin origin;
    double window_s;
    uint16_t rails;
    struct service_rail rail[SERVICE_RAILS_MAX];
};

// A window in the log of a board's power monitor. Times: the daemon's CLOCK_MONOTONIC.
struct service_power_row {
    uint64_t seq; // from 1, one higher each
    double begin_s, end_s;
    struct service_power power;
};

struct service_power_log {
    char board[SERVICE_NAME_MAX + 1];
    double now_s;       // when the reply was written, on the windows' clock
    uint32_t paused_ms; // how long it will not be read; 0: it is read
    struct service_power_row *rows;
    size_t n;
};

// What a burst did; runs 0: there was none.
struct service_burst {
    uint32_t runs;
    enum service_burst_end end;
    uint64_t cycles;      // from the first start to the last end, without pauses of the link
    uint64_t busy_cycles; // of the runs alone
    double seconds;       // cycles at the board's clock
};

struct service_joule {
    double value, uncertainty; // 95 %
};

// Of one inference of a burst, on one rail, or the reason why there is none.
struct service_energy_rail {
    char name[SERVICE_NAME_MAX + 1], reason[SERVICE_TEXT_MAX + 1];
    double watt, uncertainty_watt; // while it computes
    uint32_t count;                // samples in the window
    struct service_joule total, above_idle;
};

// Energy of one inference. rails 0: not measured.
struct service_energy {
    char reason[SERVICE_TEXT_MAX + 1]; // why there are no sums; "" where there are
    enum service_origin origin;
    double window_s;               // board time from one reading of the monitor to the other
    char of[SERVICE_NAME_MAX + 1]; // the rail that total and above_idle are of; "": all of them
    bool has_idle;                 // above_idle has a meaning
    struct service_joule total, above_idle;
    uint16_t rails;
    struct service_energy_rail rail[SERVICE_RAILS_MAX];
};

struct service_inference {
    char model_name[SERVICE_NAME_MAX + 1]; // as asked: variant or task
    char variant[SERVICE_NAME_MAX + 1], task[SERVICE_NAME_MAX + 1], board[SERVICE_NAME_MAX + 1];
    char version[SERVICE_HASH_HEX + 1];
    enum service_origin origin;
    uint32_t fpga_cycles, clock_hz;
    uint64_t fpga_ns;
    uint32_t saturated; // values of the window outside the input range
    struct {
        uint64_t queue, usb_in, fpga, usb_out, host;
    } stages_ns;
    struct service_burst burst;
    // energy.reason: why it has no energy of its own
    struct service_energy energy;
    struct service_power idle; // the board's latest window without work; rails 0: none
    uint16_t outputs;
    double values[SERVICE_OUTPUTS_MAX];
    int16_t codes[SERVICE_OUTPUTS_MAX];
};

struct service_names {
    uint16_t n;
    char name[SERVICE_BOARDS_MAX][SERVICE_NAME_MAX + 1];
};

struct service_model_row {
    char name[SERVICE_NAME_MAX + 1], task[SERVICE_NAME_MAX + 1], version[SERVICE_HASH_HEX + 1];
    enum service_model_state state;
    char reason[SERVICE_TEXT_MAX + 1]; // "" where none
    struct service_names boards;       // that have it now
};

struct service_board_row {
    char name[SERVICE_NAME_MAX + 1], serial[SERVICE_NAME_MAX + 1], part[SERVICE_NAME_MAX + 1];
    enum service_board_state state;
    char variant[SERVICE_NAME_MAX + 1], version[SERVICE_HASH_HEX + 1]; // "" where none
    enum service_origin origin;
    uint32_t clock_hz, queue;
    uint64_t inferences, swaps, restarts;
    char reason[SERVICE_TEXT_MAX + 1];
    struct service_power power; // the latest window
};

struct service_load {
    char board[SERVICE_NAME_MAX + 1], model_name[SERVICE_NAME_MAX + 1];
    char version[SERVICE_HASH_HEX + 1];
    struct {
        double drain, program, verify, total;
    } seconds;
};

struct service_experiment {
    char id[SERVICE_NAME_MAX + 1], name[SERVICE_NAME_MAX + 1], board[SERVICE_NAME_MAX + 1];
    enum service_experiment_state state;
    char reason[SERVICE_TEXT_MAX + 1]; // of FAILED, or what RUNNING waits for; "" for none
    uint16_t arms;
    char arm[SERVICE_ARMS_MAX][SERVICE_NAME_MAX + 1];
    uint32_t received, windows;     // labelled windows that are here, and that are due
    uint32_t blocks, budget_blocks; // complete ones
    uint32_t steps;                 // measurements that are stored
    uint32_t decided, comparisons;  // that need no more blocks; in all
    double seconds;                 // of running
};

// ab_result: the report, a JSON object (PROTOCOL.md 2.4), and the steps as a table of
// [steps][SERVICE_STEP_COLUMNS] numbers, NaN where one is missing.
struct service_experiment_result {
    struct service_experiment row;
    json_t *report;
    double *steps;
    size_t n; // steps
};

// Energy of what a route was answered by bursts: of the answers that had an energy, all of one
// origin and rail.
struct service_route_energy {
    char reason[SERVICE_TEXT_MAX + 1]; // why count is 0
    uint64_t bursts, count, runs;      // answered; of them with energy; inferences in those
    double joule, uncertainty;         // of all those runs; 95 %
    enum service_origin origin;
    char of[SERVICE_NAME_MAX + 1]; // rail; "": all of them
};

struct service_route_arm {
    char variant[SERVICE_NAME_MAX + 1];
    uint32_t weight, waiting; // waiting: requests that were given to it and are not on a board
    struct service_count success, fail;
    struct service_route_energy energy;
};

struct service_route {
    char name[SERVICE_NAME_MAX + 1];
    bool sticky, swap;
    uint32_t dwell_ms;
    uint64_t swaps; // that it asked for
    uint16_t arms;
    struct service_route_arm arm[SERVICE_ARMS_MAX];
    char mirror[SERVICE_NAME_MAX + 1];      // "": none
    struct service_count mirrored;          // shadow answers that were compared
    uint64_t skipped, different;            // not computed; not equal to the answer
    char skip_reason[SERVICE_TEXT_MAX + 1]; // of the latest that was not computed; "": none
    uint32_t mirror_waiting;                // answers that wait for a board to be swapped for it
    uint64_t mirror_swaps;                  // boards that were
    double mean_difference, max_difference; // absolute, over all outputs, physical values
};

struct service_reply {
    enum service_verb verb;
    char id[SERVICE_ID_MAX + 1];
    struct service_error error; // code SERVICE_OK: the union's member for verb is the result
    union {
        bool flag;         // server_live, server_ready, model_ready
        uint32_t canceled; // cancel
        struct service_load load;
        struct service_names unload; // boards that stopped serving
        struct service_inference infer;
        struct service_metadata metadata;
        struct {
            char version[SERVICE_NAME_MAX + 1];
        } server;
        struct {
            struct service_model_row *rows;
            size_t n;
        } index;
        struct {
            struct service_board_row *rows;
            size_t n;
        } boards;
        struct {
            struct service_model_stats *rows;
            size_t n;
        } statistics;
        struct service_power_log power;       // power
        struct service_experiment experiment; // ab_start, ab_data, ab_status, ab_cancel
        struct {
            struct service_experiment *rows;
            size_t n;
        } experiments;                           // ab_list
        struct service_experiment_result result; // ab_result
        struct {
            struct service_route *rows;
            size_t n;
        } routes;
    } u;
};

// Starts a reply to request: verb, id and nothing else.
void service_reply_init(struct service_reply *reply, const struct service_request *request);

// Writes a reply's header, not terminated; returns its length, 0 when it does not fit. rows and
// details are borrowed. Text that is not UTF-8 is sent with '?' in its place. Two tensor frames
// follow an inference: service_pack_fp64(values) and service_pack_int16(codes); one follows
// ab_result: service_pack_fp64(steps).
size_t service_reply_encode(const struct service_reply *reply, char *out, size_t capacity);

// Decodes a reply, also an error reply. True when it is well-formed; then service_reply_fini frees
// what it owns (rows, details, report, steps). False otherwise, why says so, nothing is owned.
bool service_reply_decode(const struct service_frame *frames, size_t count,
                          struct service_reply *out, struct service_error *why);
void service_reply_fini(struct service_reply *reply);

// n elements to or from little-endian bytes of any alignment. FP32 rounds to nearest.
void service_pack_fp32(const double *in, size_t n, void *out);
void service_pack_fp64(const double *in, size_t n, void *out);
void service_pack_int16(const int16_t *in, size_t n, void *out);
void service_unpack_fp32(const void *in, size_t n, double *out);
void service_unpack_fp64(const void *in, size_t n, double *out);
void service_unpack_int16(const void *in, size_t n, int16_t *out);

// All rows * columns values of a window as doubles.
void service_window_values(const struct service_window *w, double *out);

#endif
