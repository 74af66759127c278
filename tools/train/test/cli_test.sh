#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# sevencast-train as its users see it: errors and exit codes, a run from a CSV file to a variant that
# evaluate confirms, the same integers for the same seed, a float checkpoint written and read.
set -u
train=$SEVENCAST_BUILD/bin/sevencast-train
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
failed=0

# expect CODE TEXT ARGS...: exit code, and a text that the output (both streams) must hold.
expect()
{
    code=$1 text=$2
    shift 2
    "$train" "$@" >"$dir/out" 2>&1
    got=$?
    if [ $got -ne "$code" ] || ! grep -qF -e "$text" "$dir/out"; then
        echo "FAILED: sevencast-train $*"
        echo "  exit $got, expected $code and \"$text\"; output:"
        sed 's/^/  | /' "$dir/out"
        failed=1
    fi
}

awk 'BEGIN { print "# a test\ntime,load,other"; for (i = 0; i < 400; i++)
    printf "t%d,%.3f,%.3f\n", i, 50 + 10 * sin(i * 0.5) + 3 * sin(i * 1.3), cos(i) }' >"$dir/a.csv"
sed '9s/.*/t6,4x,0/' "$dir/a.csv" >"$dir/bad.csv"
small="--target load --time time --window 8 --split 60/20/20 --task t --d-model 8 --d-ff 8
    --epochs-float 15 --epochs-qat 5"

expect 0 "Usage: sevencast-train" --help
expect 0 "sevencast-train 0." --version
expect 2 "--data is missing" --target load
expect 2 "--window: '65' is not a whole number in 2..64" --window 65
expect 2 "--split: '70/30' is not of the form" --split 70/30
expect 2 "d_model" --data "$dir/a.csv" $small --d-model 9 --heads 2 --name v --out "$dir/v"
expect 2 "bits: item 'q=x': no width" --data "$dir/a.csv" $small --bits 8,q=x --name v --out "$dir/v"
expect 2 "is not a name" --data "$dir/a.csv" $small --name V --out "$dir/v"
expect 2 "--form: 'lstm' is neither" --data "$dir/a.csv" $small --form lstm --name v --out "$dir/v"
expect 2 "shape.layers: 2 is not in 1..1" --data "$dir/a.csv" $small --form collapsed --layers 2 --name v \
    --out "$dir/v"
expect 2 "evaluate: which variant folder?" evaluate --data "$dir/a.csv"
expect 3 "No such file" --data "$dir/none.csv" $small --name v --out "$dir/v"
expect 3 "bad.csv:9: column 'load': '4x' is not a number" --data "$dir/bad.csv" $small --name v \
    --out "$dir/v"
expect 3 "column 'lod': not in the header" baselines --data "$dir/a.csv" --target lod
expect 3 "split: the parts make 90 percent" baselines --data "$dir/a.csv" --target load --split 60/20/10
expect 4 "$dir/none" evaluate "$dir/none" --data "$dir/a.csv"
expect 0 "persistence" baselines --data "$dir/a.csv" --target load --time time
expect 0 '"event":"baseline"' baselines --data "$dir/a.csv" --target load --json

# shellcheck disable=SC2086 # $small is a list of words
expect 0 "fake-quantised and integer outputs differ" --data "$dir/a.csv" $small --name v --out "$dir/v" \
    --float-checkpoint "$dir/float.safetensors" --unit MW
expect 0 '"event":"done"' --data "$dir/a.csv" $small --name v --out "$dir/w" --json --unit MW \
    --float-checkpoint "$dir/float2.safetensors"
cmp "$dir/float.safetensors" "$dir/float2.safetensors" || failed=1
cmp "$dir/v/integers.json" "$dir/w/integers.json" || failed=1
expect 0 "origin model" evaluate "$dir/v" --data "$dir/a.csv" --check
expect 0 "fake-quantised and integer outputs differ" --data "$dir/a.csv" $small --form collapsed --name c \
    --out "$dir/c" --float-checkpoint "$dir/float-c.safetensors"
expect 0 "origin model" evaluate "$dir/c" --data "$dir/a.csv" --check
grep -q '"form": "collapsed"' "$dir/c/manifest.json" || failed=1
expect 4 "float.safetensors" --data "$dir/a.csv" $small --form collapsed --name c --out "$dir/c2" \
    --float-checkpoint "$dir/float.safetensors"
