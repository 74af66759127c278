// SPDX-License-Identifier: Apache-2.0
// sevencast-explore sensitivities: each tensor alone at each width, all others at the base widths.
#ifndef SEVENCAST_EXPLORE_MEASURE_H
#define SEVENCAST_EXPLORE_MEASURE_H

#include "tools/explore/record.h"

// argv[0] is the command's name. With results nothing is run: all trials must be
// there, and the sensitivities go to out. Returns an exit code.
int measure_command(int argc, char **argv, struct record *results, const char *out);

#endif
