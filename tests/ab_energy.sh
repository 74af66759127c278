#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Energy in experiments, from the command to the page: sevencast ab, sevencastd and the virtual board (golden engine)
# with its PAC1934. Joules against the truth, flagged bursts, a daemon that is killed, boards and plans without bursts.
# shellcheck disable=SC2016 # $ in single quotes is jq's
set -u
. "$SEVENCAST_SOURCE/tests/skip.sh"
need jq openFPGALoader
need_preload
if [ "${1:-}" != inside ]; then
    world=$(mktemp -d)
    "$SEVENCAST_BUILD/bin/vboard" serve --world "$world/w" --packages "$SEVENCAST_BUILD/packages" --board VB0001 --engine golden \
        --power 'noise 2000' --power 'gain BOARD 3000' --background || exit 1
    SEVENCAST_WORLD=$world/w "$SEVENCAST_BUILD/bin/vboard" exec --world "$world/w" -- "$0" inside
    code=$?
    "$SEVENCAST_BUILD/bin/vboard" ctl --world "$world/w" quit >/dev/null
    rm -rf "$world"
    exit $code
fi
. "$SEVENCAST_SOURCE/tools/session.sh"
session_begin "$SEVENCAST_BUILD"
session_board=("burst_max_s = 5" "meter = pac1934" "meter_serial = VB0001P" "rails = FPGA_1V0:0.82, FPGA_1V8:0.82, FPGA_IO:0.82, BOARD:0.82")
route=("[route canary]" "variants = demand-w8" "mirror = demand-mixed")
session_daemon demand-w8 "${route[@]}" || exit 1
data=$SEVENCAST_SOURCE/data/demand.csv
power() { vboard ctl --world "$SEVENCAST_WORLD" power "$@"; }
fail() {
    echo "ab_energy: $1"
    tail -15 "$session/sevencastd.log"
    exit 1
}
holds() { jq -e "$2" "$session/$1" >/dev/null || fail "$1: not $2: $(jq -c "${3:-.report}" "$session/$1" | head -c 3000)"; }
metric='.report.metrics[] | select(.metric == $m)'
# holds_of FILE METRIC FILTER
holds_of() { jq -e --arg m "$2" "$metric | $3" "$session/$1" >/dev/null || fail "$1: $2 is not $3: $(jq -c --arg m "$2" "$metric" "$session/$1")"; }

# Killed in the middle and taken up again; a fault of the monitor costs the blocks that it hits.
sevencast ab demand-w8 demand-w4 --data "$data" --metric cycles,energy,energy_above_idle --burst 1 --block 2 --warmup 0 --budget 10 --detach >/dev/null 2>"$session/err" ||
    fail "not taken: $(cat "$session/err")"
steps() { sevencast ab --list --json --timeout 1000 2>/dev/null | jq -r 'select(.id == "ab-1") | .steps'; }
until_steps() {
    for _ in $(seq 600); do
        n=$(steps)
        [ "${n:-0}" -ge "$1" ] && return
        sleep 0.05
    done
    fail "no $1 steps"
}
until_steps 4
power lose 400 >/dev/null
until_steps 11
kill -KILL "$session_daemon_pid"
wait "$session_daemon_pid" 2>/dev/null
session_daemon demand-w8 "${route[@]}" || exit 1
grep -q 'found experiment=ab-1 state=RUNNING steps=1[0-9]' "$session/sevencastd.log" || fail "it was not found again"
sevencast ab --watch ab-1 --json --html "$session/first.html" >"$session/first" 2>"$session/err" || fail "watch: $(cat "$session/err")"

# Joules against the model's numbers (docs/power-model.md), with the gain of BOARD; origin of the monitor, not of the engine.
truth() { jq '0.283 + 0.069 * (0.4 + 0.6 / 8 * ([.bits | .. | numbers] | add / length))' "$SEVENCAST_SOURCE/variants/$1/manifest.json"; }
holds first '.experiment.state == "DONE" and .report.origin == "model" and .report.burst_s == 1'
for i in 0 1; do
    name=$(jq -r ".report.metrics[0].variants[$i].variant" "$session/first")
    cycles=$(jq ".report.metrics[0].variants[$i].mean" "$session/first")
    watt=$(truth "$name")
    # Of a run of a burst: what its window of back-to-back runs takes, a few cycles more than the engine's.
    holds_of first energy ".variants[$i] | (.mean / ($watt * $cycles / 1e8) - 1 | fabs) < 0.012 and .uncertainty / .mean < 0.012 and .sd / .mean < 0.01 and .runs > 50000 and .window_s > 0.99"
    holds_of first energy_above_idle ".variants[$i] | (.mean / (($watt - 0.283) * $cycles / 1e8) - 1 | fabs) < 0.03 and .uncertainty < 0.1 * .mean"
