#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# sevencast-explore as its users see it: errors, and from a series over sensitivities to confirmed
# points that hold the budget; the printed command makes the variant that was confirmed.
set -u
bin=$SEVENCAST_BUILD/bin
explore=$bin/sevencast-explore
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
failed=0

fail()
{
    echo "FAILED: $*"
    failed=1
}

expect()
{
    code=$1 text=$2
    shift 2
    "$explore" "$@" >"$dir/out" 2>&1
    got=$?
    if [ $got -ne "$code" ] || ! grep -qF -e "$text" "$dir/out"; then
        fail "sevencast-explore $*: exit $got, expected $code and \"$text\""
        sed 's/^/  | /' "$dir/out"
    fi
}

awk 'BEGIN { print "load"; for (i = 0; i < 400; i++)
    printf "%.3f\n", 50 + 10 * sin(i * 0.5) + 3 * sin(i * 1.3) }' >"$dir/a.csv"
cat >"$dir/toy.json" <<'END'
{"task": "toy", "target": "load", "window": 8, "split": [60, 20, 20]}
END
net="--d-model 8 --d-ff 8 --float-checkpoint $dir/float.safetensors"
# shellcheck disable=SC2086 # $net is a list of words
{
    "$bin/sevencast-train" --task-file "$dir/toy.json" --data "$dir/a.csv" $net --epochs-float 15 --epochs-qat 0 \
        --name toy --out "$dir/float" >"$dir/out" 2>&1 || fail "float"
    "$explore" sensitivities --task-file "$dir/toy.json" --data "$dir/a.csv" $net \
        --bits 8,e=7 --levels 2,4 --epochs 2 --out "$dir/s.json" >"$dir/out" 2>&1 || fail "sensitivities"
}

expect 0 "Usage: sevencast-explore" --help
expect 2 "--sensitivities and --out are needed" --out "$dir/r.json"
expect 2 "need --data" --sensitivities "$dir/s.json" --out "$dir/r.json" --confirm 2
expect 2 "--budget-uniform: '9' is not a number in 2..8" --budget-uniform 9
expect 3 "none.json" --sensitivities "$dir/none.json" --out "$dir/r.json"
jq 'del(.tensors.x)' "$dir/s.json" >"$dir/lame.json"
expect 3 "tensors.x.base: not a width" --sensitivities "$dir/lame.json" --out "$dir/r.json"
expect 1 "no widths have at most 1000 bit operations" --sensitivities "$dir/s.json" --out "$dir/r.json" \
    --budget 1000
expect 5 "not written" --sensitivities "$dir/s.json" --out "$dir/no/r.json"
expect 0 "points on the front" --sensitivities "$dir/s.json" --out "$dir/r.json" --budget-uniform 4 \
    --confirm 3 --uniform --data "$dir/a.csv" --float-checkpoint "$dir/float.safetensors" --seeds 1 --epochs 3

# 20 tensors with three widths each: 3^20 combinations (written with nine digits); the front falls; confirmed points hold the budget.
jq -e '(.combinations - 3486784401 | fabs < 10) and .points == (.front | length) and .points > 3 and
    ([.front[].predicted_rmse] | . == (sort | reverse)) and
    (.budget as $b | [.front[], (.confirmed[] | select(.uniform == null))] | all(.bit_operations <= $b)) and
    (.confirmed | map(select(.uniform)) | length == 7) and
    ([.confirmed[].validation_rmse] | all(. > 0)) and ([.front[].cycles] | all(. > 0))' "$dir/r.json" >/dev/null ||
    fail "the result does not hold together: $(jq -c 'del(.front)' "$dir/r.json")"

# The same point trained by sevencast-train has the same loss.
bits=$(jq -r '.confirmed[0].bits' "$dir/r.json")
"$bin/sevencast-train" --task-file "$dir/toy.json" --data "$dir/a.csv" $net --bits "$bits" --epochs-qat 3 \
    --name toy --out "$dir/toy" >"$dir/out" 2>&1 || fail "training the point"
