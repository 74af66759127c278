// SPDX-License-Identifier: Apache-2.0
// A sevencastd of one's own for tests: a folder with packages, configuration and sockets, the
// daemon as a child process, and clients that speak ZeroMQ and JSON without our codec.
#ifndef SEVENCAST_DAEMON_TEST_RIG_H
#define SEVENCAST_DAEMON_TEST_RIG_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "daemon/test/make_package.h"

enum { RIG_VALUES_MAX = 64 * 32, RIG_OUTPUTS_MAX = 24 };

// A board's section, to which further lines may be added.
#define RIG_BOARD "[board lab0]\nserial = VB0001\nvariant = demand-w8\nallow_virtual = yes\n"

struct rig {
    char dir[128], packages[192], control[192], conf[192];
    void *zmq;
    pid_t pid;
    const char *prefix[12]; // command words before sevencastd, NULL-ended
    bool standin;
    char world[192]; // of vboard, "" without one
    pid_t world_pid;
    void *dealers[8]; // open ones: a test that fails leaves them to rig_fini
};

// Makes the folder; boards: text of the [board] sections, more: further [daemon] lines.
void rig_init(struct rig *r, const char *boards, const char *more, bool standin);
void rig_fini(struct rig *r); // kills what is left and removes the folder

// For cmocka's setup: *state becomes a rig with stand-in workers and the packages demand-w8,
// demand-w4, and traffic-w8 of another task and shape. boards, more: as for rig_init.
struct rig *rig_standin(void **state, const char *boards, const char *more);
int rig_ready(struct rig *r); // starts it; 0 when lab0 serves demand-w8
// The daemon, where it runs, must end on SIGTERM with 0, which also tells of leaks.
int rig_teardown(void **state);

// Why no virtual board can be had here; NULL when it can.
const char *rig_no_vboard(void);
// Plugs in virtual boards (engine golden); before rig_start. serials: words "--board SERIAL...".
void rig_world(struct rig *r, const char *const *more);
// "vboard ctl WORDS...", ended by NULL; must succeed.
void rig_ctl(struct rig *r, ...) __attribute__((sentinel));

// Runs openFPGALoader on the board behind the daemon's back.
void rig_program_behind(struct rig *r, const char *serial, const char *variant);

// Path of a program of the build under test.
const char *rig_program(char *out, size_t cap, const char *name);

// A package in the rig's folder.
void rig_package(struct rig *r, struct make_package m);
struct variant *rig_variant(struct rig *r, const char *name);

void rig_start(struct rig *r);        // returns when the daemon answers
int rig_stop(struct rig *r, int sig); // its exit code, or -signal; fails the test after 8 s
void rig_say(struct rig *r, const char *words); // to the stand-in worker
pid_t rig_worker_pid(struct rig *r, const char *board);
int rig_open_files(pid_t pid);
void rig_wait_files(pid_t pid, int most); // fails the test when it has more for 5 s

struct rig_reply {
    json_t *header; // owned
    size_t frames;  // behind the header
    double values[RIG_OUTPUTS_MAX];
    int16_t codes[RIG_OUTPUTS_MAX];
    size_t outputs;
    uint64_t elapsed_ns;
};
void rig_reply_fini(struct rig_reply *p);
const char *rig_code(const struct rig_reply *p);  // error code, "" when none
const char *rig_field(const struct rig_reply *p); // error field, ""
const char *rig_message(const struct rig_reply *p);
void rig_expect_error(struct rig_reply p, const char *code, const char *field); // and frees p

// One request with a socket of its own. header is JSON text; tensor may be NULL.
struct rig_reply rig_call(struct rig *r, const char *header, const void *tensor, size_t n);
struct rig_reply rig_infer(struct rig *r, const char *model, const double *window, int rows,
                           int columns, int deadline_ms);
struct rig_reply rig_load(struct rig *r, const char *model, const char *board, int deadline_ms);
// state of a board and the variant on it, as the daemon tells; waits for it to become so.
void rig_wait_board(struct rig *r, const char *board, const char *state, const char *variant,
                    int timeout_ms);
json_t *rig_board(struct rig *r, const char *board); // a new reference

// For many requests at once.
void *rig_dealer(struct rig *r);
void rig_close(struct rig *r, void *dealer);
void rig_send(void *dealer, const char *header, const void *tensor, size_t n);
bool rig_recv(void *dealer, struct rig_reply *p, int timeout_ms);
void rig_infer_header(char *out, size_t cap, const char *model, const char *id, int rows,
                      int columns, int deadline_ms);

void rig_random_window(uint64_t seed, double *out, int n); // physical values, some outside
// Fails the test unless the reply is what the golden model says of the window.
void rig_check_golden(const struct variant *v, const double *window, const struct rig_reply *p);
// Asks for a random window of 24 x 1; the answer must be that variant's.
void rig_infer_golden(struct rig *r, const char *model, const char *variant, uint64_t seed);

#endif
