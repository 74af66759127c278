#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Unmodified programs see the virtual board: lsusb, openFPGALoader --detect and --scan-usb, several boards.
. "$(dirname "$0")/lib.sh"
need lsusb
need openFPGALoader

vboard -- lsusb -v >"$work/lsusb" 2>&1 || fail "lsusb -v ended with $?"
grep -q 'idProduct *0x6010' "$work/lsusb" || fail "lsusb shows no FT2232H"
grep -q 'idProduct *0x6014' "$work/lsusb" || fail "lsusb shows no FT232H"
grep -q 'iSerial *3 VB0001$' "$work/lsusb" || fail "lsusb -v could not read the serial from the device"
grep -q 'iSerial *3 VB0001P$' "$work/lsusb" || fail "lsusb -v could not read the meter's serial"
grep -qi 'can.t get' "$work/lsusb" && fail "lsusb -v: $(grep -i 'can.t get' "$work/lsusb")"

vboard -- openFPGALoader --detect >"$work/detect" 2>&1 || fail "--detect ended with $?"
grep -q 'idcode 0x3620093' "$work/detect" || fail "wrong IDCODE: $(cat "$work/detect")"
grep -q 'xc7s15' "$work/detect" || fail "not an xc7s15: $(cat "$work/detect")"

vboard --part xc7s50 -- openFPGALoader --detect >"$work/detect" 2>&1
grep -q 'xc7s50' "$work/detect" || fail "--part xc7s50: $(cat "$work/detect")"

vboard --board AB01 --board AB02 -- openFPGALoader --scan-usb >"$work/scan" 2>&1
for s in AB01 AB02 AB01P AB02P; do
    grep -q " $s " "$work/scan" || fail "--scan-usb does not show $s: $(cat "$work/scan")"
done
vboard --board AB01 --board AB02 -- openFPGALoader --ftdi-serial AB02 --detect >"$work/detect" 2>&1
grep -q 'xc7s15' "$work/detect" || fail "second board by serial: $(cat "$work/detect")"
vboard -- openFPGALoader --ftdi-serial NOPE --detect >"$work/detect" 2>&1 && fail "a serial that does not exist was found"

# Exit codes are the command's own.
vboard -- sh -c 'exit 42'
[ $? -eq 42 ] || fail "exit code does not come through"
vboard -- sh -c 'kill -9 $$'
[ $? -eq 137 ] || fail "death by signal is not 128+N"
vboard -- /nonexistent/command 2>/dev/null
[ $? -eq 127 ] || fail "a command that does not exist is not 127"
vboard --nonsense 2>/dev/null
[ $? -eq 125 ] || fail "a wrong option is not 125"
echo "ok"
