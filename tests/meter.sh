#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Power in replies: sevencastd, libftdi and the virtual board's sensors. Power of each rail equals the truth within the
# stated uncertainty, faults are told, inferences go on meanwhile.
# shellcheck disable=SC2016 # $ in single quotes is jq's
set -u
. "$SEVENCAST_SOURCE/tests/metered.sh"
metered VB0001 VB0002 <<END
[board ina]
serial = VB0002
allow_virtual = yes
meter = ina226
meter_serial = VB0002P
rails = BOARD:0.2
END

# board NAME FILTER: waits until the board, as JSON, fits; leaves it in $work/NAME.
board() {
    for _ in $(seq 120); do
        ask --json boards 2>/dev/null | jq --arg n "$1" '.boards[] | select(.name == $n)' >"$work/$1"
        [ -s "$work/$1" ] && jq -e "$2" "$work/$1" >/dev/null 2>&1 && return # jq -e takes no input for a yes
        sleep 0.1
    done
    fail "board $1 does not come to $2: $(jq -c .power "$work/$1")"
}
good='(.power.rails | length > 0) and all(.power.rails[]; .watt > 0)'
# Every rail of board $1 lies within its uncertainty of the truth of virtual board $2 since the mark.
true_power() {
    power truth --board "$2" >"$work/truth"
    jq -e --slurpfile t "$work/truth" '.power | .origin == "virtual" and .window_s > 0.9 and .window_s < 1.3 and all(.rails[];
        (.watt - $t[0].joules[.name] / $t[0].seconds | fabs) <= .uncertainty_watt and .uncertainty_watt < 0.02 * .watt and .count > 5)' \
        "$work/$1" >/dev/null || fail "$1: $(jq -c .power "$work/$1") is not $(jq -c . "$work/truth")"
}

board pac ".state == \"READY\" and $good"
power mark --board VB0001
board ina "$good"
power mark --board VB0002
sleep 2.5 # until the latest window lies behind the mark
board pac "$good"
true_power pac VB0001
board ina "$good"
true_power ina VB0002
grep -q 'error' "$work/log" && fail "errors in the log"

# told BOARD WORDS: within some windows every rail has a reason with these words; then it is measured again.
told() {
    board "$1" "all(.power.rails[]; (.reason // \"\") | contains(\"$2\"))"
    board "$1" "$good"
}
power nak 1 --board VB0001
told pac 'did not answer: 0x10 does not acknowledge'
power reset PAC1934 --board VB0001
told pac 'started again'
power saturate --board VB0001
told pac 'full scale'
power lose 400 --board VB0001
told pac 'number of samples'
power nak 1 --board VB0002
told ina 'did not answer: 0x40'
power reset INA226 --board VB0002
told ina 'started again'
vboard ctl --world "$work/w" unplug meter --board VB0001 >/dev/null
board pac 'all(.power.rails[]; (.reason // "") | contains("did not answer"))'
vboard ctl --world "$work/w" replug meter --board VB0001 >/dev/null
board pac "$good"
jq -e '.restarts == 0 and .state == "READY"' "$work/pac" >/dev/null || fail "the board did not stay: $(cat "$work/pac")"
# Both boards run the variant: bursts of a session on one that the other one computed do not count for it.
ask power random-5 --board ina --windows 1 --max-windows 2 --warmup 0 --seconds 0.3 --idle 0 --perturbation 0 --out "$work/session" >/dev/null 2>&1
jq -e '.board.name == "ina" and .variants[0].windows_good == 0 and (.variants[0].windows | length == 2 and all(.flag == "board pac computed it"))' \
    "$work/session/session.json" >/dev/null || fail "a session took another board's bursts: $(jq -c '.variants' "$work/session/session.json")"
kill "$daemon"
wait "$daemon" || fail "exit code $?"
