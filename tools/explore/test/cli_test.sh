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
"$bin/sevencast-train" sensitivities --task-file "$dir/toy.json" --data "$dir/a.csv" $net --epochs-float 15 \
    --bits 8,e=7 --levels 2,4 --epochs-qat 2 --out "$dir/s.json" >"$dir/out" 2>&1 || fail "sensitivities"

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

page=$SEVENCAST_SOURCE/man/sevencast-explore.1
for option in $("$explore" --help | grep -o -e '--[a-z-]*' | sort -u | sed 's/^--//'); do
    grep -qF -e "\\-\\-$option" "$page" || fail "$page lacks --$option"
done
exit $failed
