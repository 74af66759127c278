// SPDX-License-Identifier: Apache-2.0
// sevencast power: a measuring session. What its parts share.
//   power.c          the command: plan from the options, start and end
//   power_session.c  the session: swaps, idle, windows, perturbation, in their order
//   power_source.c   what it asks of a daemon; a test has a source of its own
//   power_stat.c     medians, intervals, drift, perturbation
//   power_files.c    samples.csv and session.json, written as it goes
//   power_show.c     lines and live view while it runs, the table at the end
//   power_html.c     the page
// Times are seconds on the daemon's monotonic clock since the session's start.
#ifndef SEVENCAST_CLIENT_POWER_H
#define SEVENCAST_CLIENT_POWER_H

#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "client/cli/cli.h"
#include "measure/sample.h"

enum {
    POWER_MAX_WINDOWS = 500,
    POWER_MAX_BLOCKS = 100, // of the perturbation
    POWER_RESAMPLES = 9999,
    POWER_TARGET_FIRST = 10, // windows before the first look with --target-ci
};

struct power_plan {
    int variants;
    char variant[SC_MAX_ARMS][SC_NAME_BYTES];
    int windows;            // of each variant; with a target the fewest
    int most;               // windows of each variant, flagged ones too
    int warmup;             // windows thrown away after each swap
    double seconds, idle_s; // of a window; of idling before and after
    double target_share;    // of the median; 0: none
    double confidence;
    int blocks; // of the perturbation, each off on on off or the reverse; 0: not measured
    uint64_t seed;
    char data[SC_TEXT_BYTES]; // file of the window that is computed, "" for a made-up one
};

// One window: a burst of inferences back to back. flag: why it does not count; "" when it does.
struct power_window {
    int variant, index; // index: -1 during warm-up
    double begin_s, end_s;
    char flag[SC_TEXT_BYTES];
    uint64_t runs;
    double cycles;      // of an inference, with its share of the pauses between runs
    double inference_s; // these by the board's clock
    double window_s;    // of the monitor, in board time
    uint32_t samples;   // of the monitor
    double watt;        // while it computes
    double watt_uncertainty;
    double joule, joule_uncertainty; // of one inference; uncertainty at 95 %, the same sign in all
    double above, above_uncertainty; // above idle; NaN where idle is not known
    char of[SC_NAME_BYTES];          // the rail that these are of; "": the sum of all
    uint32_t rails;
    struct sc_rail rail[SC_RAILS]; // mean power while it computes
};

// Mean of idle windows.
struct power_idle {
    double begin_s, end_s, seconds; // seconds: of the windows
    uint32_t windows, flagged;
    uint32_t rails;
    struct sc_rail rail[SC_RAILS]; // reason: where there is no value
};

enum power_kind {
    POWER_SWAP,
    POWER_WARMUP,
    POWER_IDLE,
    POWER_WINDOW,
    POWER_LATENCY_ON,  // latency while the monitor is read
    POWER_LATENCY_OFF, // and while it is not
    POWER_KINDS
};
const char *power_kind_name(enum power_kind kind);

// A stretch of the session. end_s is infinite while it lasts.
struct power_mark {
    enum power_kind kind;
    int variant, index;
    double begin_s, end_s;
};

// A window of the monitor as it came, one rail of it.
struct power_sample {
    uint64_t seq;
    double begin_s, end_s;
    enum sc_origin origin;
    struct sc_rail rail;
    int mark;  // -1: in no stretch
    bool edge; // not wholly in it
};

// A median with the scatter's interval (NaN ends: too few) and the sensors' own uncertainty.
struct power_median {
    int n;
    double value, low, high, min, max;
    double uncertainty; // 95 %, the same in all windows: gain and steps of the sensors
};

struct power_drift {
    bool known;
    double before_w, after_w, share; // of idle power, all rails that are summed
};

struct power_variant {
    char name[SC_NAME_BYTES], hash[SC_HASH_BYTES];
    double swap_s;
    struct power_idle before, after;
    int windows, good; // windows: all behind the warm-up
    int next_look;     // with a target
    struct power_median joule, above, watt, inference_s;
    uint64_t runs;
    struct power_drift drift;
};

// Latency of the host with the monitor read against not read, in paired blocks. [0] not read, [1]
// read; two segments of each a block.
struct power_effect {
    double segment_s[2][2 * POWER_MAX_BLOCKS];
    double latency_s[2];      // means of the segments
    double estimate_pct;      // NaN: not measured
    struct interval interval; // t, of the mean effect, in percent
    struct interval bootstrap;
};

