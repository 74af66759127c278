// SPDX-License-Identifier: Apache-2.0
// Records of experiments in an SQLite file: appended, each on the disk before append returns, each
// with a checksum (SHA-256 over everything in it), so that a torn or altered one is noticed and
// dropped with a log line. A file that SQLite itself cannot read any more is set aside under
// another name and what could be read of it goes on in a new one.
//
// Calls wait for the disk: only the recorder's thread makes them, and the front end before it
// serves.
#ifndef SEVENCAST_DAEMON_RECORD_H
#define SEVENCAST_DAEMON_RECORD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { RECORD_ID_MAX = 63 };

enum record_kind {
    RECORD_START, // the spec
    RECORD_DATA,  // labelled windows
    RECORD_RUN,   // it began to run: what ran before
    RECORD_STEP,
    RECORD_END, // state, reason and report
    RECORD_KINDS
};

struct record {
    char experiment[RECORD_ID_MAX + 1];
    enum record_kind kind;
    int number; // of its kind within the experiment, from 0
    const void *body;
    size_t bytes;
};

struct record_file;

// Opens or makes the file. NULL with why. *dropped counts records that were lost to damage.
struct record_file *record_open(const char *path, int *dropped, char *why, size_t whycap);
void record_close(struct record_file *f); // NULL allowed

// From any thread: whoever holds the file (another program) is not waited for any more.
void record_hurry(struct record_file *f);

// 0 when it is on the disk, -1 with a log line.
int record_append(struct record_file *f, const struct record *r);

// Calls fn for every good record in the order of appending, of one experiment or (NULL) of all;
// fn returns false to stop. body is valid within fn. 0, or -1 when the file cannot be read.
typedef bool record_fn(void *arg, const struct record *r);
int record_scan(struct record_file *f, const char *experiment, record_fn *fn, void *arg);

// Removes an experiment; of a kind only those from a number on.
int record_remove(struct record_file *f, const char *experiment);
int record_remove_from(struct record_file *f, const char *experiment, enum record_kind kind,
                       int number);

#endif
