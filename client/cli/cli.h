// SPDX-License-Identifier: Apache-2.0
// The sevencast command: what its parts share.
#ifndef SEVENCAST_CLIENT_CLI_H
#define SEVENCAST_CLIENT_CLI_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "client/sevencast.h"

// Exit codes, by what a script would do about them.
enum {
    EXIT_OK = 0,
    EXIT_OTHER = 1,       // a fault in client or daemon, memory, output that cannot be written
    EXIT_USAGE = 2,       // the command line
    EXIT_NO_ANSWER = 3,   // daemon not reachable, lost, or not in time
    EXIT_REFUSED = 4,     // bad request, unknown name, not allowed
    EXIT_NOT_READY = 5,   // no board serves it now, board lost or faulty, queue full
    EXIT_SWAP_FAILED = 6, // the old variant still serves
    EXIT_DATA = 7,        // the CSV file
};

enum command {
    COMMAND_NONE,
    COMMAND_STATUS,
    COMMAND_VARIANTS,
    COMMAND_BOARDS,
    COMMAND_DESCRIBE,
    COMMAND_STATISTICS,
    COMMAND_INFER,
    COMMAND_SWAP,
    COMMAND_UNLOAD,
    COMMAND_PING,
    COMMAND_WATCH,
    COMMAND_AB,
    COMMAND_ROUTES,
    COMMAND_POWER,
    COMMANDS
};

struct options {
    enum command command;
    const char *argument; // VARIANT or MODEL, NULL where none
    const char *endpoint; // NULL: the default
    bool json, follow_swap;
    int64_t timeout_ms; // 0: the default of each call
    const char *board;
    const char *data, *model, *columns, *time, *key;
    int64_t start, count, stride, in_flight; // infer; count of watch and ping too, -1: not given
    int64_t interval_ms;
    int64_t repeat;    // infer: 0: not given
    const char *burst; // seconds
    // ab
    const char *word[SC_MAX_ARMS]; // its arguments, borrowed
    int words;
    const char *metrics, *margin, *error_margin, *confidence, *budget, *design, *label, *html;
    const char *result, *watch, *cancel; // an experiment's id
    int64_t block, warmup, seed, windows;
    bool detach, list;
    // power
    const char *seconds, *idle, *target_ci, *out;
    int64_t max_windows, perturbation; // 0, -1: not given
    int argc;                          // the words behind the program's name, borrowed
    char **argv;
};

// Reads the command line. EXIT_OK: go on; *done: nothing is left to do (help, version). Otherwise
// the message is on stderr.
int options_parse(int argc, char **argv, struct options *out, bool *done);

double burst_seconds(const struct options *o); // 0: not given

struct cli {
    struct sc_client *client;
    struct options options;
    bool colour; // of stdout
};

// Says what the latest call on the client met, on stderr, with --json also as an object on stdout.
// Returns the exit code that belongs to code.
int cli_fail(const struct cli *cli, int code);
int cli_exit_code(int code);
// The same for what the client itself finds: name is the error's code in JSON. Returns exit_code.
int cli_refuse(const struct cli *cli, int exit_code, const char *name, const char *format, ...)
    __attribute__((format(printf, 4, 5)));
void cli_message(const char *format, ...) __attribute__((format(printf, 1, 2)));

// Prints one object on a line of its own and frees it; NULL is short memory. An exit code.
int cli_print_json(json_t *object);
json_t *count_json(const struct sc_count *c);

int command_status(const struct cli *cli); // boards and watch too
int command_watch(const struct cli *cli);
int command_variants(const struct cli *cli);
int command_describe(const struct cli *cli);
int command_statistics(const struct cli *cli);
int command_infer(const struct cli *cli);
int command_swap(const struct cli *cli);
int command_unload(const struct cli *cli);
int command_ping(const struct cli *cli);
int command_routes(const struct cli *cli);
int command_ab(const struct cli *cli);
int command_power(const struct cli *cli);

// "12.3 mJ", with the unit given; borrowed from out.
const char *format_si(char out[24], double value, const char *unit);
// "123.5 us"; borrowed from out.
const char *format_ns(char out[16], uint64_t ns);

enum colour { COLOUR_NONE, COLOUR_GOOD, COLOUR_WARN, COLOUR_BAD };
enum colour colour_of_state(const char *state);

// A table that is printed when all rows are there, columns as wide as need be.
struct table_column {
    const char *head;
    bool right;
};
struct table;
// columns is borrowed. NULL when memory is short; the other calls then do nothing.
struct table *table_new(const struct table_column *columns, size_t n);
void table_cell(struct table *t, enum colour colour, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
// Prints and frees. An exit code.
int table_print(struct table *t, bool colour);

#endif
