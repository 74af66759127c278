// SPDX-License-Identifier: Apache-2.0
// Synthetic series for tests.
#ifndef SEVENCAST_TRAIN_TEST_SYNTHETIC_H
#define SEVENCAST_TRAIN_TEST_SYNTHETIC_H

#include <stdint.h>

#include "csv/csv.h"

// A table of `rows` rows and columns "c0", "c1", ...: two sines of different period with noise,
// each column with a phase, offset and size of its own. NULL without memory. Free with csv_free.
struct csv_table *synthetic_table(int rows, int columns, double noise, uint64_t seed);

#endif
