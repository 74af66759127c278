// SPDX-License-Identifier: Apache-2.0
// From the command line to what a session is to do.
#ifndef SEVENCAST_CLIENT_POWER_PLAN_H
#define SEVENCAST_CLIENT_POWER_PLAN_H

#include "client/cli/power.h"

// NULL, or what is wrong.
const char *power_plan_make(const struct options *o, struct power_plan *p);

#endif