expect 2 "--hardware: not a JSON object" --data "$dir/a.csv" $small --name v --out "$dir/hw" --hardware "[]"
expect 0 "MW" --data "$dir/a.csv" $small --name v --out "$dir/hw" --hardware '{"ramb18": 12}' --unit MW
[ "$(jq -c .hardware "$dir/hw/manifest.json")" = '{"ramb18":12}' ] || { echo "FAILED: no hardware"; failed=1; }
jq -r .training.command "$dir/hw/manifest.json" | grep -qF -e "--hardware '{\"ramb18\": 12}'" ||
    { echo "FAILED: the command lacks the hardware"; failed=1; }
# Every instruction set computes the same bits; one that the machine lacks is not chosen.
for isa in base avx2; do
    SEVENCAST_TRAIN_ISA=$isa "$train" --data "$dir/a.csv" $small --name v --out "$dir/isa" >"$dir/out" 2>&1 &&
        cmp "$dir/v/integers.json" "$dir/isa/integers.json" || { echo "FAILED: $isa differs"; failed=1; }
done
if grep -q "$dir" "$dir/v/manifest.json"; then
    echo "FAILED: the manifest names a folder of this machine"
    failed=1
fi
# From the checkpoint the quantised part alone runs again, to the same integers.
expect 0 "quantised run 1/1" --data "$dir/a.csv" $small --name v --out "$dir/x" \
    --float-checkpoint "$dir/float.safetensors" --unit MW
grep -q '^float run' "$dir/out" && { echo "FAILED: trained in spite of the checkpoint"; failed=1; }
cmp "$dir/v/integers.json" "$dir/x/integers.json" || failed=1
# A series that differs in its test part gives other figures, which --check must see.
sed '$s/.*/t399,90,0/' "$dir/a.csv" >"$dir/c.csv"
expect 1 "the manifest says" evaluate "$dir/v" --data "$dir/c.csv" --check
printf 'damaged' >"$dir/float.safetensors"
expect 4 "shorter than a safetensors file" --data "$dir/a.csv" $small --name v --out "$dir/x" \
    --float-checkpoint "$dir/float.safetensors"
expect 5 "" --data "$dir/a.csv" $small --name v --out "$dir/a.csv/no"

# A task file stands for the options of the task; options behind it replace its own. Six rows ahead
# is in the target's name.
cat >"$dir/task.json" <<'END'
{"task": "t", "time": "time", "target": "load", "features": ["load", "other"], "unit": "MW",
 "window": 8, "horizon": 6, "split": [60, 20, 20]}
END
net="--d-model 8 --d-ff 8 --epochs-float 3 --epochs-qat 2"
expect 0 "MW" --task-file "$dir/task.json" --data "$dir/a.csv" $net --name six --out "$dir/six"
[ "$(jq -r .output.targets[0].name "$dir/six/manifest.json")" = load+6 ] ||
    { echo "FAILED: the target is called $(jq -r .output.targets[0].name "$dir/six/manifest.json")"; failed=1; }
expect 0 "origin model" evaluate "$dir/six" --data "$dir/a.csv" --check
expect 0 "MW" --data "$dir/a.csv" --target load --features load,other --time time --unit MW --window 8 \
    --horizon 6 --split 60/20/20 --task t $net --name six --out "$dir/six-options"
cmp "$dir/six/integers.json" "$dir/six-options/integers.json" || failed=1
expect 0 "MW" --task-file "$dir/task.json" --data "$dir/a.csv" $net --horizon 1 --name one --out "$dir/one"
[ "$(jq -r .output.targets[0].name "$dir/one/manifest.json")" = load ] || { echo "FAILED: not load"; failed=1; }
echo '{"windows": 8}' >"$dir/task.json"
expect 2 "'windows' is not a member of a task" --task-file "$dir/task.json" --data "$dir/a.csv"
echo '{"window": 8' >"$dir/task.json"
expect 3 "task.json:2" --task-file "$dir/task.json" --data "$dir/a.csv"

# Every option of --help is in the manual page.
page=$SEVENCAST_SOURCE/man/sevencast-train.1
for option in $("$train" --help | sed -n 's/^  --\([a-z-]*\).*/\1/p'); do
    grep -qF -e "\\-\\-$option" "$page" || { echo "FAILED: $page lacks --$option"; failed=1; }
done
exit $failed
