#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Bursts and energy of an inference through the whole chain, on the virtual board's golden engine: joules against the
# truth that only vboard ctl tells, faults that must be told, others that must not wait for ever.
# shellcheck disable=SC2016 # $ in single quotes is jq's
set -u
. "$SEVENCAST_SOURCE/tests/metered.sh"
metered VB0001 <<<'burst_max_s = 30'
for _ in $(seq 120); do
    ask --json boards 2>/dev/null | jq -e '.boards[0].power.rails[0].watt > 0 and .boards[0].state == "READY"' >/dev/null && break
    sleep 0.1
done
ask describe random-5 --json >"$work/model" || fail "no description"
jq -r '[.features[].name] | join(",")' "$work/model" >"$work/data.csv"
rows=$(jq '.window + 3' "$work/model")
line=$(jq -r '[.features[].offset] | join(",")' "$work/model")
for _ in $(seq "$rows"); do echo "$line" >>"$work/data.csv"; done

# burst WORDS: one burst, its answer in $work/answer.
burst() { ask infer --json --model random-5 --data "$work/data.csv" "$@" >"$work/out" 2>&1 && head -n 1 "$work/out" >"$work/answer"; }
# holds FILTER: of the answer, with $truth known.
holds() { jq -e --slurpfile t "$work/truth" "$1" "$work/answer" >/dev/null || fail "not $1: $(jq -c '.burst,.energy' "$work/answer") truth $(jq -c . "$work/truth")"; }
echo '{}' >"$work/truth"

power mark
burst --burst 10 || fail "no burst: $(cat "$work/out")"
cycles=$(jq '.burst.cycles / .burst.runs' "$work/answer")
power truth "$(printf %.0f "$cycles")" >"$work/truth" || fail "no truth"
holds '.burst | .end == "done" and .seconds > 9.99 and .seconds < 10.1 and .busy_cycles <= .cycles and .runs > 1000'
holds '.energy | .origin == "virtual" and .of == "BOARD" and (.rails | length == 4) and .window_s > 10 and .window_s < 13'
# Total: against the truth of the design computing.
holds '.energy.rails[] | (.joule - $t[0].joules_per_inference[.name] | fabs) <= .uncertainty_joule'
holds '.energy | .uncertainty_joule < 0.012 * .joule and .above_idle_joule > 0 and .above_idle_joule < .joule'
ask infer --model random-5 --data "$work/data.csv" --repeat 100000 | grep -q 'energy of an inference: .*J +-' || fail "no text"
burst --repeat 10 || fail "no short burst"
holds '.burst.runs == 10 and .burst.end == "done" and .energy.reason == "the window is too short"'
burst --count 1 || fail "no inference"
holds '.burst == null and .energy.reason == "the window is too short"'
ask boards | grep -q 'BOARD [0-9.]* mW (virtual)' || fail "no power in the table"
burst --burst 31 && fail "a burst above the configured longest one"
grep -q 'no bursts above 30 s' "$work/out" || fail "which is not said: $(cat "$work/out")"

# A fault while the board rests before the burst leaves no full energy behind, and says why; the next one is good.
for fault in 'nak 1' 'reset PAC1934' saturate 'lose 600'; do
    # shellcheck disable=SC2086 # words of a command
    (sleep 0.6; power $fault >/dev/null) &
    burst --burst 10 || fail "no burst: $(cat "$work/out")"
    wait $!
    holds '.burst.end == "done" and (.energy | (.reason // "") != "" or (has("above_idle_joule") | not))'
done
power mark
burst --burst 3 || fail "no burst: $(cat "$work/out")"
power truth "$(printf %.0f "$cycles")" >"$work/truth" || fail "no truth"
holds '.energy | has("above_idle_joule") and (.joule - $t[0].joules_per_inference.BOARD | fabs) <= .uncertainty_joule'
vboard ctl --world "$work/w" unplug meter --board VB0001 >/dev/null
burst --burst 10 || fail "no burst: $(cat "$work/out")"
holds '.energy.reason != null and .burst.end == "done"'
kill "$daemon"
wait "$daemon" || fail "exit code $?"