done
holds_of first energy '.origin == "virtual" and .of == "BOARD" and .unit == "J" and (.comparisons[0] | .verdict == "better" and .high < -5 and .blocks >= 6 and .p < 0.01 and .p_permutation < 0.05 and .bootstrap_low < .estimate and .unit == "%")'
holds_of first energy '(.missing | length >= 1 and all(.count >= 1 and .reason == "the number of samples does not fit the window")) and .comparisons[0].lost >= 1'
holds_of first cycles '(has("missing") | not) and .comparisons[0].lost == 0'
holds first '.report.lost_blocks == 0 and (.steps | length == '"$(jq .experiment.steps "$session/first")"' and all(length == 9)) and ([.steps[][7] | select(. == null)] | length >= 1)'
html=$session/first.html
grep -q "power model" "$html" || fail "the page does not say where its joules come from"
[ "$(grep -c '<svg' "$html")" -eq 6 ] || fail "not six plots: $(grep -c '<svg' "$html")"
[ "$(grep -c '^<tr><td>' "$html")" -eq "$(grep '^<tr><td>' "$html" | grep -cE '<td>(model|virtual)</td>')" ] || fail "a row without an origin"
grep -q 'measurements left out with their blocks: the number of samples' "$html" || fail "the page does not say what is left out"
sevencast ab --result ab-1 >"$session/table" || fail "no table"
[ "$(grep -cE '^energy(_above_idle)? .* virtual' "$session/table")" -eq 6 ] || fail "table: $(cat "$session/table")"
grep -q '^energy: [0-9]* measurements left out, the number of samples' "$session/table" || fail "table: $(cat "$session/table")"

# The board's own default on this engine is a burst of a second; 0 is none, and says so.
sevencast ab demand-w8 demand-w4 --data "$data" --metric cycles,energy --budget 6 --detach --json >/dev/null 2>&1 || fail "no second"
sevencast ab demand-w8 demand-w4 --data "$data" --metric cycles,energy --burst 0 --budget 6 --block 2 --detach >/dev/null 2>&1 || fail "no third"
for _ in $(seq 100); do
    sevencast ab --result ab-2 --json >"$session/second" 2>/dev/null && break
    sleep 0.1
done
holds second '.report.burst_s == 1'
sevencast ab --cancel ab-2 >/dev/null || fail "not cancelled"
sevencast ab --watch ab-3 --json >"$session/third" 2>"$session/err" || fail "watch: $(cat "$session/err")"
holds_of third energy '.reason == "an inference is too short for the power monitor, and no bursts are planned"'
sevencast ab demand-w8 demand-w4 --data "$data" --burst 9 2>"$session/err"
[ $? -eq 4 ] || fail "a burst above the board's longest: $(cat "$session/err")"
grep -q 'takes no bursts above 5 s' "$session/err" || fail "$(cat "$session/err")"
sevencast ab demand-w8 demand-w4 --data "$data" --burst 0.05 2>"$session/err"
[ $? -eq 2 ] || fail "a burst too short for an energy: $(cat "$session/err")"

# Joules of a route: of its bursts; single inferences and flagged bursts are counted and not estimated.
for _ in $(seq 100); do
    [ "$(sevencast boards --json | jq -r '.boards[0] | .state + .variant')" = READYdemand-w8 ] && break
    sleep 0.1
done
sevencast routes --json >"$session/routes" || fail "no routes"
holds routes '.routes[0].variants[0].energy | .bursts == 0 and (.reason | startswith("no bursts"))' .
sevencast infer --data "$data" --model canary --count 2 --json >/dev/null || fail "no forecasts"
sevencast infer --data "$data" --model canary --count 2 --burst 1 --json >/dev/null || fail "no bursts"
sevencast infer --data "$data" --model canary --count 1 --repeat 100 --json >/dev/null || fail "no short burst"
sevencast routes --json >"$session/routes" || fail "no routes"
mean=$(jq '.report.metrics[] | select(.metric == "energy") | .variants[0].mean' "$session/first")
holds routes ".routes[0].variants[0] | .success.count == 5 and (.energy | .bursts == 3 and .count == 2 and .runs > 100000 and .origin == \"virtual\" and
    .of == \"BOARD\" and (.joule / .runs / $mean - 1 | fabs) < 0.01 and .uncertainty_joule < 0.012 * .joule)" .
holds routes '.routes[0].mirrored | .skipped == 5 and .skip_reason == "demand-mixed is on no board"' .
sevencast routes | grep -q 'uJ, 2 of 3 bursts, virtual' || fail "table of routes: $(sevencast routes)"
session_daemon_end
session_board=()
session_daemon demand-w8 || exit 1
sevencast ab demand-w8 demand-w4 --data "$data" --burst 1 2>"$session/err"
[ $? -eq 4 ] || fail "bursts without a monitor: $(cat "$session/err")"
grep -q 'has no power monitor' "$session/err" || fail "$(cat "$session/err")"
echo "ab_energy: joules, flags, kill and refusals as they should be"
