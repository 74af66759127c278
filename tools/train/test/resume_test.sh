#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# A training that is killed at whatever moment and resumed gives the integers of one that was not;
# a state of another training, or a damaged one, is refused.
set -u
train=$SEVENCAST_BUILD/bin/sevencast-train
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
failed=0

fail()
{
    echo "FAILED: $*"
    failed=1
}

awk 'BEGIN { print "time,load"; for (i = 0; i < 700; i++)
    printf "t%d,%.3f\n", i, 50 + 10 * sin(i * 0.5) + 3 * sin(i * 1.3) }' >"$dir/a.csv"
set -- --data "$dir/a.csv" --target load --time time --window 8 --split 60/20/20 --task t --d-model 8 \
    --d-ff 8 --epochs-float 40 --epochs-qat 20 --seeds 2 --name v --quiet
"$train" "$@" --out "$dir/whole" >"$dir/log" || fail "the uninterrupted run"

# Each attempt is killed a little later than the one before, so kills fall into both stages, into
# writing the state and between runs; the last attempt ends by itself.
mkdir "$dir/killed"
attempts=0 kills=0 first=
while [ ! -e "$dir/killed/v/manifest.sha256" ] && [ $attempts -lt 200 ]; do
    attempts=$((attempts + 1))
    (cd "$dir/killed" && exec "$train" "$@" --out v --resume ../state --save-every 0 \
        --float-checkpoint float.safetensors) >>"$dir/log" 2>&1 &
    pid=$!
    (exec sleep "0.$(printf '%02d' $((2 + attempts * 3 % 60)))")
    if kill -9 $pid 2>/dev/null; then
        kills=$((kills + 1))
        [ -n "$first" ] || { [ -e "$dir/state" ] && cp "$dir/state" "$dir/first" && first=yes; }
    fi
    wait $pid 2>/dev/null
done
[ -e "$dir/killed/v/manifest.sha256" ] || fail "no result after $attempts attempts"
[ $kills -gt 0 ] || fail "no attempt was killed"
cmp "$dir/whole/integers.json" "$dir/killed/v/integers.json" || fail "other integers after $kills kills"
[ -e "$dir/state" ] && fail "the state outlives the training"
echo "$attempts attempts, $kills killed"

if [ -n "$first" ]; then
    cp "$dir/first" "$dir/other"
    "$train" "$@" --out "$dir/x" --resume "$dir/other" --seed 7 >"$dir/log" 2>&1
    [ $? -eq 4 ] && grep -q "the state of another training" "$dir/log" || fail "took another training's state"
    printf 'x' | dd of="$dir/first" bs=1 seek=300 conv=notrunc 2>/dev/null
    "$train" "$@" --out v --resume "$dir/first" >"$dir/log" 2>&1
    [ $? -eq 4 ] || fail "took a damaged state"
fi
exit $failed
