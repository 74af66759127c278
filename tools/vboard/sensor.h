// SPDX-License-Identifier: Apache-2.0
// What a power sensor on the virtual board's I2C bus sees of the world. Two clocks: it samples on
// board time (board_time.h), but its host talks to it in wall time.
#ifndef SEVENCAST_VBOARD_SENSOR_H
#define SEVENCAST_VBOARD_SENSOR_H

#include <stdint.h>

struct sensor_world {
    // One conversion of channel (0..) at this board time: volts of the rail and amperes through the
    // shunt, with the noise and the errors of this sensor's front end, before quantisation.
    void (*measure)(void *ctx, unsigned channel, uint64_t at_ns, double *volts, double *amps);
    void (*sync)(void *ctx);        // brings board time, and so the samples, up to date
    uint64_t (*wall_ns)(void *ctx); // CLOCK_MONOTONIC
    void *ctx;
};

// A conversion result in codes of lsb, rounded to nearest and clipped.
static inline int32_t sensor_code(double value, double lsb, int32_t low, int32_t high)
{
    double code = value / lsb;
    if (!(code > low))
        return low;
    if (code >= high)
        return high;
    return (int32_t)(code < 0 ? code - 0.5 : code + 0.5);
}

#endif
