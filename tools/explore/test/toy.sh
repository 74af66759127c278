# SPDX-License-Identifier: Apache-2.0
# Sourced by tests: a small task with its sensitivities and floating-point net in $dir, and an exploration of it in
# the words of $toy.
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
"$SEVENCAST_BUILD/bin/sevencast-train" sensitivities --task-file "$dir/toy.json" --data "$dir/a.csv" --d-model 8 \
    --d-ff 8 --float-checkpoint "$dir/float.st" --epochs-float 10 --bits 8,e=7 --levels 4 --epochs-qat 1 \
    --out "$dir/s.json" >"$dir/log" 2>&1 || fail "sensitivities: $(cat "$dir/log")"
toy="--sensitivities $dir/s.json --data $dir/a.csv --float-checkpoint $dir/float.st --confirm 3 --uniform --seeds 2"
