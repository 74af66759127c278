// SPDX-License-Identifier: Apache-2.0
// The state of a training on disk, so that one that was killed goes on to the same integers.
//
// The file is for the machine that wrote it: numbers in its byte order, a key of the training (its
// command line and its series) in front, a SHA-256 behind. It is replaced by rename, so it is whole
// at any moment.
#ifndef SEVENCAST_TRAIN_RESUME_H
#define SEVENCAST_TRAIN_RESUME_H

#include "tools/train/checkpoint.h"
#include "tools/train/fit.h"

enum { RESUME_KEY_BYTES = 32 };
enum resume_stage { RESUME_FLOAT, RESUME_QUANTISED };

struct resume {
    size_t count; // parameters
    int windows;
    int32_t stage;
    int32_t run; // runs of this stage that are done
    struct checkpoint_note note;
    real *floating; // owned; [count], the float stage's result, of use in the quantised stage
    struct fit_epoch best;
    uint64_t best_seed;
    real *best_param;     // owned; [count], of the best run so far
    int32_t inside;       // whether fit holds the state of run `run`
    struct fit_state fit; // arrays owned
};

// Empty, for parameters and training windows of that number. -1 when memory is short.
int resume_init(struct resume *r, size_t count, int windows);
void resume_fini(struct resume *r);

// 0, or -1 with why.
int resume_save(const struct resume *r, const unsigned char key[RESUME_KEY_BYTES], const char *path,
                char *why, size_t whycap);
// 0; 1 when there is no such file; -1 with why, also when it is of another training.
int resume_load(struct resume *r, const unsigned char key[RESUME_KEY_BYTES], const char *path,
                char *why, size_t whycap);

#endif
