#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# An exploration that is killed at whatever moment and started again gives the bytes of one that was not.
set -u
explore=$SEVENCAST_BUILD/bin/sevencast-explore
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
# shellcheck source=tools/explore/test/toy.sh
. "$SEVENCAST_SOURCE/tools/explore/test/toy.sh"

# shellcheck disable=SC2086 # a list of words
set -- $toy --epochs 20 --jobs 2
"$explore" "$@" --out "$dir/whole.json" >"$dir/log" 2>&1 || fail "the uninterrupted run"

lines()
{
    if [ -e "$dir/record" ]; then wc -l <"$dir/record"; else echo 0; fi
}

# Each attempt is killed when it has added none to four results, and a moment later; the last one ends by itself.
attempts=0 kills=0
while [ ! -e "$dir/r.json" ] && [ $attempts -lt 60 ]; do
    attempts=$((attempts + 1))
    until=$(($(lines) + attempts % 5))
    "$explore" "$@" --out "$dir/r.json" --record "$dir/record" >"$dir/log" 2>&1 &
    pid=$!
    while [ "$(lines)" -lt $until ] && kill -0 $pid 2>/dev/null; do (exec sleep 0.01); done
    (exec sleep "0.0$((attempts * 3 % 10))")
    kill -9 $pid 2>/dev/null && kills=$((kills + 1))
    wait $pid 2>/dev/null
done
[ $kills -gt 0 ] || fail "no attempt was killed"
cmp "$dir/whole.json" "$dir/r.json" || fail "another result after $kills kills"
echo "$attempts attempts, $kills killed"

# All is on record: nothing runs again. A torn line costs one run.
runs=$(wc -l <"$dir/record")
"$explore" "$@" --out "$dir/again.json" --record "$dir/record" >"$dir/log" 2>&1 || fail "from the record"
grep -q "^0 runs.*; $runs found in the record" "$dir/log" || fail "runs again: $(tail -1 "$dir/log")"
cmp "$dir/whole.json" "$dir/again.json" || fail "another result from the record"
truncate -s -9 "$dir/record"
"$explore" "$@" --out "$dir/torn.json" --record "$dir/record" >"$dir/log" 2>&1 || fail "from a torn record"
grep -q "1 line cut off at its end, 0 damaged" "$dir/log" && grep -q "^1 runs" "$dir/log" || fail "torn: $(cat "$dir/log")"
cmp "$dir/whole.json" "$dir/torn.json" || fail "another result from a torn record"
exit $failed
