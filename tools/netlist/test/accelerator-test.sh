#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The netlist of a variant's accelerator under Verilator equals the model in every tensor and GHDL in its
# cycle count: accelerator-test.sh BUILD RTL VARIANT-DIR...
# A variant may also be SEED or SEED:WORDS for core_random_variant, e.g. 7 or "7:6 4 8 1 16 1 1 4 0"; a c before
# the seed asks for the collapsed form.
# SEVENCAST_SEED changes the windows.
set -eu

build=$1 rtl=$2
shift 2
here=$(cd "$(dirname "$0")" && pwd)
for tool in ghdl-llvm verilator; do
    command -v $tool >/dev/null || { echo "skipped: $tool is not installed"; exit 77; }
done
work=$(mktemp -d "${TMPDIR:-/tmp}/accelerator-test.XXXXXX")
trap 'rm -rf "$work"' EXIT
trap 'exit 1' HUP INT TERM
seed=${SEVENCAST_SEED:-1}
echo "seed $seed"
runtime=${VERILATED_OBJECTS:-$work/runtime} # Verilator's own library takes as long to compile as a design: once
mkdir -p "$runtime"

one() { # VARIANT-DIR
    local variant=$1 name package
    name=$(jq -r .name "$variant/manifest.json")
    package=$work/packages/$name
    # GHDL runs the package's golden windows here and counts the cycles.
    "$build/bin/sevencast-build" "$variant" --out "$work/packages" --rtl "$rtl" \
        --vboard-sim "$build/share/sevencast/sim" >"$work/log" 2>&1 || { cat "$work/log"; return 1; }
    local cycles
    cycles=$(jq .cycles "$package/build.json")
    "$build/bin/sevencast-netlist" package "$package" --rtl "$rtl" --top accelerator >"$work/log" 2>&1 ||
        { cat "$work/log"; return 1; }
    "$build/bin/sevencast-model" vectors "$variant" --windows 2 --seed "$seed" --out "$work/vectors" >"$work/log" ||
        { cat "$work/log"; return 1; }
    mkdir "$package/netlist/bench"
    find "$runtime" -type f -exec cp -p {} "$package/netlist/bench/" \;
    (cd "$package/netlist" &&
        verilator --cc --exe --build -O3 --x-assign fast --x-initial fast -Wno-lint -Wno-style -Wno-fatal \
            --top-module accelerator --Mdir bench -MAKEFLAGS "OPT_FAST=-O1 OPT_SLOW=-O0 OPT_GLOBAL=-O1" \
            -o bench accelerator.v "$here/accelerator.cpp") >"$work/log" 2>&1 || { tail -20 "$work/log"; return 1; }
    cp -p "$package"/netlist/bench/verilated*.[od] "$runtime/"
    "$package/netlist/bench/bench" "$work/vectors" >"$work/log" || { cat "$work/log"; return 1; }
    local got
    got=$(sed -n 's/^accelerator: PASS [1-9][0-9]* elements \([0-9]*\) cycles.*/\1/p' "$work/log")
    [ "$got" = "$cycles" ] || { echo "$name: $got cycles in the netlist, $cycles under GHDL"; return 1; }
    echo "$name: $(cat "$work/log"), as under GHDL"
    rm -rf "$package" "$work/vectors"
}

failed=0 count=0
for what in "$@"; do
    variant=$what
    if [ ! -d "$what" ]; then
        variant=$work/variant
        rm -rf "$variant"
        form=()
        [ "${what#c}" = "$what" ] || form=(--collapsed)
        # shellcheck disable=SC2046 # words
        "$build/bin/core_random_variant" "${form[@]}" "$variant" $(echo "${what#c}" | tr ':' ' ') >/dev/null
    fi
    one "$variant" || { echo "accelerator-test: $what failed"; failed=$((failed + 1)); }
    count=$((count + 1))
done
echo "accelerator-test: $count variants, $failed failed"
[ $failed -eq 0 ] && [ $count -gt 0 ]
