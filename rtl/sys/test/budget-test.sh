#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# How much of the FPGA the system round the accelerator takes: yosys estimate (no place and route) of
# top with the stand-in, the accelerator's own module left out. Fails above the limits below.
set -eu

max_luts=920 # logic, and 4 for each RAM64M
max_ffs=880

for tool in ghdl-llvm yosys; do
    if ! command -v $tool >/dev/null; then
        echo "skipped: $tool is not installed"
        exit 77
    fi
done
rtl=$(cd "$(dirname "$0")/../.." && pwd)
work=$(mktemp -d "${TMPDIR:-/tmp}/budget.XXXXXX")
trap 'rm -rf "$work"' EXIT
trap 'exit 1' HUP INT TERM
cd "$work"

# shellcheck disable=SC2046 # paths without blanks
ghdl-llvm synth --std=08 --out=verilog "$rtl/sys/test/standin/variant_pkg.vhd" \
    "$rtl/sys/test/standin/accelerator.vhd" $(sed "s,^,$rtl/," "$rtl/sys/files.f") -e top \
    >raw.v 2>synth.log || { cat synth.log; exit 1; }
awk -f "$rtl/case-defaults.awk" raw.v >top.v
yosys -q -p 'read_verilog top.v; setattr -set ram_style "distributed" ram_dist*/m:*;
    synth_xilinx -family xc7 -top top; tee -q -o stat.txt stat -tech xilinx' >yosys.log 2>&1 ||
    { cat yosys.log; exit 1; }

awk -v max_luts=$max_luts -v max_ffs=$max_ffs '
    /^===/ { module = $2 } # the last one is the hierarchy: how often each is there
    /^===/ && /design hierarchy/ { tree = 1 }
    tree && NF == 2 && $2 ~ /^[0-9]+$/ && ($1 in cells) { times[$1] += $2; next }
    tree || module == "accelerator" { next }
    NF == 2 && $2 ~ /^[0-9]+$/ { cells[module] = 1 }
    $1 ~ /^LUT[1-6]$/ { luts[module] += $2 }
    $1 == "RAM64M" || $1 == "RAM32M" { luts[module] += 4 * $2 }
    $1 ~ /^RAM(32|64)X1D$/ { luts[module] += 2 * $2 }
    $1 ~ /^SRL/ { luts[module] += $2 }
    $1 ~ /^FD[RSCP]E$/ { ffs[module] += $2 }
    $1 ~ /^LD/ { latches += $2 }
    $1 ~ /^RAMB/ { brams += $2 }
    $1 ~ /^DSP/ { dsps += $2 }
    END {
        print "yosys estimate of rtl/sys (times, LUTs with those used as memory, flip-flops of one):"
        for (m in cells) {
            printf "  %-20s %2d %5d %5d\n", m, times[m], luts[m], ffs[m]
            if (!times[m]) { print "FAIL: " m " is nowhere in the hierarchy"; exit 1 }
            l += times[m] * luts[m]
            f += times[m] * ffs[m]
        }
        printf "  %-20s    %5d %5d, %d latches, %d block RAMs, %d DSPs\n", "all", l, f, latches, brams, dsps
        if (l < 100) { print "FAIL: nothing was counted"; exit 1 }
        if (l > max_luts || f > max_ffs || latches + brams + dsps > 0) {
            printf "FAIL: more than %d LUTs or %d flip-flops, or a latch, block RAM or DSP\n",
                max_luts, max_ffs
            exit 1
        }
    }' stat.txt