struct power_perturbation {
    int blocks; // complete ones
    uint64_t inferences[2];
    struct power_effect mean, p50; // of the mean and of the median inference of a segment
    char variant[SC_NAME_BYTES];
};

enum power_state { POWER_RUNNING, POWER_COMPLETE, POWER_PARTIAL };

struct power_session {
    struct power_plan plan;
    enum power_state state;
    char reason[SC_TEXT_BYTES]; // of POWER_PARTIAL
    char started[32];           // UTC, ISO 8601
    double seconds;
    char daemon[SC_NAME_BYTES]; // its version
    struct sc_board board;
    char command[1024];
    int measured; // variants begun
    struct power_variant variant[SC_MAX_ARMS];
    struct power_window *window; // owned
    size_t windows, window_room;
    struct power_mark *mark; // owned
    size_t marks, mark_room;
    struct power_sample *sample; // owned
    size_t samples, sample_room;
    struct power_perturbation perturbation;
    bool memory_short;
};

// What a session asks. Functions return an SC_ code; SC_CANCELED when *stop became true meanwhile.
struct power_source {
    void *arg;
    double (*now)(void *arg);
    int (*swap)(void *arg, const char *variant, char hash[SC_HASH_BYTES], double *seconds);
    // A burst on the variant that runs; fills all of out but variant and index.
    int (*burst)(void *arg, const char *variant, double seconds, struct power_window *out);
    // One inference: from its sending to its answer, in the host's time.
    int (*latency)(void *arg, const char *variant, double *seconds);
    int (*read_meter)(void *arg, bool on);
    int (*idle)(void *arg, double seconds); // does nothing for so long
    // Windows of the monitor since the last call go to power_take.
    int (*samples)(void *arg, struct power_session *s);
    const char *(*error)(void *arg);
};

// Where the session's progress goes. Borrowed.
struct power_sink {
    void *arg;
    void (*sample)(void *arg, const struct power_session *s, const struct power_sample *p);
    void (*changed)(void *arg, const struct power_session *s); // something worth keeping is there
    void (*live)(void *arg, const struct power_session *s);
};

// Runs all of it; s->plan is set, the rest zero. The state tells how it ended; returns an SC_ code.
int power_session_run(struct power_session *s, struct power_source *from, struct power_sink *to);
void power_session_free(struct power_session *s);
// A window of the monitor, rail by rail: into the session and to the sink.
void power_take(struct power_session *s, const struct sc_power_row *row, double clock_zero,
                struct power_sink *to);
const struct power_mark *power_mark_now(const struct power_session *s); // NULL: none is open

// power_stat.c
void power_idle_mean(const struct power_session *s, double begin_s, double end_s,
                     struct power_idle *out);
void power_variant_stat(struct power_session *s, int variant);
void power_perturbation_stat(struct power_session *s);
// How many good windows the variant needs; more than it has: go on.
int power_windows_due(const struct power_session *s, int variant);
enum sc_origin power_origin(const struct power_session *s);

// power_files.c
struct power_files {
    char directory[512];
    FILE *csv; // owned
    bool failed;
    char why[SC_TEXT_BYTES];
};
bool power_files_open(struct power_files *f, const char *directory); // false with why
void power_files_sample(struct power_files *f, const struct power_session *s,
                        const struct power_sample *p);
void power_files_record(struct power_files *f, const struct power_session *s);
void power_files_page(struct power_files *f, const struct power_session *s);
bool power_files_close(struct power_files *f); // false: something was not written, with why
json_t *power_json(const struct power_session *s);

// power_html.c
bool power_write_html(const struct power_session *s, FILE *out);

// power_show.c
int power_print(const struct cli *cli, const struct power_session *s); // an exit code
void power_show_live(const struct power_session *s, bool terminal);
void power_show_changed(const struct power_session *s, bool terminal, size_t *shown);

// power_source.c
struct power_daemon {
    const struct cli *cli;
    struct power_sink *sink; // borrowed
    const volatile sig_atomic_t *stop;
    struct power_session *into;
    double zero_s;   // of the session, on the daemon's clock
    double offset_s; // the daemon's clock minus ours
    uint64_t after;  // the latest window of the monitor that was taken
    double *window;  // owned; steps x features
    uint32_t steps, features;
};
// Finds the board, checks that it has a monitor. An exit code, with a message.
int power_source_open(struct power_daemon *d, const struct cli *cli, struct power_session *s,
                      struct power_sink *sink, const volatile sig_atomic_t *stop,
                      struct power_source *out);
void power_source_close(struct power_daemon *d);

#endif
