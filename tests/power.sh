#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Sessions of sevencast power: sevencastd, openFPGALoader, the virtual board (golden engine) and its PAC1934. Medians
# against the truth, files, flags, pause of the monitor, an interruption, refusals.
set -u
. "$SEVENCAST_SOURCE/tests/skip.sh"
need jq openFPGALoader
need_preload
if [ "${1:-}" != inside ]; then
    exec "$SEVENCAST_BUILD/bin/vboard" --packages "$SEVENCAST_BUILD/packages" --engine golden --power 'noise 2000' -- "$0" inside
fi
. "$SEVENCAST_SOURCE/tools/session.sh"
session_begin "$SEVENCAST_BUILD"
fail() {
    echo "power: $1"
    tail -15 "$session/sevencastd.log"
    exit 1
}
holds() { jq -e "$2" "$session/$1" >/dev/null || fail "$1: not $2: $(jq -c "${3:-.}" "$session/$1" | head -c 3000)"; }

# Without a monitor, by name and with a way out.
session_daemon demand-w8 || exit 1
sevencast power demand-w8 --out "$session/none" 2>"$session/err"
[ $? -eq 5 ] || fail "without a monitor: $(cat "$session/err")"
grep -q 'no board has a power monitor: give it meter.*meter_serial = VB0001P' "$session/err" || fail "no way out: $(cat "$session/err")"
[ ! -e "$session/none" ] || fail "a folder for nothing"
session_daemon_end
session_board=("meter = pac1934" "meter_serial = VB0001P" "rails = FPGA_1V0:0.82, FPGA_1V8:0.82, FPGA_IO:0.82, BOARD:0.82")
session_daemon demand-w8 || exit 1

# A whole session: files, figures, origins.
sevencast power demand-w8 demand-w4 --windows 4 --seconds 0.5 --idle 2.5 --perturbation 4 --data "$SEVENCAST_SOURCE/data/demand.csv" \
    --out "$session/whole" --json >"$session/printed" 2>"$session/err" || fail "whole: $(cat "$session/err")"
cp "$session/whole/session.json" "$session/record"
holds record '.state == "complete" and .sevencast_power == 1 and .origin == "virtual" and (.board.name == "lab0")'
holds record '[.variants[].variant] == ["demand-w8", "demand-w4"] and all(.variants[]; .windows_good == 4 and (.windows | length) == 5)'
holds record 'all(.variants[].windows[]; .flag == null and .runs > 1000 and .samples >= 500 and .joule > .above_idle_joule and .uncertainty_joule > 0)' '.variants[0].windows[0]'
holds record 'all(.variants[] | .joule_per_inference; .low <= .median and .median <= .high and .windows == 4 and .unit == "J")' '.variants[0].joule_per_inference'
# Against the model's own numbers (docs/power-model.md): BOARD draws 283 mW at rest, 352 at an activity of 1.
for v in 0 1; do
    name=$(jq -r ".variants[$v].variant" "$session/record")
    truth=$(jq '0.283 + 0.069 * (0.4 + 0.6 / 8 * ([.bits | .. | numbers] | add / length))' "$SEVENCAST_SOURCE/variants/$name/manifest.json")
    holds record ".variants[$v].power | (.median - $truth | fabs) < .uncertainty and (.median - $truth | fabs) < 0.001" "[.variants[].power]"
