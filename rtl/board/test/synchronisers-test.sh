#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Every input of top_xc7s15 in the netlist that GHDL synthesises: RXF# and TXE# go into one flip-flop
# each, that one into one more and nowhere else; a data line into one flip-flop and nowhere else; the
# clock to clock pins only; there is no other input. Then the same with faults planted, which must be
# found.
set -eu

for tool in ghdl-llvm yosys; do
    if ! command -v $tool >/dev/null; then
        echo "skipped: $tool is not installed"
        exit 77
    fi
done
rtl=$(cd "$(dirname "$0")/../.." && pwd)
work=$(mktemp -d "${TMPDIR:-/tmp}/synchronisers.XXXXXX")
trap 'rm -rf "$work"' EXIT
trap 'exit 1' HUP INT TERM

# Cells with an input on selection $1, into selection $2; %co1 also keeps where it started from.
readers() {
    echo "select -set $2 $1 %co1 t:* %i"
}
{
    echo "read_verilog netlist.v"
    echo "hierarchy -check -top top_xc7s15; proc; flatten; opt_expr; opt_dff; opt_clean -purge"
    echo "cd top_xc7s15"
    echo "select -assert-count 4 i:*"
    echo "select -assert-count 4 i:clk i:ft_rxf_n i:ft_txe_n i:ft_data"
    echo "select -assert-none i:clk %co1:-[CLK,RD_CLK,WR_CLK] t:* %i"
    for pin in ft_rxf_n ft_txe_n; do
        readers i:$pin ${pin}_1
        echo "select -assert-count 1 @${pin}_1"
        echo "select -assert-count 1 i:$pin %co1:+[D] t:\$dff %i"
        echo "select -set ${pin}_q @${pin}_1 %co1:+[Q] w:* %i"
        readers @${pin}_q ${pin}_2
        echo "select -assert-count 1 @${pin}_2"
        echo "select -assert-count 1 @${pin}_q %co1:+[D] t:\$dff %i"
        # Used by logic from here on: also the check that the path above is not a dead end.
        echo "select -set ${pin}_u @${pin}_2 %co1:+[Q] w:* %i"
        echo "select -assert-min 1 @${pin}_u %co1 t:* %i"
        echo "select -assert-none @${pin}_1 @${pin}_2 %i"
    done
    # A data line passes multiplexers (which only choose when it is taken) into one flip-flop.
    echo "select -set reach i:ft_data %co*:+\$mux,\$pmux[A,B,Y]"
    echo "select -set data @reach %co1 t:* %i t:\$mux t:\$pmux %u %d"
    echo "select -assert-count 1 @data"
    echo "select -assert-count 1 @data t:\$dff t:\$dffe t:\$sdff t:\$sdffe %u %u %u %i"
} >"$work/check.ys"

# check FOLDER: 0 when the design under FOLDER keeps the rules, 1 when not, 3 when it has no netlist.
check() {
    mkdir "$work/run"
    (
        cd "$work/run"
        # shellcheck disable=SC2046 # paths without blanks
        ghdl-llvm synth --std=08 --out=verilog "$1/sys/test/standin/variant_pkg.vhd" \
            "$1/sys/test/standin/accelerator.vhd" \
            $(cat "$1/sys/files.f" "$1/board/files.f" | sed "s,^,$1/,") -e top_xc7s15 \
            >raw.v 2>synth.log || { cat synth.log; exit 3; }
        awk -f "$1/case-defaults.awk" raw.v >netlist.v
        yosys -q "$work/check.ys" >yosys.log 2>&1 || exit 1
    )
}

if ! check "$rtl"; then
    cat "$work/run/yosys.log"
    echo "FAIL: an input of top_xc7s15 is not synchronised as it should be"
    exit 1
fi
rm -rf "$work/run"

found=0
plant() {
    cp -r "$rtl" "$work/rtl"
    sed -i "$2" "$work/rtl/$1"
    ! cmp -s "$rtl/$1" "$work/rtl/$1" || { echo "FAIL: changes nothing: $2"; exit 1; }
    status=0
    check "$work/rtl" || status=$?
    if [ $status -ne 1 ] || ! grep -q "selection did not\|Assertion failed\|ERROR: Assert" "$work/run/yosys.log"; then
        cat "$work/run/yosys.log"
        echo "FAIL: exit $status, not 1, with: $2"
        exit 1
    fi
    found=$((found + 1))
    rm -rf "$work/rtl" "$work/run"
}
plant sys/ft245.vhd "s/rxf_n      <= rxf_n_meta;/rxf_n <= ft_rxf_n;/"
plant sys/ft245.vhd "s/txe_n = '0') or (rxf_n = '0' and full = '0')/ft_txe_n = '0') or (rxf_n = '0' and full = '0')/"
plant sys/ft245.vhd "s/elsif rxf_n = '0' and full = '0' then/elsif rxf_n_meta = '0' and full = '0' then/"
plant board/top_xc7s15.vhd "s/shown       <= working;/shown <= working or ft_data(0);/"
plant board/top_xc7s15.vhd "s/  led     <= shown/  led <= (shown and clk)/"
echo "PASS: 4 inputs, $found planted faults found"
