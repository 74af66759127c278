// SPDX-License-Identifier: Apache-2.0
// Makes a variant's package (ARCHITECTURE.md, "What a variant is, on its way").
#ifndef SEVENCAST_BUILD_PACKAGE_H
#define SEVENCAST_BUILD_PACKAGE_H

#include "tools/build/plan.h"
#include "tools/model/variant.h"
#include "tools/vivado/vivado.h"

enum { PACKAGE_PATH_MAX = 1024, GOLDEN_WINDOWS = 8 };

// Exit status of sevencast-build, one per failure mode.
enum package_result {
    PACKAGE_OK = 0,
    PACKAGE_USAGE = 2,
    PACKAGE_BAD_VARIANT = 3, // unreadable or against the rules
    PACKAGE_LIMIT = 4,       // the hardware choices do not fit the engine
    PACKAGE_TOOL = 5,        // GHDL missing or failing
    PACKAGE_FILES = 6,       // cannot read or write
    PACKAGE_WRONG = 7,       // the RTL does not agree with the model
    PACKAGE_VIVADO = 8,      // Vivado failed, or what it left is not in order
    PACKAGE_TIMING = 9,      // routed, but too slow for the clock
};

struct package_request {
    const char *variant_dir; // the committed files
    const char *out;         // folder of packages
    const char *rtl;         // folder with core/ and sys/
    const char *vboard_sim;  // folder with board_bench.vhd and libvboard_sim_host.a
    int simulate;            // 0: no sim, cycles as planned
    const struct variant *variant;
    const struct plan *plan;
    const struct vivado_options *vivado; // NULL: a virtual bitstream
};

// Makes OUT/NAME whole or not at all. Messages go to stderr.
enum package_result package_make(const struct package_request *r);

// The golden windows of a variant: 0 zeros, 1 and 2 the ends of x, 3 alternating ends, then random
// ones. x is [L][m].
void golden_window(const struct variant *v, int index, int8_t *x);

// Builds sim in dir, which holds variant_pkg.vhd, and checks the RTL on the golden windows.
// *cycles is what the RTL took.
enum package_result simulate_build(const struct package_request *r, const char *dir, long *cycles);

// Routes the variant with Vivado and copies the bitstream to path. *implementation is a new
// reference for build.json; NULL when Vivado is absent: then a virtual bitstream is to be made. The
// result is PACKAGE_OK in both cases.
enum package_result silicon_build(const struct package_request *r, const char *path,
                                  json_t **implementation);

#endif
