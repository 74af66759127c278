#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# How much of the FPGA the system round the accelerator takes, at the widths of one variant: yosys
# estimate (no place and route) of top with flip-flops in the accelerator's place. Fails when any
# figure is above that of budget.golden; --update writes that file anew.
#   budget-test.sh BIN-DIR [--update]
set -eu

bin=$1
update=${2-}
here=$(cd "$(dirname "$0")" && pwd)
rtl=$here/../..
golden=$here/budget.golden
variant=demand-w8
work=$(mktemp -d "${TMPDIR:-/tmp}/budget.XXXXXX")
trap 'rm -rf "$work"' EXIT
trap 'exit 1' HUP INT TERM

"$bin/sevencast-build" "$rtl/../variants/$variant" --vhdl "$work/variant_pkg.vhd" --synthesis
# shellcheck disable=SC2046 # paths without blanks
"$bin/sevencast-netlist" emit --top top --files "$rtl/sys/files.f" --root "$rtl" --out "$work/net" \
    $(sed "s,^,$rtl/," "$rtl/core/packages.f") "$work/variant_pkg.vhd" \
    "$here/empty/accelerator.vhd"
"$bin/sevencast-netlist" count "$work/net" --top top --part xc7s15 --json >"$work/count.json"

# NAME VALUE, one a line
sed -n 's/^  "\(lut\|lutram\|ff\|dsp\|ramb18\|critical_ns\)": \([0-9.]*\),*$/\1 \2/p' \
    "$work/count.json" >"$work/found"
if [ "$update" = --update ]; then
    {
        echo "# rtl/sys at the widths of $variant, yosys estimate. By budget-test.sh BIN-DIR --update."
        cat "$work/found"
    } >"$golden"
    cat "$golden"
    exit 0
fi
awk '/^#/ { next }
    NR == FNR { limit[$1] = $2; next }
    {
        if (!($1 in limit)) { print "FAIL: " $1 " is not in budget.golden"; bad = 1; next }
        verdict = $2 > limit[$1] + 0 ? "FAIL: more than" : $2 < limit[$1] + 0 ? "less than" : "as in"
        printf "  %-12s %8s, %s budget.golden: %s\n", $1, $2, verdict, limit[$1]
        if ($2 > limit[$1] + 0) bad = 1
        seen++
    }
    END { if (seen != 6) { print "FAIL: " seen + 0 " figures, not 6"; bad = 1 } exit bad }' \
    "$golden" "$work/found"
