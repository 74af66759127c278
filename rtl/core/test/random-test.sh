#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The accelerator on random variants: shapes, widths, parameters and hardware choices by seed; every tensor
# equal to the golden model, the cycle count equal to the planned one.
#
#   random-test.sh BIN BENCH-LIBRARY SEED...     SEED N:extreme has integers at their limits
# SEVENCAST_CORE_CONFIGS=N runs N further configurations from a fresh seed, which is printed.
set -u
bin=$1 library=$2
shift 2
rtl=$(cd "$(dirname "$0")/../.." && pwd)
command -v ghdl-llvm >/dev/null || { echo "skipped: ghdl-llvm is not installed"; exit 77; }
work=$(mktemp -d "${TMPDIR:-/tmp}/core-random.XXXXXX")
trap 'rm -rf "$work"' EXIT

seeds=("$@")
if [ -n "${SEVENCAST_CORE_CONFIGS:-}" ]; then
    fresh=${SEVENCAST_SEED:-$(date +%s)}
    echo "fresh seeds from $fresh"
    for i in $(seq 1 "$SEVENCAST_CORE_CONFIGS"); do
        [ $((i % 4)) -eq 0 ] && seeds+=("$((fresh + i)):extreme") || seeds+=("$((fresh + i))")
    done
fi

# one SEED: builds and runs a bench of its own; GHDL writes into the current folder
one() {
    local seed=${1%:extreme} extreme=0 predicted
    [ "$seed" = "$1" ] || extreme=1
    "$bin/core_random_variant" variant "$seed" 0 0 0 0 0 0 0 0 $extreme >name &&
        "$bin/sevencast-build" variant --listing >listing &&
        "$bin/sevencast-build" variant --vhdl variant_pkg.vhd || return 1
    predicted=$(sed -n '2s/ .*//p' listing)
    # shellcheck disable=SC2046 # lists of paths without blanks
    ghdl-llvm -a --std=08 $(sed "s,^,$rtl/," "$rtl/core/packages.f") variant_pkg.vhd \
        $(sed "s,^,$rtl/," "$rtl/core/files.f") "$rtl/core/test/core_tb.vhd" &&
        ghdl-llvm --bind --std=08 core_tb &&
        cc -o bench "$library" $(ghdl-llvm --list-link --std=08 core_tb) -ljansson -lsodium -lm &&
        ./bench variant --seed "$seed" --cycles "$predicted" --budget 100000 --assert-level=error \
            --ieee-asserts=disable
}

failed=0
for seed in "${seeds[@]}"; do
    mkdir "$work/$seed" && cd "$work/$seed" || exit 1
    if ! one "$seed" >log 2>&1 || ! grep -q '^PASS .* [1-9][0-9]* elements' log; then
        failed=$((failed + 1))
        tail -20 log
        echo "seed $seed: FAIL"
    else
        echo "seed $seed: $(head -1 listing | cut -d'(' -f1) $(grep '^PASS' log)"
    fi
    cd "$work" && rm -rf "${work:?}/$seed"
done
[ $failed -eq 0 ] && [ ${#seeds[@]} -gt 0 ]