done
holds record 'all(.variants[]; (.joule_per_inference.median / .inference_time.median / .power.median - 1 | fabs) < 0.005)'
holds record 'all(.variants[]; ([.idle_before, .idle_after][] | .rails[] | select(.name == "BOARD") | .watt - 0.283 | fabs) < 0.002)' '.variants[0].idle_before'
holds record 'all(.variants[]; .drift.share | fabs < 0.01)' '.variants[0].drift'
holds record '.perturbation | .blocks == 4 and .inferences_on >= 64 and all(.mean, .p50; .low < .percent and .percent < .high and .latency_on_s > 0)' .perturbation
holds record '([.marks[].phase] | index("swap") == 0 and index("warm-up") == 1 and index("idle") == 2 and index("window") == 3)' .marks
holds record '[.marks | range(1; length) as $i | .[$i].begin_s >= .[$i - 1].end_s] | all'
jq -e --slurpfile p "$session/printed" '. == $p[0]' "$session/record" >/dev/null || fail "printed and stored records differ"
[ $(($(wc -l <"$session/whole/samples.csv") - 1)) -eq "$(jq .samples.rows "$session/record")" ] || fail "samples.csv is not what the record says"
# While latency without reading was measured, nothing was read.
awk -F, '$7 == "latency-off"' "$session/whole/samples.csv" | grep -q . && fail "read while it was not to be"
awk -F, 'NR > 1 && $11 != "virtual" { exit 1 }' "$session/whole/samples.csv" || fail "a sample without its origin"
html=$session/whole/report.html
[ "$(grep -c '<svg' "$html")" -eq 6 ] || fail "not six plots: $(grep -c '<svg' "$html")"
[ "$(grep -c '^<tr><td>' "$html")" -eq "$(grep '^<tr><td>' "$html" | grep -c '<td>virtual</td>')" ] || fail "a row without an origin"
sevencast boards --json | jq -e '.boards[0].power.rails' >/dev/null || fail "the monitor is not read any more"
sevencast power demand-w8 --out "$session/whole" 2>"$session/err"
[ $? -eq 1 ] || fail "a session was overwritten: $(cat "$session/err")"

# Ctrl-C: everything measured so far is there, and says that it is not all. Plain lines without a terminal.
sevencast power demand-w8 --windows 50 --max-windows 50 --seconds 0.3 --idle 2.2 --perturbation 0 --out "$session/cut" >"$session/table" 2>"$session/err" &
pid=$!
for _ in $(seq 300); do
    [ "$(grep -c 'window [0-9]*: ' "$session/err")" -ge 3 ] && break
    sleep 0.1
done
kill -INT "$pid"
wait "$pid"
[ $? -eq 130 ] || fail "exit code of Ctrl-C: $(cat "$session/err")"
cp "$session/cut/session.json" "$session/record"
lines=$(grep -c 'demand-w8 window [0-9]*: .*origin virtual$' "$session/err")
holds record ".state == \"partial\" and .reason == \"interrupted\" and (.variants[0].windows_measured >= $lines) and (.variants[0].windows | length) >= $lines + 1"
holds record '.variants[0].idle_after == null and .variants[0].idle_before.windows >= 1'
[ $(($(wc -l <"$session/cut/samples.csv") - 1)) -eq "$(jq .samples.rows "$session/record")" ] || fail "samples were lost"
grep -q 'Partial session' "$session/cut/report.html" || fail "the page does not say that it is partial"
grep -q 'partial session: interrupted' "$session/table" || fail "table: $(cat "$session/table")"
grep -q $'\033' "$session/err" && fail "live view without a terminal"
ls "$session/cut" | grep -q new && fail "a half-written file is left"

# Killed the hard way, the files hold what was measured, too.
sevencast power demand-w8 --windows 50 --max-windows 50 --seconds 0.3 --idle 0 --perturbation 0 --out "$session/killed" >/dev/null 2>"$session/err" &
pid=$!
for _ in $(seq 300); do
    [ "$(grep -c 'window [0-9]*: ' "$session/err")" -ge 3 ] && break
    sleep 0.1
done
kill -KILL "$pid"
wait "$pid" 2>/dev/null || true
cp "$session/killed/session.json" "$session/record"
holds record '.state == "running" and .variants[0].windows_measured >= 3'

# Refused.
sevencast power demand-w9 --out "$session/x1" --idle 0 --perturbation 0 2>"$session/err"
[ $? -eq 4 ] || fail "an unknown variant: $(cat "$session/err")"
sevencast power demand-w8 --board lab9 --out "$session/x2" 2>"$session/err"
[ $? -eq 4 ] || fail "an unknown board: $(cat "$session/err")"
sevencast power demand-w8 --seconds 0.01 2>"$session/err"
[ $? -eq 2 ] || fail "a short window: $(cat "$session/err")"
echo "power: sessions, files and interruptions as they should be"
