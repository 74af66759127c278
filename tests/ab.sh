#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Experiments from the command to the page: sevencast ab, sevencastd, openFPGALoader and the virtual board (golden
# engine). Verdicts of 8 against 4 bits, a client that goes and comes back, a daemon that is killed.
set -u
. "$SEVENCAST_SOURCE/tests/skip.sh"
need jq openFPGALoader
need_preload
if [ "${1:-}" != inside ]; then
    exec "$SEVENCAST_BUILD/bin/vboard" --packages "$SEVENCAST_BUILD/packages" --engine golden -- "$0" inside
fi
. "$SEVENCAST_SOURCE/tools/session.sh"
session_begin "$SEVENCAST_BUILD"
lines=("experiments = 2" "[route canary]" "variants = demand-w8:3, demand-w4:1" "sticky = yes" "swap = yes" "dwell_ms = 0" "mirror = demand-mixed"
    "[route shadowed]" "variants = demand-w8" "mirror = demand-mixed" "mirror_swap_s = 1")
session_daemon demand-w8 "${lines[@]}" || exit 1
data=$SEVENCAST_SOURCE/data/demand.csv

fail() {
    echo "ab: $1"
    tail -15 "$session/sevencastd.log"
    exit 1
}
holds() { jq -e "$2" "$session/$1" >/dev/null || fail "$1: not $2: $(head -c 3000 "$session/$1")"; }
# verdict FILE METRIC: of the only comparison
verdict() { jq -r --arg m "$2" '.report.metrics[] | select(.metric == $m) | .comparisons[0].verdict // .reason' "$session/$1"; }
expect() { [ "$(verdict "$1" "$2")" = "$3" ] || fail "$1: $2 is $(verdict "$1" "$2"), not $3"; }

# To its end: demand-w4 takes fewer cycles and makes larger errors.
sevencast ab demand-w8 demand-w4 --data "$data" --metric error,cycles,energy --block 8 --label first --json --html "$session/first.html" \
    >"$session/first" 2>"$session/err" || fail "ab: $(cat "$session/err")"
expect first error worse
expect first cycles better
expect first energy "no power monitor"
holds first '.experiment.state == "DONE" and .experiment.name == "first" and .report.stop == "decided"'
holds first '.report.origin == "model"' # this engine computes without any logic
holds first '.report.metrics[1].comparisons[0] | .estimate < -10 and .low == .high and .margin == 1'
holds first '.report.metrics[0].comparisons[0] | .low > 0 and .unit == "MW" and .p < 0.05'
holds first '(.steps | length) == .experiment.steps and ([.steps[][0]] | unique) == [0, 1] and all(.steps[]; .[5] > 0 and .[7] == null)'
holds first '.report.metrics[0].variants | all(.count >= 16 and .mean > 0)'
# The page is whole by itself, with the plots, and an origin at every table row and plot.
html=$session/first.html
[ "$(grep -c '<svg' "$html")" -eq 4 ] || fail "not four plots: $(grep -c '<svg' "$html")"
grep -qE '(src|href)=|@import|url\(' "$html" && fail "the page needs something else"
[ "$(grep -c '^<tr><td>' "$html")" -eq "$(grep '^<tr><td>' "$html" | grep -c '<td>model</td>')" ] || fail "a row without an origin"
[ "$(grep -c '(model)</text>' "$html")" -ge 4 ] || fail "a plot without an origin"
sevencast ab --result ab-1 >"$session/table" || fail "no table"
[ "$(grep -cE '^(error|cycles) .* model' "$session/table")" -eq 6 ] || fail "table: $(cat "$session/table")"
grep -q 'energy: no value, no power monitor' "$session/table" || fail "table: $(cat "$session/table")"

# The board runs again what it ran.
[ "$(sevencast boards --json | jq -r .boards[0].variant)" = demand-w8 ] || session_wait_ready 10
for _ in $(seq 50); do
    [ "$(sevencast boards --json | jq -r '.boards[0] | .state + .variant')" = READYdemand-w8 ] && break
    sleep 0.1
done
[ "$(sevencast boards --json | jq -r .boards[0].variant)" = demand-w8 ] || fail "demand-w8 did not come back"

