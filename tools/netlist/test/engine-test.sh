#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The Verilator engine behind the virtual board: what libftdi gets from it is what the model says, at GHDL's cycle
# count, without a breach of the FIFO's pin timing; and it ends with its configuration.
# engine-test.sh: SEVENCAST_BUILD and SEVENCAST_SOURCE are set by ctest.
. "${SEVENCAST_SOURCE:?set by ctest}/tools/vboard/test/lib.sh"
need openFPGALoader
need ghdl-llvm
need verilator
need sevencast-build

# Two windows fit, heads and a last token block that is not full.
core_random_variant "$work/variant" 11 7 3 8 2 12 1 2 6 >/dev/null || fail "no variant"
name=$(jq -r .name "$work/variant/manifest.json")
share=$SEVENCAST_BUILD/share/sevencast/sim
sevencast-build "$work/variant" --out "$work/packages" --rtl "$SEVENCAST_SOURCE/rtl" --vboard-sim "$share" \
    >"$work/log" 2>&1 || fail "$(tail -n 5 "$work/log")"
package=$work/packages/$name
sevencast-netlist verilate "$package" --rtl "$SEVENCAST_SOURCE/rtl" --vboard-sim "$share" >"$work/log" 2>&1 ||
    fail "$(tail -n 5 "$work/log" "$package/netlist/verilator.log")"
rm "$package/sim" # not by accident GHDL's
cat >"$work/run.sh" <<'END'
set -u
cd "$1"
openFPGALoader "packages/$2/$2.bit" >log 2>&1 || exit 10
bare-loop --package "packages/$2" --count 200 --timeout-ms 20000 >loop || exit 11
vboard ctl status >status.json || exit 12
pid=$(jq .boards[0].fpga.design.pid status.json)
openFPGALoader "packages/$2/$2.bit" >log 2>&1 || exit 13
sleep 0.2
[ -d "/proc/$pid" ] && exit 14
bare-loop --package "packages/$2" --count 20 --timeout-ms 20000 >again || exit 15
exit 0
END
vboard --engine verilator --packages "$work/packages" -- bash "$work/run.sh" "$work" "$name" ||
    fail "step $?: $(cat "$work/log" "$work/loop")"
cycles=$(jq .cycles "$package/build.json")
for run in loop again; do
    [ "$(field .mismatches "$work/$run")" = 0 ] || fail "results differ from the model: $(cat "$work/$run")"
    [ "$(field .cycles "$work/$run")" = "$cycles" ] || fail "not $cycles cycles, as under GHDL: $(cat "$work/$run")"
done
[ "$(field .samples "$work/loop")" = 200 ] || fail "not 200 inferences: $(cat "$work/loop")"
[ "$(field .origin "$work/loop")" = '"virtual"' ] || fail "the design does not say that it is virtual"
[ "$(field .boards[0].fpga.design.engine "$work/status.json")" = '"verilator"' ] || fail "not the Verilator engine"
[ "$(field .boards[0].fpga.design.pin_violations "$work/status.json")" = 0 ] || fail "breaches of the FIFO's pin timing"
echo "ok: $(cat "$work/loop")"
