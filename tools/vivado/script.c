// SPDX-License-Identifier: Apache-2.0
#include "tools/vivado/script.h"

#include <inttypes.h>
#include <string.h>

int script_path_ok(const char *path)
{
    for (; *path; path++)
        if ((unsigned char)*path < ' ' || strchr("{}\\\x7f", *path))
            return 0;
    return 1;
}

// Picoseconds, rounded down: never slower than asked for.
static long period_ps(long clock_hz)
{
    return (long)(INT64_C(1000000000000) / clock_hz);
}

int script_board_xdc(FILE *out, const struct script *s)
{
    long ps = period_ps(s->clock_hz);
    fprintf(out, "# Written by sevencast-build: the clock of %s and the board's sites.\n",
            s->variant);
    fprintf(out, "create_clock -name clk -period %ld.%03ld [get_ports clk]\n", ps / 1000,
            ps % 1000);
    for (int i = 0; i < PIN_COUNT; i++)
        fprintf(out, "set_property PACKAGE_PIN %s [get_ports {%s}]\n", s->pins->site[i],
                script_ports[i]);
    return ferror(out) ? -1 : 0;
}

int script_tcl(FILE *out, const struct script *s)
{
    fprintf(out,
            "# Written by sevencast-build: variant %s\n"
            "# %s\n"
            "puts \"" SCRIPT_STEP "reading\"\n",
            s->variant, s->hash_hex);
    for (size_t i = 0; i < s->vhdl_count; i++)
        fprintf(out, "read_vhdl -vhdl2008 {%s}\n", s->vhdl[i]);
    fprintf(out, "read_xdc " SCRIPT_BOARD_XDC "\nread_xdc {%s}\n", s->constraints);
    fprintf(out,
            "puts \"" SCRIPT_STEP "synthesis\"\n"
            "synth_design -top top_xc7s15 -part %s\n"
            "puts \"" SCRIPT_STEP "placement\"\n"
            "opt_design\n"
            "place_design\n"
            "phys_opt_design\n"
            "puts \"" SCRIPT_STEP "routing\"\n"
            "route_design\n"
            "puts \"" SCRIPT_STEP "reports\"\n"
            "write_checkpoint -force routed.dcp\n"
            "report_utilization -file " SCRIPT_UTILIZATION "\n"
            "report_timing_summary -file " SCRIPT_TIMING "\n"
            "report_route_status -file " SCRIPT_ROUTE "\n"
            "report_power -file " SCRIPT_POWER "\n"
            "puts \"" SCRIPT_STEP "bitstream\"\n"
            "set_property BITSTREAM.GENERAL.COMPRESS TRUE [current_design]\n"
            "set_property BITSTREAM.CONFIG.USERID 0x%08" PRIX32 " [current_design]\n"
            "write_bitstream -force " SCRIPT_BITSTREAM "\n"
            "puts \"" SCRIPT_STEP "done\"\n",
            s->part, s->usercode);
    return ferror(out) ? -1 : 0;
}
