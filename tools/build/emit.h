// SPDX-License-Identifier: Apache-2.0
// Writes a plan as the VHDL package of its variant.
#ifndef SEVENCAST_BUILD_EMIT_H
#define SEVENCAST_BUILD_EMIT_H

#include <stdio.h>

#include "tools/build/plan.h"
#include "tools/model/variant.h"

enum { BUILD_CLOCK_HZ = 100000000 };

enum emit_origin { EMIT_BOARD = 0, EMIT_VIRTUAL = 1 }; // register 1, PROTOCOL.md 1.3

// fast: the bodies that simulate fast, not those that synthesise. 0, or -1 when out fails.
int emit_package(FILE *out, const struct plan *p, const struct variant *v, enum emit_origin origin,
                 int fast);

#endif
