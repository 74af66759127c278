#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# sevencast-explore deploy and compare as their users see them.
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

awk 'BEGIN { print "load"; for (i = 0; i < 300; i++)
    printf "%.3f\n", 50 + 10 * sin(i * 0.5) + 3 * sin(i * 1.3) }' >"$dir/a.csv"
cat >"$dir/toy.json" <<'END'
{"task": "toy", "target": "load", "window": 6, "split": [60, 20, 20]}
END
"$bin/sevencast-train" --task-file "$dir/toy.json" --data "$dir/a.csv" --d-model 8 --d-ff 8 --float-checkpoint "$dir/float.safetensors" \
    --epochs-float 15 --epochs-qat 0 --name toy --out "$dir/float" >"$dir/out" 2>&1 || fail "float: $(cat "$dir/out")"
expect 0 "" sensitivities --task-file "$dir/toy.json" --data "$dir/a.csv" --d-model 8 --d-ff 8 --bits 8,e=7 --levels 3,5 --epochs 1 \
    --float-checkpoint "$dir/float.safetensors" --out "$dir/s.json"

expect 0 "Usage: sevencast-explore deploy" deploy --help
expect 2 "--sensitivities and --out are needed" deploy --out "$dir/d.json"
expect 2 "'spartan' is not xc7s6" deploy --device spartan --sensitivities "$dir/s.json" --out "$dir/d.json"
expect 3 "none.json" deploy --sensitivities "$dir/none.json" --out "$dir/d.json"
expect 0 "fits xc7s15 less 10 %" deploy --sensitivities "$dir/s.json" --out "$dir/d.json"
# 12 shapes of 9 answers; what fits keeps the room, what does not says why; narrower is never worse; mixed widths
# fit where any uniform one does, at no more loss than allowed.
jq -e '.room as $room | (.shapes | length == 12) and ([.shapes[].uniform | length] | all(. == 9)) and
    ([.shapes[].uniform[] | .planner, .any | select(.fits)] | length > 20 and all(.why == "fits" and .lut <= $room.LUT and .ramb18 <= 20)) and
    ([.shapes[].uniform[] | .planner, .any | select(.fits | not)] | length > 20 and all(.why | test("[+][0-9]|RAMB18"))) and
    ([.shapes[].uniform[] | select(.planner.fits)] | all(.any.fits)) and
    ([.shapes[] | select([.uniform[] | .any.fits] | any)] | length > 6 and all(.mixed_any_speed != null)) and
    ([.shapes[].mixed, .shapes[].mixed_any_speed | values] | all(.lut <= $room.LUT and .ramb18 <= 20 and .predicted_pct >= 0)) and
    ([.shapes[] | select(.mixed) | .mixed.cycles <= (.uniform[] | select(.bits == 8 and .storage == "auto") | .planner.cycles)] | all)' \
    "$dir/d.json" >/dev/null || fail "the table does not hold together: $(jq -c '.shapes[11]' "$dir/d.json")"

compare="compare --sensitivities $dir/s.json --data $dir/a.csv --float-checkpoint $dir/float.safetensors --out $dir/c.json"
expect 0 "Usage: sevencast-explore compare" compare --help
expect 2 "are needed" compare --sensitivities "$dir/s.json"
# shellcheck disable=SC2086 # $compare is a list of words
{
    expect 2 "--population: 5 is odd" $compare --population 5
    expect 2 "41 are the sensitivities'" $compare --trials 42
    expect 3 "none.csv" $compare --data "$dir/none.csv"
    expect 0 "46 trials each" $compare --trials 46 --fresh 1 --population 8 --record "$dir/record"
    cp "$dir/c.json" "$dir/first.json"
    # the same again from the record: nothing is trained
    expect 0 "46 trials each" $compare --trials 46 --fresh 1 --population 8 --record "$dir/record" --jobs 1
}
jq -e '.ran == 0' "$dir/c.json" >/dev/null || fail "a trial of the record ran again"
[ "$(jq -S 'del(.ran, .seconds)' "$dir/c.json")" = "$(jq -S 'del(.ran, .seconds)' "$dir/first.json")" ] || fail "not the same again"
jq -e '(.ways | map(.way) == ["explorer", "uniform", "random", "nsga2"]) and
    (.ways | all((.points | length) + .of_sensitivities == 46 and .volume_pct >= 0 and .volume_pct <= 100)) and
    ([.ways[].budgets[] | select(.bits)] | length > 8 and all(.bit_operations <= .budget and .fresh_validation_rmse > 0))' \
    "$dir/c.json" >/dev/null || fail "the comparison does not hold together: $(jq -c '.ways[] | del(.points)' "$dir/c.json")"
if command -v gnuplot >/dev/null; then
    "$SEVENCAST_SOURCE/tools/explore/report" "$dir/c.json" "$dir/report" >"$dir/out" 2>&1 || fail "report: $(cat "$dir/out")"
    grep -q "| nsga2 |" "$dir/report/compare-toy.md" && grep -q "<svg" "$dir/report/compare-toy.svg" || fail "no report"
fi

page=$SEVENCAST_SOURCE/man/sevencast-explore.1
for option in $({ "$explore" deploy --help; "$explore" compare --help; } | grep -o -e '--[a-z-]*' | sort -u | sed 's/^--//'); do
    grep -qF -e "\\-\\-$option" "$page" || fail "$page lacks --$option"
done
exit $failed
