// SPDX-License-Identifier: Apache-2.0
// Power meters on an I2C bus: a table of chips, windows of about a second, back to back. Every
// window is told, with a value or the reason why there is none, rail by rail. Knows no USB and no
// thread: meter_step is called when next_ns has come, and does at most one exchange on the bus and,
// where that found it held low, another to free it (2 x I2C_EXCHANGE_MS at worst); setting a chip
// up takes two.
#ifndef SEVENCAST_DAEMON_METER_H
#define SEVENCAST_DAEMON_METER_H

#include "daemon/i2c.h"
#include "daemon/meter_rails.h"
#include "measure/energy.h"

#define METER_WINDOW_NS UINT64_C(1000000000)
#define METER_HOLD_NS   (3600 * METER_WINDOW_NS)

struct meter_setup {
    const char *chip; // name of a driver
    uint8_t address;  // 0: the chip's usual one
    struct meter_rails rails;
    enum measured_origin origin;
};

// One window. Rails that have a gap have no value; the others are good.
struct meter_power {
    uint64_t begin_ns, end_ns;
    uint64_t edge_ns;                  // how far both may be off together
    bool cut;                          // it ended by meter_cut
    struct measured rail[METER_RAILS]; // as many as the setup has
    char why[96];                      // words on a gap, "" where its name says all
};

struct meter;

struct meter_driver {
    const char *name;
    uint8_t address;
    int channels;
    // Checks the chip's identity, configures it. I2C_OK; anything else with m->why, also I2C_NAK
    // when another chip answers.
    enum i2c_status (*start)(struct meter *m);
    // Does what is due, sets next_ns. True: out is a window.
    bool (*step)(struct meter *m, struct meter_power *out);
};

struct meter {
    const struct meter_driver *driver;
    struct meter_setup setup;
    struct i2c *bus;         // borrowed
    uint64_t (*clock)(void); // CLOCK_MONOTONIC, or a test's
    uint64_t next_ns;
    bool started;
    bool latched;   // the window's end is taken, its values are to be read
    bool link_lost; // open the bus again and call meter_init
    char why[96];
    uint64_t begin_ns;                   // of the window under way; 0: none
    uint64_t begin_edge_ns, end_edge_ns; // how far its ends may be off
    bool cut;                            // it ends as soon as it can
    bool hold;                           // the next one ends by a cut only
    bool held;                           // the one under way ends by a cut only
    int64_t adjust_ns;                   // to its length, see meter_cut
    enum measured_gap spoilt;            // what happened within the held window
    char spoilt_why[96];
    union {
        struct {
            uint64_t end_ns; // of a window that is latched
        } pac;
        struct {
            uint32_t count;
            double watt, low, high, volt, ampere; // sums, and the range of power
            enum measured_gap gap;
        } ina;
        struct {
            uint64_t energy; // at the window's begin
        } ina228;
    } u;
};

const struct meter_driver *meter_driver(const char *name); // NULL: no such chip

void meter_init(struct meter *m, const struct meter_setup *setup, struct i2c *bus,
                uint64_t (*clock)(void));
bool meter_step(struct meter *m, struct meter_power *out);
// The window under way ends at once: call meter_step, until it tells a window that was cut. hold:
// the next one lasts until it is cut. adjust_ns is added to the length of the one that ends: where
// a simulated fabric computes, a sensor's time is not that of our clock (docs/power-model.md). What
// fails while a window is held spoils all of it, also what was measured after the failure.
void meter_cut(struct meter *m, bool hold, int64_t adjust_ns);

// For drivers: seconds of the window under way, which ends at end_ns.
double meter_seconds(const struct meter *m, uint64_t end_ns);
// Whether the window under way has begun. Where not, it begins now; a cut is told (true) with the
// words why it has no values.
bool meter_has_begun(struct meter *m, uint64_t at_ns, struct meter_power *out);
// A window is complete: fills begin, end and cut of out; the next one begins there, and next_ns is
// set for its regular end.
void meter_next(struct meter *m, uint64_t end_ns, struct meter_power *out);

// For drivers: a window that failed as a whole; the next begins at `begin_ns`, 0 when it is not
// known.
bool meter_fail(struct meter *m, enum measured_gap gap, const char *why, uint64_t end_ns,
                uint64_t begin_ns, struct meter_power *out);
// The same for a failed exchange, which leaves the window's end unknown.
bool meter_fail_bus(struct meter *m, enum i2c_status status, uint64_t begin_ns,
                    struct meter_power *out);

extern const struct meter_driver meter_pac1934, meter_ina226, meter_ina228;

#endif
