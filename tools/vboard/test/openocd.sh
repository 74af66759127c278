#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# OpenOCD, which programs without JSTART: scan, load a virtual bitstream, read the status register.
. "$(dirname "$0")/lib.sh"
need openocd

make-test-package "$work/packages" first 1 || fail "no test package"
cat >"$work/openocd.cfg" <<END
adapter driver ftdi
ftdi vid_pid 0x0403 0x6010
ftdi channel 0
ftdi layout_init 0x0008 0x000b
transport select jtag
adapter speed 10000
source [find cpld/xilinx-xc7.cfg]
init
scan_chain
pld load 0 $work/packages/first/first.bit
echo [virtex2 read_stat 0]
shutdown
END
cat >"$work/run.sh" <<'END'
timeout 60 openocd -f "$1/openocd.cfg" >"$1/log" 2>&1
vboard ctl status >"$1/status.json" || exit 1
bare-loop --package "$1/packages/first" --count 20 >/dev/null
END
vboard --engine golden --packages "$work/packages" -- bash "$work/run.sh" "$work" || fail "$(cat "$work/log")"
grep -q 'tap/device found: 0x03620093' "$work/log" || fail "no TAP: $(cat "$work/log")"
[ "$(field .boards[0].fpga.done "$work/status.json")" = true ] || fail "DONE is low"
stat=$(sed -n 's/.*status register: //p' "$work/log")
[ -n "$stat" ] && [ $((stat & 0x4000)) -ne 0 ] || fail "STAT without DONE: $(cat "$work/log")"
echo "ok: STAT $stat"
