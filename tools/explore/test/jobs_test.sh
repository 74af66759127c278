#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# An exploration as a folder of jobs: run in any order, twice at once, after the folder moved, it gives the bytes
# of the local run; what is missing, failed, damaged or of another exploration is counted or refused.
set -u
explore=$SEVENCAST_BUILD/bin/sevencast-explore
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

# shellcheck disable=SC2086 # $toy is a list of words
{
    expect 0 "points on the front" $toy --epochs 3 --out "$dir/local.json"
    expect 2 "--jobs-out needs --confirm or --uniform" --sensitivities "$dir/s.json" --jobs-out "$dir/jobs"
    expect 0 "20 jobs in $dir/jobs" $toy --epochs 3 --jobs-out "$dir/jobs"
    expect 5 "File exists" $toy --epochs 3 --jobs-out "$dir/jobs"
    expect 0 "20 jobs" $toy --epochs 4 --jobs-out "$dir/others"
    # Equal trials are one job: front and uniform widths of one exploration, twice the same seed is none of them.
    expect 0 "14 jobs" $toy --epochs 3 --confirm 0 --jobs-out "$dir/uniform"
}
[ "$(wc -l <"$dir/jobs/jobs.jsonl")" -eq 20 ] && jq -se 'map(.key) | unique | length == 20' "$dir/jobs/jobs.jsonl" \
    >/dev/null || fail "the list"
grep -q "$dir" -r "$dir/jobs" && fail "a path of this machine in the folder"

expect 2 "a folder and a job's number are needed" run-job "$dir/jobs"
expect 2 "a folder and a job's number are needed" run-job "$dir/jobs" 1x
expect 2 "no job 20, only 0 to 19" run-job "$dir/jobs" 20
expect 3 "none/manifest.json" run-job "$dir/none" 0
expect 2 "--merge needs --out" --merge "$dir/jobs"
expect 1 "20 jobs: 0 complete, 20 missing, 0 failed" --merge "$dir/jobs" --out "$dir/merged.json"
expect 0 "job 0: validation RMSE" run-job "$dir/jobs" 0
expect 0 "job 0: has a result" run-job "$dir/jobs" 0
expect 0 "job 0: validation RMSE" run-job "$dir/others" 0

# Moved, two at once for each job, in two orders.
mv "$dir/jobs" "$dir/moved"
for i in $(seq 1 18); do "$explore" run-job "$dir/moved" "$i" || echo "exit $?"; done >"$dir/up" 2>&1 &
for i in $(seq 18 -1 1); do "$explore" run-job "$dir/moved" "$i" || echo "exit $?"; done >"$dir/down" 2>&1
wait
grep -hv '^job' "$dir/up" "$dir/down" && fail "jobs run twice at once"
[ "$(find "$dir/moved/results" -name '*.result' | wc -l)" -eq 19 ] && [ -z "$(find "$dir/moved" -name '*.part')" ] ||
    fail "results: $(ls "$dir/moved/results")"
expect 1 "20 jobs: 19 complete, 1 missing, 0 failed" --merge "$dir/moved" --out "$dir/merged.json"
[ -e "$dir/merged.json" ] && fail "a result of jobs that are not complete"

# A damaged result counts as failed and is made again; one of another manifest is refused.
cp "$dir/moved/results/3.result" "$dir/3.result"
printf '#' | dd of="$dir/moved/results/3.result" bs=1 seek=150 conv=notrunc 2>/dev/null
expect 1 "20 jobs: 18 complete, 1 missing, 1 failed" --merge "$dir/moved" --out "$dir/merged.json"
head -c 90 "$dir/3.result" >"$dir/moved/results/3.result"
expect 1 "20 jobs: 18 complete, 1 missing, 1 failed" --merge "$dir/moved" --out "$dir/merged.json"
cp "$dir/moved/results/4.result" "$dir/moved/results/3.result"
expect 1 "20 jobs: 18 complete, 1 missing, 1 failed" --merge "$dir/moved" --out "$dir/merged.json"
expect 0 "job 3: validation RMSE" run-job "$dir/moved" 3
cp "$dir/others/results/0.result" "$dir/moved/results/19.result"
expect 3 "result 19 belongs to another manifest" --merge "$dir/moved" --out "$dir/merged.json"
rm "$dir/moved/results/19.result"

# The last one by the script for Slurm, without Slurm; then all is there, and equal to the local run.
(cd "$dir/moved" && SEVENCAST_EXPLORE=$explore SLURM_ARRAY_TASK_ID=19 ./array.sh) >"$dir/out" 2>&1 ||
    fail "array.sh: $(cat "$dir/out")"
expect 0 "20 jobs: 20 complete, 0 missing, 0 failed" --merge "$dir/moved" --out "$dir/merged.json"
cmp "$dir/local.json" "$dir/merged.json" || fail "merged is not what the local run gave"

# Other bytes than those that the manifest is about: nothing is run, nothing merged.
for file in data.csv float-checkpoint.st sensitivities.json jobs.jsonl; do
    cp "$dir/moved/$file" "$dir/kept"
    printf ' ' >>"$dir/moved/$file"
    expect 3 "$file: not the file that the manifest is about" run-job "$dir/moved" 1
    expect 3 "$file: not the file that the manifest is about" --merge "$dir/moved" --out "$dir/no.json"
    cp "$dir/kept" "$dir/moved/$file"
done

# A job that does not end is killed, tried once more, and said to have failed.
# shellcheck disable=SC2086
expect 0 "14 jobs" $toy --epochs 100000 --confirm 0 --jobs-out "$dir/long"
expect 1 "failed 2 times; the last time it took more than 1 s" run-job "$dir/long" 2 --trial-timeout 1
expect 1 "14 jobs: 0 complete, 13 missing, 1 failed" --merge "$dir/long" --out "$dir/no.json"
grep -q "took more than 1 s" "$dir/long/results/2.failed" || fail "no reason beside the job"
exit $failed
