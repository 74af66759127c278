#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The netlist under Verilator equals the model in every tensor and GHDL in its cycle count, for the shapes of
# rtl/core/test/shapes.txt, the committed demand variants and 20 random configurations (16 fixed, 4 of a fresh seed, which is
# printed; SEVENCAST_SEED sets it; every fourth of the collapsed form). A minute of CPU each.
#
# Usage: equivalence.sh BUILD RTL [CONFIGURATIONS]      20 random ones without CONFIGURATIONS
# The last line counts: "equivalence: N designs, N elements, N failed; fresh seed S".
set -u
build=${1:?BUILD} rtl=${2:?RTL} random=${3:-20}
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../../.." && pwd)
for tool in ghdl-llvm verilator; do
    command -v $tool >/dev/null || { echo "skipped: $tool is not installed"; exit 77; }
done
work=$(mktemp -d "${TMPDIR:-/tmp}/equivalence.XXXXXX") || exit 1
trap 'rm -rf "$work"' EXIT
trap 'exit 1' HUP INT TERM
export VERILATED_OBJECTS=$work/runtime
fresh=${SEVENCAST_SEED:-$(date +%s)}
echo "fresh seed $fresh"
designs=0 failed=0 elements=0

one() { # NAME WHAT: a variant's folder or a seed
    designs=$((designs + 1))
    if nice "$here/accelerator-test.sh" "$build" "$rtl" "$2" >"$work/log" 2>&1; then
        local line compared
        line=$(grep 'as under GHDL$' "$work/log")
        compared=$(printf '%s' "$line" | sed -n 's/.*PASS \([1-9][0-9]*\) elements.*/\1/p')
        [ -n "$compared" ] && { elements=$((elements + compared)); echo "$1: ${line#*: }"; return; }
    fi
    failed=$((failed + 1))
    echo "FAIL: $1 ($2)"
    tail -15 "$work/log"
}

while read -r name window features d_model heads d_ff layers outputs bits ffn _ hardware; do
    case $name in '' | '#'*) continue ;; esac
    "$build/bin/core_random_variant" "$work/$name" 4 "$window" "$features" "$d_model" "$heads" "$d_ff" "$layers" "$outputs" \
        "$bits" 0 "$ffn" ${hardware:+"$hardware"} >"$work/log" || { cat "$work/log"; exit 1; }
    one "$name" "$work/$name"
    rm -rf "${work:?}/$name"
done <"$root/rtl/core/test/shapes.txt"
for variant in "$root"/variants/demand-*; do
    one "$(basename "$variant")" "$variant"
done
# A ROM column whose last words alone are not zero (docs/netlist.md).
one "a ROM nearly empty" "11:7 3 8 2 12 1 2 6"
for ((i = 1; i <= random; i++)); do
    seed=$((i % 5 ? 300 + i : fresh + i))
    [ $((i % 4)) -eq 0 ] && seed=c$seed # of the collapsed form
    one "random $seed" "$seed"
done
echo "equivalence: $designs designs, $elements elements, $failed failed; fresh seed $fresh"
[ $failed -eq 0 ] && [ $designs -gt 0 ] && [ $elements -gt 0 ]
