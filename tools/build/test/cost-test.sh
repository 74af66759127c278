#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The planner's costs of memories equal yosys' counts: RAMB18s and LUTs that are memory exactly, other LUTs within 5 %
# and 4. cost-test.sh COST-TABLE-PROGRAM
set -eu
program=$1
command -v yosys >/dev/null || { echo "skipped: yosys is not installed"; exit 77; }
work=$(mktemp -d "${TMPDIR:-/tmp}/cost-test.XXXXXX")
trap 'rm -rf "$work"' EXIT
trap 'exit 1' HUP INT TERM
cd "$work"
"$program" >expected

# The memories of rtl/core as GHDL's netlist has them, a ROM's bits from a fixed random sequence.
awk 'function random() { state = (state * 1103515245 + 12345) % 2147483648; return int(state / 65536) % 2 }
    BEGIN { state = 1; top = "module top(input clk, input idle, input we, input [15:0] ra, input [15:0] wa, input [255:0] d" }
    {
        for (a = 1; 2 ^ a < $2; a++);
        name = $1 "_" $2 "_" $3
        style = $1 ~ /rom_logic/ ? "logic" : $1 ~ /distributed/ ? "distributed" : "block"
        printf "module %s(input clk, input idle, input we, input [15:0] ra, input [15:0] wa, input [255:0] d, output %s [%d:0] q);\n",
            name, $1 ~ /distributed/ ? "" : "reg", $3 - 1
        if ($1 !~ /distributed/)
            printf "(* %s_style = \"%s\" *) reg [%d:0] memory [0:%d];\n", substr($1, 1, 3), style, $3 - 1, $2 - 1
        if ($1 ~ /^rom/) {
            print "initial begin"
            for (i = 0; i < $2; i++) {
                printf "memory[%d] = %d\047b", i, $3
                for (b = 0; b < $3; b++) printf "%d", random()
                print ";"
            }
            printf "end\nalways @(posedge clk) if (idle) q <= 0; else q <= memory[ra[%d:0]];\n", a - 1
        } else if ($1 ~ /distributed/) {
            # memory_bank.vhd: pieces of 64 words, whole ones but the last
            either = ""
            for (p = 0; p * 64 < $2; p++) {
                for (b = 1; 2 ^ b < 64 && 2 ^ b < $2 - p * 64; b++);
                printf "(* ram_style = \"distributed\" *) reg [%d:0] memory%d [0:%d]; reg [%d:0] q%d;\n", $3 - 1, p, 2 ^ b - 1, $3 - 1, p
                printf "integer i%d; initial for (i%d = 0; i%d < %d; i%d = i%d + 1) memory%d[i%d] = 0;\n", p, p, p, 2 ^ b, p, p, p, p
                mine = $2 > 64 ? sprintf("wa[%d:6] == %d", a - 1, p) : "1"
                other = $2 > 64 ? sprintf("ra[%d:6] != %d", a - 1, p) : "0"
                printf "always @(posedge clk) begin if (we && %s) memory%d[wa[%d:0]] <= d[%d:0];\n", mine, p, b - 1, $3 - 1
                printf "if (idle || %s) q%d <= 0; else q%d <= memory%d[ra[%d:0]]; end\n", other, p, p, p, b - 1
                either = either (p ? " | q" : "q") p
            }
            print "assign q = " either ";"
        } else {
            printf "integer i; initial for (i = 0; i < %d; i = i + 1) memory[i] = 0;\n", $2
            printf "always @(posedge clk) begin if (we) memory[wa[%d:0]] <= d[%d:0]; if (!idle) q <= memory[ra[%d:0]]; end\n", a - 1, $3 - 1, a - 1
        }
        print "endmodule"
        top = top ", output [" $3 - 1 ":0] q" NR
        body = body name " m" NR "(clk, idle, we, ra, wa, d, q" NR ");\n"
    }
    END { print top ");\n" body "endmodule" }' expected >memories.v
yosys -q -p 'read_verilog memories.v; synth_xilinx -family xc7 -noiopad -noclkbuf -top top;
    tee -q -o stat.txt stat -tech xilinx' >yosys.log 2>&1 || { tail -5 yosys.log; exit 1; }

awk 'FNR == NR {
        if ($1 == "===") module = $2
        else if (NF != 2) next
        else if ($1 ~ /^LUT[1-6]$/) lut[module] += $2
        else if ($1 ~ /^RAM(32|64)M$/) { lut[module] += 4 * $2; lutram[module] += 4 * $2 }
        else if ($1 ~ /^RAM/ && $1 !~ /^RAMB/) { print "FAIL: " module ": a cell " $1; failed++ }
        else if ($1 == "RAMB18E1") block[module] += $2
        else if ($1 == "RAMB36E1") block[module] += 2 * $2
        next
    }
    {
        name = $1 "_" $2 "_" $3
        others = lut[name] - lutram[name]
        wanted = $6 - $5
        away = others > wanted ? others - wanted : wanted - others
        count++
        printf "%-16s %5d x %3d: %2d RAMB18, %3d LUT of memory, %3d others; planned %d, %d, %d\n", $1, $2, $3,
            block[name], lutram[name], others, $4, $5, wanted
        if (block[name] != $4 || lutram[name] != $5 || away > 4 + wanted / 20) { print "FAIL: " name; failed++ }
    }
    END { print "cost-test: " count + 0 " memories, " failed + 0 " failed"; exit failed > 0 || count == 0 }' stat.txt expected
