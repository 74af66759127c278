// SPDX-License-Identifier: Apache-2.0
// Power and energy of windows of back-to-back inferences, each either a value with everything that
// is needed to judge it, or the reason why there is none. Pure formulas; docs/measuring.md derives
// them.
#ifndef SEVENCAST_MEASURE_ENERGY_H
#define SEVENCAST_MEASURE_ENERGY_H

#include "measure/sensor.h"

#include <stdbool.h>
#include <stdint.h>

enum measured_origin { MEASURED_BOARD, MEASURED_VIRTUAL, MEASURED_MODEL };

// Why there is no value; 0 when there is one.
enum measured_gap {
    MEASURED_NO_GAP,
    MEASURED_NO_METER,     // nothing measures this
    MEASURED_BUS_ERROR,    // the sensor did not answer (NAK) within the window
    MEASURED_NO_SAMPLES,   // the sensor answered, but took no sample in the window
    MEASURED_TOO_SHORT,    // the window is shorter than the meter allows
    MEASURED_SATURATED,    // a counter or the input was at full scale
    MEASURED_RESET,        // the counters started again within the window
    MEASURED_LOST_SAMPLES, // the number of samples does not fit the window's time
    MEASURED_BAD_INPUT,    // an argument that is not a finite number in its range
    MEASURED_GAPS,
};

enum measured_unit { MEASURED_WATT, MEASURED_JOULE };

// Largest error that each cause can make, in the unit of the value.
struct measured_bounds {
    double gain;  // share of the value that the sensor may be off, the same in all its readings
    double edge;  // one sample at the window's edges that belongs to the other side
    double steps; // quantisation of voltage and current, and offset
    double clock; // of the time that a power is multiplied with
};

struct measured {
    enum measured_gap gap; // when not 0, nothing below but origin and window_s means anything
    enum measured_unit unit;
    double value;
    double window_s;
    uint32_t count;     // samples in the window
    double uncertainty; // 95 %: of the sum of the bounds, each a uniform error of its own
    double bound;       // no error is larger: sum of bounds
    struct measured_bounds bounds;
    enum measured_origin origin;
};

// A sensor with accumulators (PAC193x), as it is set up.
struct energy_meter {
    struct pac193x chip;
    double sample_hz;     // nominal
    double clock_share;   // how far sample_hz may be off, e.g. 0.05
    double gain_share;    // of power, e.g. 0.01
    double offset_ampere; // of the current, e.g. from the shunt amplifier's offset
    double min_window_s;  // e.g. 0.1
    enum measured_origin origin;
};

struct energy_reading {
    uint64_t acc;   // VPOWERn_ACC
    uint32_t count; // accumulator count
};

struct energy_window {
    struct energy_reading begin, end; // latched at the window's edges
    double seconds;                   // between them, by the host or the FPGA
    double bus_volt;                  // of the rail, for the quantisation
    double step_watt; // |power inside - power outside| at the edges; full scale if unknown
};

// Mean power of the window. Readings may have wrapped around once.
struct measured energy_power(const struct energy_meter *m, const struct energy_window *w);

// Mean power of `count` separate readings (INA226: no accumulator), whose mean is mean_watt.
struct measured energy_power_of_readings(double mean_watt, uint32_t count, double seconds,
                                         struct measured_bounds bounds,
                                         enum measured_origin origin);

// Energy of one inference: mean power x cycles / clock_hz. clock_share: how far clock_hz may be
// off, e.g. 50e-6. A gap in the power is handed on.
struct measured energy_per_inference(const struct measured *power, uint64_t cycles, double clock_hz,
                                     double clock_share);

// Power above idle, both by the same meter: the gain errors are one error, the others add up.
// Window and count are the active window's.
struct measured energy_above_idle(const struct measured *active, const struct measured *idle);

// A burst: inferences back to back, in a window of the meter that is a little longer.
struct energy_burst {
    uint64_t cycles; // of the burst, first start to last end, pauses of the link left out
    uint32_t runs;
    double clock_hz, clock_share; // how far clock_hz may be off
    double outside_s;             // of the window, in which nothing was computed
    double outside_error_s;       // how far outside_s may be off
    double min_s;                 // a shorter burst has no energy
};

struct energy_of_burst {
    struct measured power;      // while it computes
    struct measured total;      // J of one inference: power x cycles / clock_hz / runs
    struct measured above_idle; // J of one inference; a gap without a good idle window
};

// window: mean power of the meter's window around the burst; idle: of one just before it, by the
// same meter, NULL for none. The part of the window outside the burst is taken for idle. Where the
// numbers of samples of both windows do not fit their lengths, samples were lost.
struct energy_of_burst energy_of_burst(const struct measured *window, const struct measured *idle,
                                       const struct energy_burst *b);

// A sum of rails, all by the same meter, whose errors are added up.
struct measured energy_sum(const struct measured *item, int n);

// 95 % of the sums of n <= 4 independent uniform errors of at most bound[i] lie within it.
double uniform_errors_95(const double *bound, int n);

// A gap as a result, for what never got to a formula.
struct measured measured_none(enum measured_gap gap, enum measured_unit unit, double window_s,
                              enum measured_origin origin);

const char *measured_gap_text(enum measured_gap gap);     // a phrase; "" for none
const char *measured_origin_name(enum measured_origin o); // "board", "virtual", "model"
const char *measured_unit_name(enum measured_unit unit);  // "W", "J"

#endif
