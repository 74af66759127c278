// SPDX-License-Identifier: Apache-2.0
// Rails of a power meter, as the configuration writes them: "FPGA_1V0:0.82, FPGA_1V8:0.82", a name
// and a shunt in ohm for each channel of the chip in order; "-" for a channel that is not used.
#ifndef SEVENCAST_DAEMON_METER_RAILS_H
#define SEVENCAST_DAEMON_METER_RAILS_H

#include <stddef.h>

enum { METER_RAILS = 4, METER_RAIL_NAME = 16 };

struct meter_rail {
    char name[METER_RAIL_NAME];
    double shunt_ohm;
    int channel; // of the chip, from 0
};

struct meter_rails {
    int n;
    struct meter_rail rail[METER_RAILS];
};

// 0, or -1 with what is wrong in why.
int meter_rails_parse(struct meter_rails *r, const char *text, char *why, size_t whycap);

#endif
