// SPDX-License-Identifier: Apache-2.0
// Shared by experiment_judge.c (verdicts) and experiment_report.c (what is told of them), and by
// nobody else.
#ifndef SEVENCAST_DAEMON_EXPERIMENT_JUDGE_INSIDE_H
#define SEVENCAST_DAEMON_EXPERIMENT_JUDGE_INSIDE_H

#include "daemon/experiment_judge.h"

struct metric {
    bool wanted, known;                // known: whether it has values is decided
    char reason[SERVICE_TEXT_MAX + 1]; // why it has none
    struct design design;              // the experiment's, with the metric's own budget
    double *value;                     // owned, [steps]; NaN: missing
    double *effect;                    // owned, [arms - 1][blocks]
    struct comparison against[SERVICE_ARMS_MAX];
};

struct judge {
    struct experiment_spec spec;
    struct design design;
    struct experiment_step *step; // owned, [steps of the design]
    int steps;
    struct metric metric[SERVICE_METRICS];
    double *scratch; // owned
};

static inline bool judge_is_energy(enum service_metric m)
{
    return m == SERVICE_METRIC_ENERGY || m == SERVICE_METRIC_ABOVE;
}

#endif
