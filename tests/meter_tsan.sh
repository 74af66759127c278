#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The meter's thread beside the worker under the thread sanitizer: a session of sevencast power with bursts, perturbation
# (the monitor is paused and read again) and an experiment, while monitors fail, are pulled and come back. Whatever the
# sanitizer finds in the daemon or a worker fails the test. Only in builds with it.
set -u
. "$SEVENCAST_SOURCE/tests/skip.sh"
need jq openFPGALoader
need_preload
export PATH="$SEVENCAST_BUILD/bin:$PATH" TSAN_OPTIONS="suppressions=$SEVENCAST_SOURCE/daemon/test/tsan.supp exitcode=66"
work=$(mktemp -d)
trap 'kill $daemon 2>/dev/null; wait $daemon 2>/dev/null; vboard ctl --world "$work/w" quit >/dev/null 2>&1; rm -rf "$work"' EXIT
fail() { echo "meter_tsan: $*"; grep -A60 -m1 'ThreadSanitizer' "$work/log" || tail -n 20 "$work/log"; exit 1; }
daemon=

for seed in 5 6 7; do # one for each board, so that it is clear which board a burst is for
    make-test-package "$work/packages" random-$seed $seed || fail "no test variant"
done
vboard serve --world "$work/w" --packages "$work/packages" --board VB0001 --board VB0002 --board VB0003 --engine golden \
    --power 'noise 2000' --background || fail "no virtual board"
board() { # NAME SERIAL CHIP RAILS VARIANT
    printf '[board %s]\nserial = %s\nallow_virtual = yes\nvariant = %s\nmeter = %s\nmeter_serial = %sP\nrails = %s\n' \
        "$1" "$2" "$5" "$3" "$2" "$4"
}
{
    printf '[daemon]\ncontrol = ipc://%s/control\nvariants = %s/packages\nrun_dir = %s\nstate_dir = %s\n' "$work" "$work" "$work" "$work"
    board pac VB0001 pac1934 'FPGA_1V0:0.82, FPGA_1V8:0.82, FPGA_IO:0.82, BOARD:0.82' random-5
    board ina VB0002 ina226 BOARD:0.2 random-6
    board ina228 VB0003 ina228 BOARD:0.2 random-7
} >"$work/conf"
# No log_path in TSAN_OPTIONS: with it the sanitizer's runtime and umockdev's do not go together, and no device is found.
vboard exec --world "$work/w" -- sevencastd --config "$work/conf" >"$work/log" 2>&1 &
daemon=$!
ask() { sevencast --endpoint "ipc://$work/control" "$@"; }
for _ in $(seq 300); do
    [ "$(ask --json boards 2>/dev/null | jq '[.boards[] | select(.state == "READY" and .power.rails[0].watt > 0)] | length')" = 3 ] && break
    sleep 0.1
done
[ "$(ask --json boards | jq '[.boards[] | select(.state == "READY")] | length')" = 3 ] || fail "the boards do not come up"

ask power random-5 --board pac --windows 4 --seconds 0.3 --warmup 0 --idle 2.2 --perturbation 2 --out "$work/pac" >/dev/null 2>"$work/err" || fail "session: $(cat "$work/err")"
jq -e '.state == "complete" and .variants[0].windows_good == 4' "$work/pac/session.json" >/dev/null || fail "session: $(jq -c .variants "$work/pac/session.json")"
ask power random-7 --board ina228 --windows 6 --max-windows 30 --seconds 0.3 --warmup 0 --idle 0 --perturbation 0 --out "$work/ina228" >/dev/null 2>"$work/err" &
session=$!
for k in 1 2 3; do
    vboard ctl --world "$work/w" power nak 1 --board VB0003 >/dev/null
    vboard ctl --world "$work/w" power reset INA226 --board VB0002 >/dev/null
    vboard ctl --world "$work/w" unplug meter --board VB0002 >/dev/null
    sleep 0.5
    vboard ctl --world "$work/w" replug meter --board VB0002 >/dev/null
    [ $k = 2 ] && vboard ctl --world "$work/w" unplug --board VB0001 >/dev/null # a worker that loses its board
    sleep 0.5
done
vboard ctl --world "$work/w" replug --board VB0001 >/dev/null
wait $session || fail "session: $(cat "$work/err")"
for _ in $(seq 200); do
    [ "$(ask --json boards | jq '[.boards[] | select(.state == "READY" and .power.rails[0].watt > 0)] | length')" = 3 ] && break
    sleep 0.1
done
[ "$(ask --json boards | jq '[.boards[] | select(.power.rails[0].watt > 0)] | length')" = 3 ] || fail "a monitor did not come back"
kill "$daemon"
wait "$daemon" || fail "exit code $?"
daemon=
grep -q 'ThreadSanitizer' "$work/log" && fail "the sanitizer found something"
grep -q 'worker: ended' "$work/log" && fail "a worker died"
echo "meter_tsan: nothing found"
