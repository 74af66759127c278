#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Any process may be killed at any moment and the system comes back: the worker, the front end, the simulated
# fabric, a client in mid-run. After each the next forecasts are the model's, and nothing was reprogrammed
# that still ran.
set -u
. "$SEVENCAST_SOURCE/tests/skip.sh"
need ghdl-llvm jq openFPGALoader pgrep
need_preload
if [ "${1:-}" != inside ]; then
    exec "$SEVENCAST_BUILD/bin/vboard" --packages "$SEVENCAST_BUILD/packages" -- "$0" inside
fi
. "$SEVENCAST_SOURCE/tools/session.sh"
session_begin "$SEVENCAST_BUILD"
session_daemon demand-w4 || exit 1

fail() {
    echo "killed: $1"
    tail -15 "$session/sevencastd.log"
    exit 1
}

codes() {
    sevencast infer --data "$SEVENCAST_SOURCE/data/demand.csv" --model demand --count 4 --json --timeout 20000 2>"$session/err" |
        jq -r 'select(.row) | .outputs[0].code' | paste -sd' '
}

# Programming stands in the log once for each time the board was programmed.
programmed() {
    grep -c 'board: programming' "$session/sevencastd.log"
}

serves_again() {
    local what=$1 deadline=$((SECONDS + 30)) now
    while [ $SECONDS -lt $deadline ]; do
        now=$(codes)
        [ "$now" = "$want" ] && { echo "$what: serves again"; return 0; }
        [ -z "$now" ] || fail "$what: other codes: $now, wanted $want"
        sleep 0.2
    done
    fail "$what: does not come back: $(cat "$session/err")"
}

want=$(codes)
[ "$(wc -w <<<"$want")" -eq 4 ] || fail "no forecasts at first: $(cat "$session/err")"
before=$(programmed)

for _ in 1 2 3; do
    worker=$(pgrep -P "$session_daemon_pid" | head -1)
    [ -n "$worker" ] || fail "no worker found"
    kill -KILL "$worker"
    serves_again "worker killed"
done
[ "$(programmed)" -eq "$before" ] || fail "a killed worker made the board be programmed anew"

kill -KILL "$session_daemon_pid"
wait "$session_daemon_pid" 2>/dev/null
session_daemon demand-w4 || exit 1
serves_again "front end killed"
[ "$(programmed)" -eq "$before" ] || fail "a killed front end made the board be programmed anew"

sevencast infer --data "$SEVENCAST_SOURCE/data/demand.csv" --model demand --count 200 --in-flight 8 --json >/dev/null 2>&1 &
sleep 0.5
kill -KILL $!
wait $! 2>/dev/null
serves_again "client killed"

vboard ctl engine kill >/dev/null || fail "cannot kill the simulated fabric"
serves_again "fabric killed"
