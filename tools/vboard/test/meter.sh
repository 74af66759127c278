#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The power meter through the unmodified libftdi: ids, energies against the truth, board time, faults.
. "$(dirname "$0")/lib.sh"
need openFPGALoader

make-test-package "$work/packages" random-5 5 || fail "no test variant"
# near A B LIMIT: |A / B - 1| <= LIMIT
near() { jq -en --argjson a "$1" --argjson b "$2" "(\$a / \$b - 1) | fabs <= $3" >/dev/null; }
cat >"$work/run.sh" <<'END'
set -u
cd "$1"
vboard ctl status | jq '.boards[0].meter' >status.before
meter-probe VB0001P ids >ids || exit 1
meter-probe VB0001P open-drain ids >ids.open || exit 1
# window 1: waiting, ten seconds of board time in no time
meter-probe VB0001P refresh >/dev/null && vboard ctl power mark && vboard ctl power skip 10
meter-probe VB0001P refresh energy >idle.read && vboard ctl power truth >idle.truth
# window 2: a design that computes
openFPGALoader packages/random-5/random-5.bit >log 2>&1
meter-probe VB0001P refresh >/dev/null && vboard ctl power mark
bare-loop --package packages/random-5 --count 300 --timeout-ms 20000 >loop || exit 1
vboard ctl power truth "$(jq .cycles loop)" >busy.truth
vboard ctl power skip 10
meter-probe VB0001P open-drain refresh energy >busy.read && vboard ctl power truth >busy.end
# faults
vboard ctl power nak 1
meter-probe VB0001P refresh 2>nak; echo $? >nak.code
meter-probe VB0001P clear-por ids >por.cleared
vboard ctl power reset
meter-probe VB0001P ids >por.reset
vboard ctl power saturate
meter-probe VB0001P refresh energy >saturated
meter-probe VB0001P refresh >/dev/null
vboard ctl power lose 1024 && vboard ctl power skip 3
meter-probe VB0001P refresh energy >lost
vboard ctl power sda-low on
meter-probe VB0001P ids >stuck || exit 1
vboard ctl power sda-low off
meter-probe VB0001P ids >freed || exit 1
vboard ctl mpsse-mute meter on
meter-probe VB0001P ids >mute 2>&1 && exit 1
vboard ctl mpsse-mute meter off
vboard ctl power gain FPGA_1V0 20000 2>refused && exit 1
meter-probe VB0001P clear-por >/dev/null && vboard ctl unplug meter && vboard ctl replug meter
meter-probe VB0001P ids >replugged
vboard ctl unplug && vboard ctl power skip 1
meter-probe VB0001P refresh && vboard ctl power skip 2
meter-probe VB0001P refresh energy >off
vboard ctl status >status
END
vboard --engine golden --power "rail BOARD static 300000" --packages "$work/packages" -- bash "$work/run.sh" "$work" ||
    fail "$(tail -n 3 "$work"/{ids,loop,nak,stuck,freed,mute} 2>&1)"

cd "$work" || exit 1
ids='{"pac1934_product":91,"pac1934_manufacturer":93,"pac1934_slow":21,"ina226_manufacturer":21577,"ina226_die":8800,"ina228_device":8833}'
[ "$(cat ids)" = "$ids" ] || fail "ids: $(cat ids)"
[ "$(cat ids.open)" = "$ids" ] || fail "ids, open drain: $(cat ids.open)"
# Power does not know the few milliseconds by which the windows differ; limits are half a code of V (0.98 mV) and of I (1.86 uA).
limits='{"FPGA_1V0": 1.2e-3, "FPGA_1V8": 7e-4, "FPGA_IO": 1.2e-3, "BOARD": 2.5e-4}'
for rail in FPGA_1V0 FPGA_1V8 FPGA_IO BOARD; do
    limit=$(jq -n "$limits.$rail")
    got=$(jq ".joules.$rail / .count * 1024" idle.read) true=$(jq ".joules.$rail / .seconds" idle.truth)
    near "$got" "$true" "$limit" || fail "$rail waiting: read $got W, truth $true W"
    got=$(jq ".joules.$rail" busy.read) true=$(jq ".joules.$rail" busy.end)
    near "$got" "$true" 5e-3 || fail "$rail computing: read $got J, truth $true J"
done
near "$(jq .joules.BOARD/.seconds idle.truth)" 0.3 1e-9 || fail "--power: $(cat idle.truth)"
# 300 inferences of the model, whose only time is its cycles
cycles=$(jq .cycles loop)
near "$(jq '.busy_seconds * .clock_hz' busy.truth)" $((300 * cycles)) 1e-9 || fail "board time: $(cat busy.truth)"
jq -e '.joules_per_inference.FPGA_1V0 > 0' busy.truth >/dev/null || fail "no joules per inference"

[ "$(cat nak.code)" = 3 ] || fail "no NAK: $(cat nak)"
[ "$(jq .pac1934_slow por.cleared),$(jq .pac1934_slow por.reset)" = 0,21 ] || fail "a reset of the sensor does not show"
[ "$(jq .count saturated)" = 16777215 ] || fail "no saturation: $(cat saturated)"
jq -e '.count >= 2048 and .count < 2400' lost >/dev/null || fail "no lost samples: $(cat lost)"
# A bus that is held low acknowledges everything and reads zeros: a driver must look at the ids or at the level.
[ "$(jq -c '[.[]] | add' stuck)" = 0 ] || fail "the stuck bus says $(cat stuck)"
[ "$(cat freed | jq .pac1934_product)" = 91 ] || fail "the bus does not recover"
[ "$(jq .pac1934_slow replugged)" = 21 ] || fail "the sensors keep their registers without power"
grep -q 'gain error in ppm' refused || fail "an absurd gain is taken: $(cat refused)"
jq -e '.joules.BOARD == 0 and .count > 1024' off >/dev/null || fail "an unplugged board draws power: $(cat off)"
jq -e '[.boards[0].meter | .. | objects | keys[]] | index("joules") == null' status >/dev/null || fail "status tells the truth"
echo "ok: $(jq -c .joules_per_inference busy.truth)"
