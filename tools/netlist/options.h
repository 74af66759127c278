// SPDX-License-Identifier: Apache-2.0
// The command line of sevencast-netlist.
#ifndef SEVENCAST_NETLIST_OPTIONS_H
#define SEVENCAST_NETLIST_OPTIONS_H

#include "tools/netlist/pool.h"

#include <stdbool.h>

enum command {
    COMMAND_HELP,
    COMMAND_EMIT,
    COMMAND_REPAIR,
    COMMAND_LINT,
    COMMAND_COUNT,
    COMMAND_VERILATE,
    COMMAND_PACKAGE
};

struct options {
    enum command command;
    const char *top, *files, *root, *out, *ghdl, *part, *rtl, *sim, *module, *cache;
    bool json, by_module, abc9;
    const char **generics; // -gNAME=VALUE
    size_t generic_count;
    const char **rest; // words that are no options
    size_t rest_count;
};

// False: *message says what is wrong.
bool options_read(struct pool *pool, int argc, char *argv[], struct options *options,
                  const char **message);

extern const char options_help[];

#endif
