#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# variant_fuzz.sh FUZZER MODEL: runs the fuzzer on a corpus that begins with the texts of good variants.
set -eu
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
mkdir "$dir/corpus"
"$2" random --seed 1 --window 2 --features 1 --d-model 4 --heads 2 --d-ff 1 --layers 1 --outputs 1 \
    --bits 3 --y-bits 8 --out "$dir/v"
{ printf '\000'; cat "$dir/v/manifest.json"; } >"$dir/corpus/manifest"
{ printf '\200'; cat "$dir/v/integers.json"; } >"$dir/corpus/integers"
"$1" -seed=1 -runs=50000 -max_len=8192 "$dir/corpus"
