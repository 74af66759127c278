// SPDX-License-Identifier: Apache-2.0
#include "tools/netlist/gate.h"

#include "tools/netlist/files.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

// The net at port `.name(net)` between text and end, or NULL.
static const char *net_at(struct pool *pool, const char *text, const char *end, const char *name)
{
    const char *port = pool_format(pool, ".%s(", name);
    const char *at = strstr(text, port), *stop = at ? strchr(at, ')') : NULL;
    if (!stop || stop > end)
        return NULL;
    at += strlen(port);
    return pool_intern(pool, at, (size_t)(stop - at));
}

bool gate_netlist(struct pool *pool, const char *from, const char *to, const char **message)
{
    size_t length;
    const char *text = file_read(pool, from, &length, message);
    if (!text)
        return false;
    const char *top = strstr(text, "\nmodule top (");
    const char *ports = top ? strstr(top, ");\n") : NULL;
    const char *engine = ports ? strstr(ports, "\n  accelerator ") : NULL;
    const char *end = engine ? strstr(engine, ");\n") : NULL;
    const char *clock = end ? strstr(engine, ".clk(clk)") : NULL;
    const char *rest = end ? end + 3 : NULL;
    const char *last = rest ? strstr(rest, "endmodule") : NULL;
    static const char *const needed[] = {"rst",         "window_we", "start_valid",
                                         "start_ready", "y_valid",   "y_last"};
    const char *net[sizeof needed / sizeof *needed];
    bool known = last && clock && clock < end;
    for (size_t i = 0; known && i < sizeof needed / sizeof *needed; i++) {
        net[i] = net_at(pool, engine, end, needed[i]);
        known = net[i] != NULL;
    }
    if (!known) {
        *message =
            pool_format(pool, "%s: top has no accelerator with the ports of ARCHITECTURE.md", from);
        return false;
    }
    FILE *out = fopen(to, "w");
    if (!out) {
        *message = pool_format(pool, "%s: cannot be written: %s", to, strerror(errno));
        return false;
    }
    fwrite(text, 1, (size_t)(ports - text), out);
    fputs(",\n  input gate_clk,\n  output gate_rst,\n  output gate_write,\n"
          "  output gate_start,\n  output gate_end",
          out);
    fwrite(ports, 1, (size_t)(clock - ports), out);
    fputs(".clk(gate_clk)", out);
    clock += strlen(".clk(clk)");
    fwrite(clock, 1, (size_t)(last - clock), out);
    fprintf(out,
            "  assign gate_rst = %s;\n  assign gate_write = %s;\n"
            "  assign gate_start = %s & %s;\n  assign gate_end = %s & %s;\n",
            net[0], net[1], net[2], net[3], net[4], net[5]);
    fputs(last, out);
    bool written = !ferror(out);
    if (fclose(out) != 0 || !written) {
        *message = pool_format(pool, "%s: cannot be written", to);
        return false;
    }
    return true;
}
