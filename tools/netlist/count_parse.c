// SPDX-License-Identifier: Apache-2.0
#include "tools/netlist/count.h"

#include "tools/netlist/files.h"

#include <stdlib.h>
#include <string.h>

// What one cell of a kind adds.
struct cell {
    const char *name;
    struct resources adds;
};

static const struct cell cells[] = {
    {"LUT1", {.lut = 1}},
    {"LUT2", {.lut = 1}},
    {"LUT3", {.lut = 1}},
    {"LUT4", {.lut = 1}},
    {"LUT5", {.lut = 1}},
    {"LUT6", {.lut = 1}},
    {"RAM32M", {.lut = 4, .lutram = 4}},
    {"RAM64M", {.lut = 4, .lutram = 4}},
    {"RAM64X1D", {.lut = 2, .lutram = 2}},
    {"RAM128X1D", {.lut = 4, .lutram = 4}},
    {"RAM256X1S", {.lut = 4, .lutram = 4}},
    {"SRL16E", {.lut = 1, .lutram = 1}},
    {"SRLC32E", {.lut = 1, .lutram = 1}},
    {"FDRE", {.ff = 1}},
    {"FDSE", {.ff = 1}},
    {"FDCE", {.ff = 1}},
    {"FDPE", {.ff = 1}},
    {"DSP48E1", {.dsp = 1}},
    {"RAMB18E1", {.ramb18 = 1}},
    {"RAMB36E1", {.ramb18 = 2}},
    {"INV", {.inverters = 1}},
    {"CARRY4", {0}},
    {"MUXF7", {0}},
    {"MUXF8", {0}},
    {"BUFG", {0}},
    {"IBUF", {0}},
    {"OBUF", {0}},
};

bool count_add_cell(struct resources *sum, const char *name, size_t length, size_t count)
{
    for (size_t i = 0; i < sizeof cells / sizeof *cells; i++) {
        const struct resources *adds = &cells[i].adds;
        if (strlen(cells[i].name) != length || memcmp(cells[i].name, name, length) != 0)
            continue;
        sum->lut += count * adds->lut;
        sum->lutram += count * adds->lutram;
        sum->ff += count * adds->ff;
        sum->dsp += count * adds->dsp;
        sum->ramb18 += count * adds->ramb18;
        sum->inverters += count * adds->inverters;
        return true;
    }
    return false;
}

static bool parse_cells(struct pool *pool, const char *text, struct resources *found,
                        const char **message)
{
    size_t total = strtoul(text, NULL, 10), seen = 0;
    const char *line = strchr(text, '\n');
    while (line) {
        line++;
        line += strspn(line, " ");
        size_t length = strcspn(line, " \n");
        if (length == 0)
            break;
        char *end;
        size_t count = strtoul(line + length, &end, 10);
        if (end == line + length || !count_add_cell(found, line, length, count)) {
            *message =
                pool_format(pool, "yosys stat: cell %.*s is of no known kind", (int)length, line);
            return false;
        }
        seen += count;
        line = strchr(line, '\n');
    }
    if (seen != total || total == 0) {
        *message = pool_format(pool, "yosys stat: %zu cells listed of %zu", seen, total);
        return false;
    }
    return true;
}

bool count_parse(struct pool *pool, const char *top, const char *stat, const char *sta,
                 struct resources *found, const char **message)
{
    *found = (struct resources){0};
    const char *section = strstr(stat, pool_format(pool, "=== %s ===", top));
    const char *label = "Number of cells:";
    const char *start = section ? strstr(section, label) : NULL;
    if (!start) {
        *message = pool_format(pool, "yosys stat: no cells of %s", top);
        return false;
    }
    if (!parse_cells(pool, start + strlen(label), found, message))
        return false;
    const char *arrival = pool_format(pool, "Latest arrival time in '%s' is ", top);
    const char *at = strstr(sta, arrival);
    char *end = NULL;
    if (at)
        found->critical_ps = strtoul(at + strlen(arrival), &end, 10);
    if (!at || *end != ':' || found->critical_ps == 0) {
        *message = pool_format(pool, "yosys sta: no arrival time of %s", top);
        return false;
    }
    return true;
}
