// SPDX-License-Identifier: Apache-2.0
// What Vivado is given: a board's pins, the constraints of board and clock, and the script.
#ifndef SEVENCAST_VIVADO_SCRIPT_H
#define SEVENCAST_VIVADO_SCRIPT_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

enum { PIN_COUNT = 17, PIN_NAME_MAX = 15, SITE_NAME_MAX = 7 };

// The site of each port of top_xc7s15; what the ports are is said in script_ports.
struct pins {
    char site[PIN_COUNT][SITE_NAME_MAX + 1];
};
extern const char *const script_ports[PIN_COUNT];

// Reads PORT=SITE lines; # begins a comment. Every port once, every site once. 0, or -1 with why,
// which names file and line.
int pins_read(const char *path, struct pins *p, char *why, size_t whycap);

struct script {
    const char *variant, *hash_hex; // of the variant
    uint32_t usercode;
    const char *part;
    long clock_hz;
    const char *const *vhdl; // absolute paths in the order of analysis
    size_t vhdl_count;
    const char *constraints; // absolute path of xc7s15.xdc
    const struct pins *pins;
};

// The names of what the script leaves in its folder.
#define SCRIPT_BOARD_XDC   "board.xdc"
#define SCRIPT_UTILIZATION "utilization.rpt"
#define SCRIPT_TIMING      "timing.rpt"
#define SCRIPT_ROUTE       "route_status.rpt"
#define SCRIPT_POWER       "power.rpt"
#define SCRIPT_BITSTREAM   "routed.bit"
// Each step is announced by a line that begins with this.
#define SCRIPT_STEP "sevencast: "

// Whether a path can stand between braces in Tcl.
int script_path_ok(const char *path);

// Write board.xdc and build.tcl. 0, or -1 when out fails.
int script_board_xdc(FILE *out, const struct script *s);
int script_tcl(FILE *out, const struct script *s);

#endif
