// SPDX-License-Identifier: Apache-2.0
// One training on its way from a task to a quantised net.
#ifndef SEVENCAST_TRAIN_SESSION_H
#define SEVENCAST_TRAIN_SESSION_H

#include "tools/train/checkpoint.h"
#include "tools/train/report.h"
#include "tools/train/resume.h"
#include "tools/train/train.h"

enum { WHY_BYTES = 512 };

struct session {
    const struct options *o;
    struct task *task;
    struct net *net;
    struct model_bits bits;
    struct report report;
    struct ridge ridge;
    struct error float_error[TASK_PARTS];
    struct checkpoint_note float_note; // which run the float parameters are from
    struct fit_epoch quantised_best;
    uint64_t quantised_seed;
    struct resume state; // where --resume asks for it
    unsigned char key[RESUME_KEY_BYTES];
    int resumed;    // the state is one to go on from, not yet taken up
    double saved_s; // when it was last written
    char why[WHY_BYTES];
};

// Each returns an exit code after a message. Float training, or its result from a checkpoint:
int session_float(struct session *s);
// calibration and quantised training, the best seed's parameters in the net.
int session_quantised(struct session *s);

#endif
