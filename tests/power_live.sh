#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# sevencast power on a terminal: what is on the screen while it runs, and that Ctrl-C on the keyboard keeps what was
# measured. sevencastd, the virtual board (golden engine) and its PAC1934; script(1) is the terminal.
set -u
. "$SEVENCAST_SOURCE/tests/skip.sh"
need jq openFPGALoader script
need_preload
if [ "${1:-}" != inside ]; then
    exec "$SEVENCAST_BUILD/bin/vboard" --packages "$SEVENCAST_BUILD/packages" --engine golden --power 'noise 2000' -- "$0" inside
fi
. "$SEVENCAST_SOURCE/tools/session.sh"
session_begin "$SEVENCAST_BUILD"
session_board=("meter = pac1934" "meter_serial = VB0001P" "rails = FPGA_1V0:0.82, FPGA_1V8:0.82, FPGA_IO:0.82, BOARD:0.82")
session_daemon demand-w8 || exit 1
typed=$session/keys shown=$session/typescript escape=$'\033'
fail() {
    echo "power_live: $1"
    sed 's/\r/\\r/g; s/\x1b/\\e/g' "$shown" 2>/dev/null | tail -12
    exit 1
}
# The line that the cursor is on: what was written since the latest return that erases.
cursor_line() { tr '\r' '\n' <"$shown" | tail -1 | sed "s/^$escape\[K//"; }
# Lines that stay: what each holds behind its latest erasing return.
kept_lines() { head -n "$(wc -l <"$shown")" "$shown" | sed "s/\r\$//; s/.*\r$escape\[K//" | grep -v '^Script '; }

mkfifo "$typed" || exit 1
script -qefc "sevencast power demand-w8 --windows 50 --max-windows 50 --seconds 0.3 --warmup 0 --idle 2.2 --perturbation 0 --out $session/live" "$shown" \
    <"$typed" >/dev/null 2>&1 &
pid=$!
exec 3>"$typed"

# At rest, then window by window: the variant, what is measured, power by rail, the median so far.
seen_idle=no seen_window=no
for _ in $(seq 600); do
    line=$(cursor_line 2>/dev/null)
    [[ $line =~ ^demand-w8\ idle\ \ FPGA_1V0\ [0-9.]+\ mW\ .*\ BOARD\ 28[0-9.]+\ mW$ ]] && seen_idle=yes
    [[ $line =~ ^demand-w8\ window\ ([0-9]+)\ of\ 50\ \ median\ 5\.[0-9]+\ uJ\ \(([0-9]+)\)\ \ FPGA_1V0\ [0-9.]+\ mW\ .*\ BOARD\ 35[0-9.]+\ mW$ ]] &&
        [ "${BASH_REMATCH[2]}" -ge 3 ] && [ "${BASH_REMATCH[1]}" -gt "${BASH_REMATCH[2]}" ] && seen_window=yes && break
    kill -0 $pid 2>/dev/null || fail "it has ended"
    sleep 0.05
done
[ $seen_idle = yes ] || fail "nothing was seen of the rest"
[ $seen_window = yes ] || fail "no live line of a window with its median, the latest: $(cursor_line)"
# The live line is written in place: all lines that stay tell of whole windows.
kept_lines | grep -E '^demand-w8 (idle|window [0-9]+ of)' && fail "live lines scroll"
before=$(kept_lines | grep -cE '^demand-w8 window [0-9]+: .* uJ per inference, .* origin virtual$')
[ "$before" -ge 3 ] || fail "only $before windows on the screen"

# Ctrl-C, by the keyboard.
printf '\003' >&3
wait $pid
code=$?
exec 3>&-
[ $code -eq 130 ] || fail "exit code $code"
lines=$(kept_lines | grep -cE '^demand-w8 window [0-9]+: .* origin virtual$')
[ "$lines" -ge "$before" ] || fail "windows left the screen"
jq -e ".state == \"partial\" and .reason == \"interrupted\" and .variants[0].windows_measured == $lines and .variants[0].windows_good >= $lines - 1" \
    "$session/live/session.json" >/dev/null || fail "the record does not hold the $lines windows: $(jq -c '.state, .reason, .variants[0].windows_measured' "$session/live/session.json")"
[ $(($(wc -l <"$session/live/samples.csv") - 1)) -eq "$(jq .samples.rows "$session/live/session.json")" ] || fail "samples were lost"
grep -q 'Partial session' "$session/live/report.html" || fail "the page does not say that it is partial"
kept_lines | grep -q 'partial session: interrupted' || fail "the screen does not say that it is partial"
kept_lines | grep -E '^demand-w8 (idle|window [0-9]+ of)' && fail "the live line is left on the screen"

# A narrow terminal: no line that is written in place is as wide as it.
script -qefc "stty cols 50; sevencast power demand-w8 --windows 3 --seconds 0.3 --warmup 0 --idle 0 --perturbation 0 --out $session/narrow" "$shown" \
    </dev/null >/dev/null 2>&1 || fail "on a narrow terminal"
tr '\r' '\n' <"$shown" | grep -E '^.{3}demand-w8 window [0-9]+ of' | awk 'length > 49 + 3 { exit 1 } END { exit NR < 3 }' || fail "live lines wrap"
echo "power_live: live view and Ctrl-C as they should be"