awk -v a="$(jq .metrics.validation.rmse "$dir/toy/manifest.json")" \
    -v b="$(jq '.confirmed[0].validation_rmse' "$dir/r.json")" \
    'BEGIN { d = a - b; exit !(d < 1e-6 * a && -d < 1e-6 * a) }' || fail "the confirmed loss is not the variant's"

# Under a device's budget: points hold it and no command promises what the builder does not plan.
small="--device xc7s15 --sensitivities $dir/s.json --out $dir/d.json --storage auto --grain 10"
expect 0 "Usage: sevencast-explore --device" --device xc7s15 --help
expect 2 "'xc7s16' is not xc7s6" --device xc7s16 --sensitivities "$dir/s.json" --out "$dir/d.json"
expect 2 "'ram' is not block" --device xc7s15 --sensitivities "$dir/s.json" --out "$dir/d.json" --storage ram
# shellcheck disable=SC2086 # $small is a list of words
{
    expect 1 "nothing fits xc7s15" $small --max-cycles 10
    expect 3 "none: " $small --integers "$dir/none"
    expect 2 "--confirm needs --data" $small --confirm 2
    expect 0 "3 points trained" $small --check 100 --max-cycles 400 --jobs 2 --confirm 3 --seeds 2 --epochs 2 --data "$dir/a.csv" \
        --float-checkpoint "$dir/float.safetensors"
}
jq -e '.points == (.front | length) and .points > 3 and .room as $room | .front as $front |
    (.confirmed | length == 3 and all((.runs | length) == 2 and .validation_rmse > 0 and .test_rmse > 0 and
        .predicted_rmse == $front[.point].predicted_rmse) and .[0].point == 0) and
    ([.front[].predicted_rmse] | . == sort) and .check.held > 10 and .check.uncovered * 10 < .check.held and
    ([.front[]] | all(.predicted_rmse > 0 and .lut <= $room.LUT and .dsp <= $room.DSP and .ramb18 <= $room.RAMB18 and .cycles <= 400))' \
    "$dir/d.json" >/dev/null || fail "the front of the device does not hold together: $(jq -c 'del(.front)' "$dir/d.json")"
"$bin/sevencast-train" --task-file "$dir/toy.json" --data "$dir/a.csv" $net --bits "$(jq -r '.front[0].bits' "$dir/d.json")" \
    --hardware "$(jq -c '.front[0].hardware' "$dir/d.json")" --epochs-qat 1 --name toy --out "$dir/deep" >"$dir/out" 2>&1 ||
    fail "training a point of the device"
"$bin/sevencast-build" "$dir/deep" --listing >"$dir/out" 2>&1 || fail "planning a point of the device"
grep -q "^$(jq '.front[0].cycles' "$dir/d.json") cycles" "$dir/out" || fail "cycles are not the plan's: $(grep cycles "$dir/out")"
"$SEVENCAST_SOURCE/tools/explore/report" "$dir/none.json" "$dir/report" >/dev/null 2>&1 && fail "a report of nothing"
if command -v gnuplot >/dev/null; then
    "$SEVENCAST_SOURCE/tools/explore/report" "$dir/d.json" "$dir/report" >"$dir/out" 2>&1 || fail "report: $(cat "$dir/out")"
    grep -q "sevencast-train --task-file toy.json" "$dir/report/explore-toy-xc7s15.md" || fail "the report names no command"
    grep -q "^## Trained" "$dir/report/explore-toy-xc7s15.md" || fail "the report has no trained points"
    grep -q "<svg" "$dir/report/explore-toy-xc7s15-cycles.svg" || fail "the report has no plot"
fi

page=$SEVENCAST_SOURCE/man/sevencast-explore.1
for option in $({ "$explore" --help; "$explore" sensitivities --help; "$explore" run-job --help; "$explore" --device xc7s15 --help; } |
    grep -o -e '--[a-z-]*' | sort -u | sed 's/^--//'); do
    grep -qF -e "\\-\\-$option" "$page" || fail "$page lacks --$option"
done
exit $failed
