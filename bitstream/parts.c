// SPDX-License-Identifier: Apache-2.0
// Devices. IDCODEs are those that streams made by the vendor's tool write; the frame counts follow
// from the lengths in UG470 table 1-1 less 583 words that are not frames, see docs/bitstream.md.
#include <string.h>

#include "bitstream/bitstream.h"

static const struct device_part parts[] = {
    {"xc7s6", "ftgb196", 0x03622093, 1328},    {"xc7s15", "ftgb196", 0x03620093, 1328},
    {"xc7s25", "ftgb196", 0x037c4093, 3068},   {"xc7s50", "ftgb196", 0x0362f093, 5420},
    {"xc7a35t", "ftg256", 0x0362d093, 5420},   {"xc7a50t", "ftg256", 0x0362c093, 5420},
    {"xc7a75t", "ftg256", 0x03632093, 9464},   {"xc7a100t", "ftg256", 0x03631093, 9464},
    {"xc7a200t", "fbg484", 0x03636093, 24080},
};

const struct device_part *device_part_by_name(const char *name)
{
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++)
        if (strcmp(parts[i].name, name) == 0)
            return &parts[i];
    return NULL;
}

const struct device_part *device_part_by_idcode(uint32_t idcode)
{
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++)
        if (((parts[i].idcode ^ idcode) & 0x0fffffff) == 0)
            return &parts[i];
    return NULL;
}
