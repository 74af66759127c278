#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Several boards, several client processes, worlds that stay up, swaps under traffic, and that nothing is left behind.
. "$(dirname "$0")/lib.sh"
need openFPGALoader
export TMPDIR="$work/tmp"
mkdir "$TMPDIR"
serve=
trap '[ -n "$serve" ] && kill "$serve" 2>/dev/null; rm -rf "$work"' EXIT

make-test-package "$work/packages" first 1 || fail "no test package"
make-test-package "$work/packages" second 2 || fail "no test package"
world=$work/w
in_world() { vboard exec --world "$world" -- "$@"; }
loop() { in_world bare-loop --serial "$1" --package "$work/packages/$2" --count "$3" "${@:4}" >"$work/loop.$1" 2>&1; }

vboard serve --world "$world" --engine golden --packages "$work/packages" --board AA --board BB --log "$work/log" >"$work/serve" &
serve=$!
in_world openFPGALoader --ftdi-serial AA "$work/packages/first/first.bit" >/dev/null 2>&1 || fail "programming AA"
in_world openFPGALoader --ftdi-serial BB "$work/packages/second/second.bit" >/dev/null 2>&1 || fail "programming BB"
[ "$(vboard ctl --world "$world" status | jq -c '[.boards[].fpga.design.variant]')" = '["first","second"]' ] ||
    fail "the boards mix up their designs"

# Both boards at once, and a second process on channel A of each.
loop AA first 2000 & a=$!
loop BB second 2000 & b=$!
for i in 1 2 3 4 5; do
    in_world openFPGALoader --ftdi-serial AA --detect 2>&1 | grep -q xc7s15 || fail "channel A while B is busy"
done
wait $a || fail "AA: $(cat "$work/loop.AA")"
wait $b || fail "BB: $(cat "$work/loop.BB")"

# Twenty swaps; each time the new design answers and the old one does not.
for i in $(seq 10); do
    for v in second first; do
        in_world openFPGALoader --ftdi-serial AA "$work/packages/$v/$v.bit" >/dev/null 2>&1
        loop AA $v 20 || fail "swap $i to $v: $(cat "$work/loop.AA")"
    done
done
[ "$(vboard ctl --world "$world" status | jq '.boards[0].fpga.design.designs_started')" = 21 ] || fail "designs_started"
sleep 0.1
[ "$(pgrep -c -P $serve vboard-golden)" = 2 ] || fail "engines left over: $(pgrep -P $serve)"

# Reprogramming under traffic costs a frame at most; the world goes on.
loop AA first 3000 --timeout-ms 300 & a=$!
sleep 0.05
in_world openFPGALoader --ftdi-serial AA "$work/packages/first/first.bit" >/dev/null 2>&1
wait $a
loop AA first 20 --resync || fail "after reprogramming under traffic: $(cat "$work/loop.AA")"

vboard serve --world "$world" 2>/dev/null && fail "a second world in the same folder"
vboard ctl --world "$world" quit || fail "quit"
wait $serve || fail "serve ended with $?"
serve=
[ -e "$world" ] && fail "the world's folder is left"

# A world whose folder is removed ends by itself.
vboard serve --world "$world" 2>/dev/null >"$work/serve" & serve=$!
in_world true || fail "a world again"
rm -rf "$world"
timeout 10 tail --pid=$serve -f /dev/null || fail "serve outlives its folder"
serve=

# SIGTERM: the command gets it, its exit code comes through, nothing is left.
vboard -- bash -c 'trap "exit 9" TERM; while :; do sleep 0.05; done' & v=$!
sleep 0.3
kill -TERM $v
wait $v
[ $? -eq 9 ] || fail "SIGTERM does not reach the command"
[ -z "$(ls "$TMPDIR")" ] || fail "SIGTERM leaves $(ls "$TMPDIR")"

# kill -9: command and engine end; the folder goes when the next vboard starts.
vboard --engine golden --packages "$work/packages" -- bash -c "
    openFPGALoader $work/packages/first/first.bit >/dev/null 2>&1; echo \$\$ >$work/pid; exec sleep 60" & v=$!
for i in $(seq 100); do [ -s "$work/pid" ] && break; sleep 0.05; done
engine=$(pgrep -P $v vboard-golden) || fail "no engine"
kill -KILL $v
wait $v 2>/dev/null
for i in $(seq 40); do
    [ -d "/proc/$(cat "$work/pid")" ] || [ -d "/proc/$engine" ] || break
    sleep 0.05
done
[ -d "/proc/$(cat "$work/pid")" ] && fail "kill -9 leaves the command"
[ -d "/proc/$engine" ] && fail "kill -9 leaves the engine"
vboard -- true || fail "a start after kill -9"
[ -z "$(ls "$TMPDIR")" ] || fail "kill -9 leaves $(ls "$TMPDIR")"
echo "ok"
