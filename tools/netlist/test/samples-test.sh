#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Every sample that GHDL miscompiles: samples-test.sh SEVENCAST_NETLIST. Those of samples/ must come out
# repaired and equal the VHDL under GHDL cycle for cycle, and the repair they are for must have been
# needed; those of refused/ must be refused with their reason and leave no Verilog behind.
set -eu

netlist=$1
here=$(cd "$(dirname "$0")" && pwd)
cycles=2000
for tool in ghdl-llvm verilator; do
    command -v $tool >/dev/null || { echo "skipped: $tool is not installed"; exit 77; }
done
work=$(mktemp -d "${TMPDIR:-/tmp}/netlist-samples.XXXXXX")
trap 'rm -rf "$work"' EXIT
trap 'exit 1' HUP INT TERM

failed=0
complain() {
    echo "samples-test: $1" >&2
    failed=$((failed + 1))
}

refused=0
for file in "$here"/refused/*.vhd; do
    name=$(basename "$file" .vhd)
    reason=$(sed -n 's/^-- refused: //p' "$file")
    status=0
    "$netlist" emit --top "$name" --out "$work/$name" "$file" >"$work/$name.log" 2>&1 || status=$?
    [ $status -eq 1 ] || complain "$name: exit status $status instead of a refusal"
    grep -qF -- "$reason" "$work/$name.log" || complain "$name: refused for another reason: $(cat "$work/$name.log")"
    [ ! -e "$work/$name/$name.v" ] || complain "$name: refused, but there is Verilog"
    refused=$((refused + 1))
done

# The netlists of all samples in one program.
sources=
: >"$work/samples.h"
list=
names=
for file in "$here"/samples/*.vhd; do
    name=$(basename "$file" .vhd)
    if ! "$netlist" emit --top "$name" --out "$work/$name" "$file" >"$work/$name.log" 2>&1; then
        complain "$name: $(cat "$work/$name.log")"
        continue
    fi
    kind=$(sed -n 's/^-- repairs: //p' "$file")
    if [ -n "$kind" ] && ! jq -e ".repairs.$kind > 0" "$work/$name/$name.netlist.json" >/dev/null; then
        complain "$name: no repair of $kind was needed"
    fi
    verilator --cc --prefix "V$name" --Mdir "$work/$name/model" -Wno-fatal -Wno-lint -Wno-style \
        --x-assign fast --x-initial fast --top-module "$name" "$work/$name/$name.v" >"$work/$name.log" 2>&1 ||
        complain "$name: verilator: $(head -5 "$work/$name.log")"
    echo "#include \"V$name.h\"" >>"$work/samples.h"
    list="$list X($name)"
    names="$names $name"
    sources="$sources $(echo "$work/$name/model"/*.cpp) -I$work/$name/model"
done
echo "#define SAMPLES $list" >>"$work/samples.h"
root=$(verilator --getenv VERILATOR_ROOT)
# shellcheck disable=SC2086
c++ -std=c++17 -O0 -w -I"$work" -I"$root/include" -I"$root/include/vltstd" -DVM_TRACE=0 \
    -o "$work/bench" "$here/bench.cpp" $sources "$root/include/verilated.cpp" \
    "$root/include/verilated_threads.cpp" -pthread
"$work/bench" "$work" $cycles

# The VHDL of all samples in one bench.
instances=
for name in $names; do
    instances="$instances
  is_$name : if sample_g = \"$name\" generate
    dut : entity work.$name port map (clk => clk, a => a, y => y);
  end generate;"
done
awk -v instances="$instances" '/-- INSTANCES/ { print instances; next } { print }' "$here/bench_tb.vhd" >"$work/bench_tb.vhd"
(cd "$work" && ghdl-llvm -a --std=08 "$here"/samples/*.vhd bench_tb.vhd && ghdl-llvm -e --std=08 bench_tb)

equal=0
for name in $names; do
    "$work/bench_tb" --ieee-asserts=disable -gsample_g="$name" -gcycles_g=$cycles \
        -goutput_g="$work/$name.vhdl" >"$work/$name.log" 2>&1 ||
        { complain "$name: GHDL: $(head -5 "$work/$name.log")"; continue; }
    lines=$(wc -l <"$work/$name.vhdl")
    if [ "$lines" -ne $cycles ]; then
        complain "$name: GHDL wrote $lines lines of $cycles"
    elif ! cmp -s "$work/$name.vhdl" "$work/$name.netlist"; then
        complain "$name: netlist and VHDL differ, VHDL first:
$(diff "$work/$name.vhdl" "$work/$name.netlist" | head -6)"
    else
        equal=$((equal + 1))
    fi
done
echo "samples-test: $equal samples equal over $cycles cycles, $refused refused, $failed failures"
[ $failed -eq 0 ] && [ $equal -gt 0 ] && [ $refused -gt 0 ]
