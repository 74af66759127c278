#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The whole chain: sevencast-build makes packages of random variants; what libftdi gets from the simulated fabric
# is what the C model says, bit for bit, and the golden engine answers the same with the same cycles.
. "$(dirname "$0")/lib.sh"
need openFPGALoader
need ghdl-llvm
need sevencast-build

for seed in 5 6; do
    make-test-package "$work/variants" "random-$seed" $seed || fail "no test variant"
    sevencast-build "$work/variants/random-$seed" --out "$work/packages" --rtl "$SEVENCAST_SOURCE/rtl" \
        --vboard-sim "$SEVENCAST_BUILD/share/sevencast/sim" >"$work/build" 2>&1 || fail "$(tail -n 5 "$work/build")"
done
cat >"$work/run.sh" <<'END'
set -u
cd "$1"
for v in random-5 random-6; do
    openFPGALoader packages/$v/$v.bit >log 2>&1
    vboard ctl power mark
    bare-loop --package packages/$v --count 12 --timeout-ms 20000 >$v.$2 || exit 1
    vboard ctl power truth >$v.$2.truth
done
vboard ctl status >status.$2
END
for engine in ghdl golden; do
    vboard --engine $engine --packages "$work/packages" -- bash "$work/run.sh" "$work" $engine ||
        fail "$engine: $(cat "$work"/random-?.$engine)"
done
for v in random-5 random-6; do
    [ "$(field .origin "$work/$v.ghdl")$(field .origin "$work/$v.golden")" = '"virtual""model"' ] || fail "$v: origins"
    cycles=$(field .cycles "$work/packages/$v/build.json")
    for engine in ghdl golden; do
        # Board time knows nothing of how long the simulation took: busy is the inferences and, where there is fabric, the link.
        jq -e ".busy_seconds * .clock_hz / (12 * $cycles) | . > 0.9999 and . < 3" "$work/$v.$engine.truth" >/dev/null ||
            fail "$v: $engine: board time: $(cat "$work/$v.$engine.truth")"
        [ "$(field .cycles "$work/$v.$engine")" = "$cycles" ] || fail "$v: $engine says $(cat "$work/$v.$engine"), build.json $cycles"
    done
done
[ "$(field .boards[0].fpga.design.pin_violations "$work/status.ghdl")" = 0 ] || fail "breaches of the FIFO's pin timing"
echo "ok: $(cat "$work/random-6.ghdl")"
