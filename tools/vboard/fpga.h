// SPDX-License-Identifier: Apache-2.0
// The FPGA of a virtual board: TAP and configuration logic in front, and behind the FIFO the engine
// of the design that the configured bitstream names.
#ifndef SEVENCAST_VBOARD_FPGA_H
#define SEVENCAST_VBOARD_FPGA_H

#include "tools/vboard/engine.h"
#include "tools/vboard/fifo.h"
#include "tools/vboard/power_meter.h"
#include "tools/vboard/tap.h"

enum fpga_engine { FPGA_ENGINE_GHDL, FPGA_ENGINE_GOLDEN, FPGA_ENGINE_VERILATOR };

// "ghdl", "golden", "verilator"
const char *fpga_engine_name(enum fpga_engine engine);

struct fpga_options {
    const char *packages; // folder with a package per variant; NULL: no design ever starts
    enum fpga_engine engine;
    const char *golden_path; // the vboard-golden program
};

struct fpga {
    const struct fpga_options *options; // borrowed
    const char *board;                  // serial, for the log; borrowed
    struct tap tap;
    struct fifo *fifo;         // borrowed
    struct power_meter *meter; // borrowed
    struct engine *engine;     // owned; NULL while no design runs
    struct virtual_mark mark;  // of the latest configuration
    bool marked;
    char why_no_design[200]; // empty while one runs
    uint64_t designs_started;
};

// fifo: the channel that is wired to the FPGA; meter: what sees its power.
void fpga_init(struct fpga *f, const struct fpga_options *options, const char *board,
               const struct device_part *part, struct fifo *fifo, struct power_meter *meter);
void fpga_fini(struct fpga *f);
void fpga_power_off(struct fpga *f); // loses its configuration
void fpga_power_on(struct fpga *f);
int fpga_jtag_clock(void *fpga, int tms, int tdi); // for an MPSSE

#endif
