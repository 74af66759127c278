// SPDX-License-Identifier: Apache-2.0
// What the rails of a virtual board draw (docs/power-model.md). The figures are made up within the
// order of magnitude of a small Spartan-7 board; they are only good for judging how one measures.
// Keeps the truth, which the board's sensors see through their errors.
#ifndef SEVENCAST_VBOARD_POWER_MODEL_H
#define SEVENCAST_VBOARD_POWER_MODEL_H

#include <stdint.h>

enum power_rail { POWER_FPGA_1V0, POWER_FPGA_1V8, POWER_FPGA_IO, POWER_BOARD, POWER_RAILS };
enum power_level {       // of a rail, in watts
    POWER_STATIC,        // powered, not configured
    POWER_CONFIGURATION, // from JPROGRAM to DONE
    POWER_IDLE,          // configured, the design waits
    POWER_ACTIVE,        // it computes
    POWER_LEVELS,
};
enum { POWER_OFF = POWER_LEVELS }; // a state of the board only

struct power_rail_model {
    double volts, watts[POWER_LEVELS];
};

struct power_truth { // since the mark
    double seconds, joules[POWER_RAILS];
    double busy_seconds, busy_joules[POWER_RAILS]; // while the design computed
};

struct power_model {
    struct power_rail_model rail[POWER_RAILS];
    double activity;      // of the configured design: share of (active - idle) that it takes
    double drift_per_min; // relative, linear since since_ns
    double warmup;        // relative, below the final value; gone with tau
    double warmup_tau_s;
    unsigned state; // POWER_STATIC, POWER_CONFIGURATION, POWER_IDLE or POWER_OFF
    double busy;    // share of computing in the stretch that is being accounted
    uint64_t now_ns, since_ns;
    struct power_truth truth;
};

extern const char *const power_rail_names[POWER_RAILS];
extern const char *const power_level_names[POWER_LEVELS];

void power_model_init(struct power_model *m, uint64_t now_ns);
// True power of a rail at board time at_ns in the stretch under way.
double power_model_watts(const struct power_model *m, enum power_rail rail, uint64_t at_ns);
// Board time goes on to to_ns with this share of computing: adds to the truth.
void power_model_advance(struct power_model *m, uint64_t to_ns, double busy);
// Drift and warm-up begin anew.
void power_model_restart(struct power_model *m);
void power_model_mark(struct power_model *m); // the truth begins anew

// activity of the variant in this package: 0.4 + 0.6 x its mean bits / 8, of weights and tensors
// alike; 1 where the manifest cannot be read.
double power_model_activity(const char *package);

#endif
