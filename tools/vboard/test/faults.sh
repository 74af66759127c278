#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Chips beside the data path (EEPROM, latency timer, claims, back-pressure, the meter), and every fault on demand.
. "$(dirname "$0")/lib.sh"
need openFPGALoader

make-test-package "$work/packages" first 1 || fail "no test package"

cat >"$work/run.sh" <<'END'
set -u
cd "$1"
step() { echo "$*" >step; }
loop() { timeout 20 bare-loop --timeout-ms 300 --package packages/first --count "${1:-5}" >loop 2>loop.err; }
program() { timeout 20 openFPGALoader packages/first/first.bit >log 2>&1; }
of_fpga() { vboard ctl status | jq -c ".boards[0].fpga.$1"; }

step chips
usb-probe eeprom meter claim latency backpressure || exit 1

step stall
vboard ctl stall 1 || exit 1
usb-probe stall || exit 1

step "wrong idcode"
vboard ctl wrong-idcode on || exit 1
openFPGALoader --detect >log 2>&1
grep -q xc7s15 log && exit 1
program
[ "$(of_fpga done)" = false ] || exit 1
vboard ctl wrong-idcode off || exit 1

step "done low"
vboard ctl done-low on || exit 1
program
[ "$(of_fpga done)" = false ] && [ "$(of_fpga init)" = true ] || exit 1
vboard ctl done-low off || exit 1
program
[ "$(of_fpga done)" = true ] || exit 1
loop || exit 1

step "tdo low"
vboard ctl tdo-low on || exit 1
openFPGALoader --detect >log 2>&1
grep -q idcode log && exit 1
vboard ctl tdo-low off || exit 1

step "mpsse mute"
vboard ctl mpsse-mute on || exit 1
timeout -s KILL 1 openFPGALoader --detect >log 2>&1
[ $? -eq 137 ] || exit 1 # it hangs for ever, as it does with a dead chip
vboard ctl mpsse-mute off || exit 1
openFPGALoader --detect 2>&1 | grep -q xc7s15 || exit 1

for d in to-device to-host; do
    for what in lose corrupt insert; do
        step "fifo $what $d"
        vboard ctl fifo $what $d 7 || exit 1
        loop 1 || [ $? -eq 1 ] || exit 1 # inserted noise is skipped, the others lose the answer
        bare-loop --resync --package packages/first --count 20 >loop 2>loop.err || exit 1
    done
done

step "engine wedge"
vboard ctl engine wedge || exit 1
loop 1 && exit 1
vboard ctl engine resume || exit 1
bare-loop --resync --package packages/first --count 20 >loop 2>loop.err || exit 1

step "engine kill"
vboard ctl engine kill || exit 1
loop 1 && exit 1
of_fpga design.reason | grep -q 'signal 9' || exit 1
[ "$(of_fpga design.running)" = false ] && [ "$(of_fpga done)" = true ] || exit 1
program && loop || exit 1

step "package without cycles"
mv packages/first/build.json build.json
program
sleep 0.2
of_fpga design.reason | grep -q 'exit code 1' || exit 1 # the golden engine makes no figure up
mv build.json packages/first/build.json
program && loop || exit 1

step "reprogram with a wedged engine"
vboard ctl engine wedge || exit 1
program && loop || exit 1

step "unplug"
usb-probe until-unplugged >reading &
reader=$!
for i in $(seq 100); do grep -q reading reading && break; sleep 0.02; done
vboard ctl unplug || exit 1
wait $reader || exit 1
openFPGALoader --scan-usb 2>&1 | grep -q 'VB0001 ' && exit 1
vboard ctl unplug 2>/dev/null && exit 1
[ "$(of_fpga done)" = false ] || exit 1 # power came through the cable
vboard ctl replug || exit 1
program && loop || exit 1
vboard ctl unplug powered && vboard ctl replug || exit 1
[ "$(of_fpga done)" = true ] || exit 1
bare-loop --resync --package packages/first --count 20 >loop || exit 1

step "hotplug"
usb-probe hotplug >listening &
listener=$!
for i in $(seq 100); do grep -q listening listening && break; sleep 0.02; done
vboard ctl unplug && vboard ctl replug || exit 1
wait $listener || exit 1

step "refusals"
vboard ctl nonsense 2>/dev/null && exit 1
vboard ctl stall x 2>/dev/null && exit 1
vboard ctl fifo lose sideways 3 2>/dev/null && exit 1
vboard ctl unplug --board NOPE 2>/dev/null && exit 1
exit 0
END
vboard --engine golden --packages "$work/packages" -- bash "$work/run.sh" "$work" 2>"$work/err" ||
    fail "at: $(cat "$work/step"): $(tail -n 5 "$work/err" "$work/log" "$work/loop.err" 2>/dev/null)"
echo "ok"
