#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# sevencast-model from outside: verbs, exit statuses, and that run, vectors and files agree.
set -u
model=$SEVENCAST_BUILD/bin/sevencast-model
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
failed=0

# expect STATUS TEXT COMMAND...: the command ends with that status and prints that text.
expect() {
    local status=$1 text=$2 got
    shift 2
    "$@" >"$dir/output" 2>&1
    got=$?
    if [ $got -ne "$status" ] || { [ -n "$text" ] && ! grep -qF -- "$text" "$dir/output"; }; then
        echo "FAILED: $* : status $got, expected $status and \"$text\", printed:"
        head -5 "$dir/output"
        failed=1
    fi
}

shape=(--window 6 --features 3 --d-model 8 --heads 2 --d-ff 12 --layers 2 --outputs 2)
expect 0 'usage: sevencast-model' "$model" --help
expect 2 'no verb' "$model"
expect 2 'no such verb' "$model" paint "$dir"
expect 2 'wrong option' "$model" check --colour "$dir"
expect 2 '--seed: x is not a whole number' "$model" random --seed x --out "$dir/v"
expect 2 '--heads: 0 is not in' "$model" random --heads 0 --out "$dir/v"
expect 1 'shape.heads: 5 is not in 1..4' "$model" random --heads 5 --d-model 20 --out "$dir/v"
expect 1 'bits.x: 9 is not in 2..8' "$model" random --bits 9 --out "$dir/v"
expect 0 'v: demand-x, hash ' "$model" random --seed 7 --name demand-x --out "$dir/v" "${shape[@]}"
expect 0 '' "$model" random --seed 7 --name demand-x --out "$dir/w" "${shape[@]}"
expect 0 '' cmp "$dir/v/manifest.json" "$dir/w/manifest.json"
expect 0 '' sha256sum --check --quiet --strict <(sed "s|  |  $dir/v/|" "$dir/v/manifest.sha256")
expect 0 'ok, demand-x' "$model" check "$dir/v" "$dir/w"
expect 1 'manifest.json: open' "$model" check "$dir/v" "$dir/none"
expect 0 'window 6, features 3, d_model 8' "$model" show "$dir/v"

expect 2 'needs --out and --windows' "$model" vectors "$dir/v" --out "$dir/t"
expect 0 '' "$model" vectors "$dir/v" --windows 12 --seed 3 --out "$dir/t"
expect 0 "variant: demand-x $(cut -d' ' -f1 "$dir/v/manifest.sha256")" head -2 "$dir/t/y.txt"
for file in x h q_0 k_0 v_0 u_0 e_0 c_0 r_0 f_0 z_0 q_1 u_1 z_1 o y; do
    [ -s "$dir/t/$file.txt" ] || { echo "FAILED: no $file.txt"; failed=1; }
done
expect 2 '--form: lstm is neither' "$model" random --form lstm --out "$dir/c"
expect 1 'shape.layers: 2 is not in 1..1' "$model" random --form collapsed --layers 2 --out "$dir/c"
expect 0 '' "$model" random --form collapsed --seed 9 --out "$dir/c"
expect 0 'collapsed: window' "$model" show "$dir/c"
expect 0 '' "$model" vectors "$dir/c" --windows 2 --out "$dir/ct"
for file in x h q_0 u_0 e_0 c_0 r_0 f_0 y; do
    [ -s "$dir/ct/$file.txt" ] || { echo "FAILED: collapsed, no $file.txt"; failed=1; }
done
[ ! -e "$dir/ct/k_0.txt" ] || { echo "FAILED: collapsed, k_0.txt"; failed=1; }
rows=$(grep -vc '^#' "$dir/t/u_1.txt")
[ "$rows" -eq $((12 * 2 * 6)) ] || { echo "FAILED: u_1.txt has $rows rows"; failed=1; }
grep -v '^#' "$dir/t/x.txt" >"$dir/codes"
grep -v '^#' "$dir/t/y.txt" >"$dir/y"
"$model" run "$dir/v" --codes "$dir/codes" >"$dir/run" || failed=1
expect 0 '' cmp "$dir/run" "$dir/y"
"$model" run "$dir/v" --codes - <"$dir/codes" >"$dir/run" || failed=1
expect 0 '' cmp "$dir/run" "$dir/y"
[ "$(sort -u "$dir/y" | wc -l)" -gt 4 ] || { echo "FAILED: y hardly changes"; failed=1; }

echo '1 2 3' >"$dir/short"
expect 1 'ends after 3 codes of a window of 18' "$model" run "$dir/v" --codes "$dir/short"
echo '1 2 horse' >"$dir/word"
expect 1 'code 2: not an integer' "$model" run "$dir/v" --codes "$dir/word"
echo '1 999' >"$dir/wide"
expect 1 'code 1: 999 is not in' "$model" run "$dir/v" --codes "$dir/wide"
expect 1 'no codes' "$model" run "$dir/v" --codes /dev/null
expect 3 'none' "$model" run "$dir/v" --codes "$dir/none"
sed -i 's/"shift": /"shift": 1/' "$dir/w/integers.json"
expect 1 'w/manifest.json: integers.sha256: ' "$model" check "$dir/w"
exit $failed