# Left alone, killed, and asked for again.
sevencast ab demand-w8 demand-w4 demand-mixed --data "$data" --metric error,cycles --block 8 --detach --json >"$session/second" 2>/dev/null || fail "no second"
id=$(jq -r .id "$session/second")
[ "$id" = ab-2 ] || fail "it is called $id"
steps() { sevencast ab --list --json --timeout 1000 2>/dev/null | jq -r --arg id "$id" 'select(.id == $id) | .steps'; }
for _ in $(seq 200); do
    n=$(steps)
    [ "${n:-0}" -ge 12 ] && break
    sleep 0.1
done
[ "${n:-0}" -ge 12 ] || fail "no steps"
sevencast ab --watch "$id" --json --interval 100 >"$session/watched" 2>"$session/err" &
watch=$!
kill -KILL "$session_daemon_pid"
wait "$session_daemon_pid" 2>/dev/null
session_daemon demand-w8 "${lines[@]}" || exit 1
grep -q "found experiment=$id state=RUNNING steps=[1-9]" "$session/sevencastd.log" || fail "it was not found again"
[ "$(steps)" -ge 9 ] || fail "whole blocks were lost"
wait "$watch" || fail "watch: $(cat "$session/err")"
holds watched '.experiment.state == "DONE" and ([.report.metrics[].comparisons[] | .verdict] | length) == 4'
holds watched '[.report.metrics[] | select(.metric == "cycles") | .comparisons[].verdict] | all(. == "better")'
holds watched '(.report.metrics[0].comparisons[0] | .confidence) == 0.975' # two comparisons share alpha

# Refused by name, and cancelled.
sevencast ab demand-w8 demand-w4 --data "$data" --budget 1000 --detach >/dev/null 2>&1 || fail "no third"
sevencast ab demand-w8 demand-w4 --data "$data" --budget 1000 --detach >/dev/null 2>&1 || fail "no fourth"
sevencast ab demand-w8 demand-w4 --data "$data" --detach >/dev/null 2>"$session/err"
[ $? -eq 5 ] || fail "the fifth was taken"
grep -q EXPERIMENT_QUEUE_FULL "$session/err" || fail "not by name: $(cat "$session/err")"
sevencast ab --cancel ab-4 | grep -q 'ab-4: CANCELED' || fail "not cancelled"
sevencast ab --cancel ab-3 | grep -q 'ab-3: CANCELED' || fail "not cancelled"
sevencast ab --result ab-9 2>"$session/err"
[ $? -eq 4 ] || fail "a result of nothing: $(cat "$session/err")"
sevencast ab demand-w8 demand-w9 --data "$data" 2>"$session/err"
[ $? -eq 4 ] || fail "an unknown variant: $(cat "$session/err")"
sevencast ab demand-w8 demand-w4 --data /dev/null 2>"$session/err"
[ $? -eq 7 ] || fail "no data: $(cat "$session/err")"

# A route: every key keeps its variant, swaps are made for it, and all is counted.
for key in 1 2 3 4 5 6; do
    sevencast infer --data "$data" --model canary --key "client $key" --count 3 --json --timeout 20000 >"$session/keyed" || fail "key $key: $(cat "$session/keyed")"
    jq -es '[.[] | select(.row) | .variant] | length == 3 and (unique | length) == 1' "$session/keyed" >/dev/null || fail "key $key does not stick"
done
sevencast routes --json >"$session/routes" || fail "no routes"
holds routes '.routes[0] | .name == "canary" and .swaps >= 1 and ([.variants[].success.count] | add == 18 and all(. > 0)) and .mirrored.skipped == 18'
sevencast routes | grep -q 'canary  *sticky swap  *demand-w8  *75 %' || fail "table of routes: $(sevencast routes)"

# A mirror on the only board: it is swapped while nobody asks, computes what was answered, and serves as before.
sevencast swap demand-w8 >/dev/null || fail "no demand-w8"
sevencast infer --data "$data" --model shadowed --count 3 --json >"$session/answers" || fail "no answers"
for _ in $(seq 100); do
    sevencast routes --json >"$session/routes" || fail "no routes"
    jq -e '.routes[1].mirrored | .count == 3 and .waiting == 0' "$session/routes" >/dev/null && break
    sleep 0.1
done
sevencast infer --data "$data" --model demand --count 3 --json >"$session/again" || fail "no answers behind the trip"
jq -es '[.[] | select(.row) | .variant] | length == 3 and all(. == "demand-w8")' "$session/again" >/dev/null || fail "the mirror answered"
sevencast routes --json >"$session/routes" || fail "no routes"
holds routes '.routes[1].mirrored | .count == 3 and .skipped == 0 and .swaps == 1 and .different > 0'
echo "ab: verdicts, page, kill and queue as they should be"
