#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The accelerator on variants: every tensor equal to the golden model, the cycle count equal to the planned one.
#
#   variant-test.sh BUILD WHAT...
# WHAT is a variant's folder, or the seed of a random variant (shape, widths, parameters and hardware choices
# follow from it; N:extreme has integers at their limits, N:synthesis runs the bodies that make a netlist, which GHDL
# simulates slowly: a few inferences only; N:collapsed... is of the collapsed form; N:stream has so little Block RAM
# left that constants come with the weights; N:alike has keys and values in the same memories).
# SEVENCAST_CORE_CONFIGS=N runs N further configurations, half of them always the same, half from a fresh seed, which is
# printed (SEVENCAST_SEED sets it); three of eight with integers at their limits, a third of the
# collapsed form. About six seconds of CPU each. The last line
# counts: "variant-test: N configurations, N elements, N failed".
set -u
build=$1 bin=$1/bin
shift
script=$(realpath "$0")
command -v ghdl-llvm >/dev/null || { echo "skipped: ghdl-llvm is not installed"; exit 77; }
work=$(mktemp -d "${TMPDIR:-/tmp}/core-random.XXXXXX")
trap 'rm -rf "$work"' EXIT

seeds=("$@")
if [ -n "${SEVENCAST_CORE_CONFIGS:-}" ]; then
    fresh=${SEVENCAST_SEED:-$(date +%s)}
    echo "fresh seeds from $fresh"
    for i in $(seq 1 "$SEVENCAST_CORE_CONFIGS"); do
        [ $((i % 2)) -eq 0 ] && seed=$((fresh + i)) || seed=$((1000 + i))
        # even ones are fresh: each second of them; odd ones fixed: each fourth
        [ $((i % 3)) -eq 0 ] && seed=$seed:collapsed
        [ $((i % 4)) -eq 0 ] || [ $((i % 8)) -eq 3 ] && seed=$seed:extreme
        seeds+=("$seed")
    done
fi

# one SEED: builds and runs a bench of its own; GHDL writes into the current folder
one() {
    local seed=${1%%:*} extreme=0 budget=40000 bodies='' predicted form=()
    case $1 in
    *:extreme) extreme=1 ;;
    *:synthesis) bodies=--synthesis budget=2500 ;;
    esac
    case $1 in
    *:collapsed*) form=(--collapsed) ;;
    esac
    if [ "$1" = "$seed:stream" ]; then
        "$bin/core_random_variant" variant "$seed" 6 7 32 1 128 1 1 8 0 0 \
            '{"storage": {"window": "block", "numerator": "block"}}' >name &&
            "$bin/sevencast-build" variant --listing | grep '^stream' || return 1
    elif [ "$1" = "$seed:alike" ]; then
        "$bin/core_random_variant" variant "$seed" 7 3 8 2 16 2 1 5 0 0 \
            '{"tile": {"tokens": 4, "outputs": 2, "terms": 2}, "requantisers": 2, "requantiser_dsps": 1,
              "storage": {"key": "distributed", "value": "distributed"}}' >name &&
            grep -q attention_shared_c.*true <("$bin/sevencast-build" variant --vhdl /dev/stdout) || return 1
    elif [ -d "$1" ]; then
        seed=1 budget=1000000
        cp -r "$1" variant || return 1
    else
        "$bin/core_random_variant" "${form[@]}" variant "$seed" 0 0 0 0 0 0 0 0 $extreme >name || return 1
    fi
    "$(dirname "$script")/build-bench.sh" "$build" variant $bodies || return 1
    predicted=$(sed -n '2s/ .*//p' listing)
    ./bench variant --seed "$seed" --cycles "$predicted" --budget $budget --assert-level=error \
        --ieee-asserts=disable
}

failed=0 elements=0
for seed in "${seeds[@]}"; do
    mkdir "$work/one" && cd "$work/one" || exit 1
    if ! one "$seed" >log 2>&1 || ! grep -q '^PASS .* [1-9][0-9]* elements' log; then
        failed=$((failed + 1))
        tail -20 log
        echo "$seed: FAIL"
    else
        elements=$((elements + $(sed -n 's/^PASS .* \([1-9][0-9]*\) elements.*/\1/p' log)))
        echo "$seed: $(head -1 listing | cut -d'(' -f1) $(grep '^PASS' log)"
    fi
    cd "$work" && rm -rf "$work/one"
done
echo "variant-test: ${#seeds[@]} configurations, $elements elements, $failed failed"
[ $failed -eq 0 ] && [ ${#seeds[@]} -gt 0 ] && [ $elements -gt 0 ]
