#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The GHDL engine: rtl/sys with its stand-in accelerator behind the bench's pins, asked by libftdi. Results are
# the stand-in's formula, the pin timing is clean, the process sleeps when idle, and it ends with its configuration.
. "$(dirname "$0")/lib.sh"
need openFPGALoader
need ghdl-llvm
rtl=$SEVENCAST_SOURCE/rtl
share=$SEVENCAST_BUILD/share/sevencast/sim

make-test-package "$work/packages" standin 1 || fail "no test package"
package=$work/packages/standin
mkdir "$work/ghdl" && cd "$work/ghdl" || exit 1
# shellcheck disable=SC2046 # a list of paths without blanks
ghdl-llvm -a --std=08 -O2 "$rtl/sys/test/standin/variant_pkg.vhd" "$rtl/sys/test/standin/accelerator.vhd" \
    $(sed "s|^|$rtl/|" "$rtl/sys/files.f") "$share/board_bench.vhd" &&
    ghdl-llvm -e --std=08 -O2 -o "$package/sim" "-Wl,$share/libvboard_sim_host.a" board_bench ||
    fail "the simulation does not build"
cd "$work" || exit 1

# Windows of 6 codes and the results of the stand-in's formula: y(k) = sum of x(i) (i+1) 37 (k+1).
{
    printf '{"variant": "standin", "windows": ['
    for w in 0 1 2 3 4 5 6 7; do
        x="" sum=0
        for i in 0 1 2 3 4 5; do
            code=$(((w * 5 + i * 3 + 7 * w * i) % 15 - 7))
            x="$x${x:+, }$code" sum=$((sum + code * (i + 1) * 37))
        done
        printf '%s{"x": [%s], "y": [%d, %d]}' "${comma:-}" "$x" $sum $((2 * sum))
        comma=", "
    done
    printf ']}\n'
} >"$package/golden.json"

cat >"$work/run.sh" <<'END'
set -u
cd "$1"
openFPGALoader packages/standin/standin.bit >log 2>&1 || exit 10
bare-loop --package packages/standin --count 300 >loop || exit 11
vboard ctl status >status.json || exit 12
pid=$(jq .boards[0].fpga.design.pid status.json)
before=$(cut -d' ' -f14,15 /proc/$pid/stat)
sleep 0.5
[ "$before" = "$(cut -d' ' -f14,15 /proc/$pid/stat)" ] || exit 13 # asleep: no CPU tick
bare-loop --package packages/standin --count 100 >/dev/null || exit 14
openFPGALoader packages/standin/standin.bit >log 2>&1 || exit 15
sleep 0.2
[ -d "/proc/$pid" ] && exit 16 # the old design ended with its configuration
bare-loop --package packages/standin --count 10 >/dev/null || exit 17
exit 0
END
vboard --packages "$work/packages" -- bash "$work/run.sh" "$work" || fail "step $? failed: $(cat "$work/log")"
[ "$(field .origin loop)" = '"virtual"' ] || fail "the design does not say that it is virtual"
[ "$(field .boards[0].fpga.design.pin_violations status.json)" = 0 ] || fail "breaches of the FIFO's pin timing"
[ "$(field .boards[0].fpga.design.engine status.json)" = '"ghdl"' ] || fail "not the GHDL engine"
echo "ok: $(cat loop)"
