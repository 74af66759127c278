// SPDX-License-Identifier: Apache-2.0
// The options of a command as a table: one row an option, which says where its value goes.
#ifndef SEVENCAST_EXPLORE_OPTIONS_H
#define SEVENCAST_EXPLORE_OPTIONS_H

enum { EXIT_OK = 0, EXIT_FAILED = 1, EXIT_USAGE = 2, EXIT_INPUT = 3, EXIT_WRITE = 5 };

// OPTION_FILE: a text that names a file to read, which a job list takes with it (jobs.h).
enum option_kind {
    OPTION_TEXT,
    OPTION_FILE,
    OPTION_COUNT,
    OPTION_LONG,
    OPTION_NUMBER,
    OPTION_FLAG
};

struct option_row {
    const char *name; // without dashes
    enum option_kind kind;
    void *to; // const char *, int, long, double or int (set to 1)
    double lo, hi;
};

// The command's name, for messages and --version.
extern const char options_program[];

// Writes a message to stderr, returns code.
__attribute__((format(printf, 2, 3))) int complain(int code, const char *format, ...);

// Takes the options that the table names; --help and --version end the process. EXIT_OK, or
// EXIT_USAGE after a message.
int options_parse(const struct option_row *row, int rows, const char *usage, int argc, char **argv);

#endif
