# SPDX-License-Identifier: Apache-2.0
# Sourced by tests: a small task with its floating-point net (words: $net) and sensitivities in $dir, and an
# exploration of it (words: $toy).
failed=0

fail()
{
    echo "FAILED: $*"
    failed=1
}

awk 'BEGIN { print "load"; for (i = 0; i < 400; i++)
    printf "%.3f\n", 50 + 10 * sin(i * 0.5) + 3 * sin(i * 1.3) }' >"$dir/a.csv"
cat >"$dir/toy.json" <<'END'
{"task": "toy", "target": "load", "window": 8, "split": [60, 20, 20]}
END
"$SEVENCAST_BUILD/bin/sevencast-train" --task-file "$dir/toy.json" --data "$dir/a.csv" --d-model 8 --d-ff 8 \
    --float-checkpoint "$dir/float.st" --epochs-float 10 --epochs-qat 0 --name toy --out "$dir/float" \
    >"$dir/log" 2>&1 || fail "float: $(cat "$dir/log")"
net="--task-file $dir/toy.json --data $dir/a.csv --float-checkpoint $dir/float.st --d-model 8 --d-ff 8"
# shellcheck disable=SC2086 # a list of words
"$SEVENCAST_BUILD/bin/sevencast-explore" sensitivities $net --bits 8,e=7 --levels 4 --epochs 1 --out "$dir/s.json" \
    >"$dir/log" 2>&1 || fail "sensitivities: $(cat "$dir/log")"
toy="--sensitivities $dir/s.json --data $dir/a.csv --float-checkpoint $dir/float.st --confirm 3 --uniform --seeds 2"
