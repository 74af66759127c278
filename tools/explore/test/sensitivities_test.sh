#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Sensitivities: errors; the same bytes from any number of processes, from a record and from jobs; losses that the
# trainer confirms; both forms of the net, from which an exploration goes on.
set -u
bin=$SEVENCAST_BUILD/bin
explore=$bin/sevencast-explore
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
# shellcheck source=tools/explore/test/toy.sh
. "$SEVENCAST_SOURCE/tools/explore/test/toy.sh"

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

sens="sensitivities $net --bits 8,e=7 --levels 2 --epochs 2 --seeds 2"
jq '. + {"windows": 8}' "$dir/toy.json" >"$dir/odd.json"
# shellcheck disable=SC2086 # lists of words
{
    expect 2 "--task-file, --data, --float-checkpoint and --out are needed" sensitivities --out "$dir/x.json"
    expect 2 "--levels: '1,9' is not a list" $sens --levels 1,9 --out "$dir/x.json"
    expect 2 "--levels: '2,' is not a list" $sens --levels 2, --out "$dir/x.json"
    expect 2 "no such tensor" $sens --bits 8,w_3=2 --out "$dir/x.json"
    expect 3 "'windows' is not a member of a task" $sens --task-file "$dir/odd.json" --out "$dir/x.json"
    expect 3 "shape.form: not a form" $sens --form round --out "$dir/x.json"
    expect 3 "a.csv" $sens --data "$dir/none-a.csv" --out "$dir/x.json"
    expect 3 "float.st: tensor" $sens --d-model 16 --out "$dir/x.json"
    expect 5 "not written" $sens --levels 7 --epochs 0 --out "$dir/no/x.json"

    expect 0 "42 runs" $sens --jobs 1 --out "$dir/one.json" --record "$dir/record"
    expect 0 "0 runs, 0.0 s of processor time; 42 found" $sens --out "$dir/two.json" --record "$dir/record"
    expect 0 "42 runs" $sens --jobs 3 --out "$dir/three.json"
    expect 0 "42 jobs" $sens --jobs-out "$dir/jobs"
}
for i in $(seq 0 41); do "$explore" run-job "$dir/jobs" "$i" || fail "job $i"; done >"$dir/out" 2>&1
expect 0 "42 jobs: 42 complete" --merge "$dir/jobs" --out "$dir/merged.json"
for other in two three merged; do
    cmp "$dir/one.json" "$dir/$other.json" || fail "$other.json differs"
done
jq -e '(.tensors | length == 20) and ([.tensors[].rmse | length] | add == 20) and
    (.tensors.x.rmse["2"] > .base_rmse) and .float_rmse > 0' "$dir/one.json" >/dev/null || fail "sensitivities make no sense"

# A cell is the mean of what the trainer gets with these widths and seeds.
for seed in 1 2; do
    # shellcheck disable=SC2086
    "$bin/sevencast-train" $net --bits 8,e=7,layers.0.q=2 --epochs-qat 2 --seed $seed --name "t$seed" \
        --out "$dir/t$seed" >"$dir/out" 2>&1 || fail "training"
done
jq -es '((.[0].metrics.validation.rmse + .[1].metrics.validation.rmse) / 2) as $trained | .[2].tensors["layers.0.q"].rmse["2"] |
    (. / $trained - 1 | fabs) < 1e-6' "$dir/t1/manifest.json" "$dir/t2/manifest.json" "$dir/one.json" >/dev/null ||
    fail "the trainer has another loss"

# The collapsed form has fewer tensors; its exploration's points train too.
net="$net --form collapsed --float-checkpoint $dir/collapsed.st"
# shellcheck disable=SC2086
{
    "$bin/sevencast-train" $net --epochs-float 5 --epochs-qat 0 --name c --out "$dir/c" >"$dir/out" 2>&1 || fail "float"
    expect 0 "27 runs" sensitivities $net --levels 3,5 --epochs 1 --out "$dir/c.json"
}
jq -e '.shape.form == "collapsed" and (.tensors | keys | length == 13 and all(test("k$|v$|z$|^o$|w_2") | not))' \
    "$dir/c.json" >/dev/null || fail "tensors of the collapsed form: $(jq -c '.tensors | keys' "$dir/c.json")"
cexplore="--sensitivities $dir/c.json --data $dir/a.csv --float-checkpoint $dir/collapsed.st --confirm 2 --uniform --seeds 1"
# shellcheck disable=SC2086
{
    expect 0 "points on the front" $cexplore --epochs 1 --out "$dir/c1.json"
    expect 0 "jobs" $cexplore --epochs 1 --jobs-out "$dir/cjobs"
}
jobs=$(jq .jobs "$dir/cjobs/manifest.json")
for i in $(seq 0 $((jobs - 1))); do "$explore" run-job "$dir/cjobs" "$i" || fail "job $i"; done >"$dir/out" 2>&1
expect 0 "0 missing" --merge "$dir/cjobs" --out "$dir/c2.json"
cmp "$dir/c1.json" "$dir/c2.json" || fail "collapsed: merged is not what the local run gave"
jq -e '(.confirmed | length >= 8) and ([.confirmed[].validation_rmse] | all(. > 0)) and ([.front[].cycles] | all(. > 0)) and
    (.confirmed[0].command | test("--form collapsed"))' "$dir/c1.json" >/dev/null || fail "collapsed: $(jq -c .confirmed[0] "$dir/c1.json")"
exit $failed
