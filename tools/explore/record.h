// SPDX-License-Identifier: Apache-2.0
// Results of trials on disk, one line each, only ever appended, so that an exploration that was
// killed goes on to the same result.
//
// A line is the first 16 digits of the SHA-256 of the rest, a space, and a JSON object: key, bits,
// seed, epochs, rate, validation_rmse (null: never exportable), test_rmse (null: not asked for),
// best_epoch, seconds of processor time. A last line that was not written to its end is cut off
// and counted; any other line that is damaged is passed over and counted: its trial runs again.
#ifndef SEVENCAST_EXPLORE_RECORD_H
#define SEVENCAST_EXPLORE_RECORD_H

#include <stddef.h>

#include "tools/explore/trial.h"

enum { RECORD_LINE_BYTES = 4096 };

struct record_entry {
    char key[TRIAL_HEX_BYTES];
    double validation_rmse, test_rmse, seconds;
    int best_epoch;
};

struct record {
    struct record_entry *entry; // owned
    int count, capacity;
    int torn, damaged; // lines that did not count
    int fd;            // -1: in memory only
    char path[1024];
};

// In memory only; close it all the same.
void record_init(struct record *r);
// Opens or makes the file and holds it locked. 0, or -1 with why ("...: in use" when another
// process has it).
int record_open(struct record *r, const char *path, char *why, size_t whycap);
void record_close(struct record *r);
// Says on standard error how many lines did not count, where there were any.
void record_warn(const struct record *r);

// 1 with the results filled in, 0 when there are none of that key.
int record_find(const struct record *r, const char key[TRIAL_HEX_BYTES], struct trial *t);
// Notes a trial that is done, on the disk before it returns. 0, or -1 with why.
int record_add(struct record *r, const struct trial_setting *s, const struct trial *t, char *why,
               size_t whycap);

// The same for a result that was read elsewhere, in memory only. -1 when memory is short.
int record_keep(struct record *r, const struct record_entry *e);

// A line with its end, and back. Both return 0, or -1: too long; not a whole line of this kind.
int record_write_line(const struct trial_setting *s, const struct trial *t,
                      char line[RECORD_LINE_BYTES]);
int record_read_line(const char *line, size_t length, struct record_entry *e);

#endif
