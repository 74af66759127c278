// SPDX-License-Identifier: Apache-2.0
// The power meter of a virtual board: its clock, its power model, the sensors on the FT232H's I2C
// bus. SCL is AD0, SDA is AD1 and AD2 tied together, as FTDI's application notes wire it.
#ifndef SEVENCAST_VBOARD_POWER_METER_H
#define SEVENCAST_VBOARD_POWER_METER_H

#include <stdbool.h>
#include <stdint.h>

#include "tools/vboard/board_time.h"
#include "tools/vboard/i2c_bus.h"
#include "tools/vboard/ina226.h"
#include "tools/vboard/loop.h"
#include "tools/vboard/mpsse.h"
#include "tools/vboard/pac1934.h"
#include "tools/vboard/power_model.h"

enum power_sensor { SENSOR_PAC1934, SENSOR_INA226, SENSOR_INA228, POWER_SENSORS };
// A sensor's channels, each with errors of its own: PAC1934 1..4 are the rails in their order, both
// INAs watch BOARD.
enum {
    FRONT_INA226 = POWER_RAILS,
    FRONT_INA228,
    POWER_FRONTS,
};

struct power_front {
    double gain;   // relative error
    double offset; // volts across the shunt
    double shunt_ohm;
};

struct power_meter;
struct power_sensor_side { // what one sensor is told of its world
    struct power_meter *meter;
    enum power_sensor sensor;
    struct sensor_world world;
};

struct power_meter {
    struct board_time time;
    struct power_model model;
    struct i2c_bus bus;
    struct pac1934 pac;
    struct ina226 ina[2];
    struct power_sensor_side side[POWER_SENSORS];
    struct power_front front[POWER_FRONTS];
    double noise;    // relative, standard deviation of one conversion's current
    uint64_t random; // state of its generator
    struct loop_timer tick;
};

// wall: CLOCK_MONOTONIC, or a test's clock.
void power_meter_init(struct power_meter *p, uint64_t (*wall)(void));
void power_meter_attach(struct power_meter *p, struct mpsse *mpsse);
// Samples are taken when somebody looks; a board that nobody looks at for an hour would then have
// millions to take at once, so a timer looks every second.
void power_meter_start_timer(struct power_meter *p);

// The meter's cable was pulled and put in again: the sensors are as new.
void power_meter_power_cycle(struct power_meter *p);

// The board's state: a level, or POWER_OFF; with POWER_IDLE the activity of the design.
void power_meter_state(struct power_meter *p, unsigned state, double activity);

// A control command's words (without "power"). 0, or -1 with why.
int power_meter_command(struct power_meter *p, char *const *word, size_t n, char *why,
                        size_t whycap);
// The same from one string of words.
int power_meter_command_line(struct power_meter *p, const char *line, char *why, size_t whycap);

#endif
