#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The accelerators of random configurations become netlists at all: GHDL's synthesis does not stop and the repair refuses
# nothing. That they are equal to the VHDL is equivalence.sh's. emit-test.sh BUILD RTL SEED...
set -eu
build=$1 rtl=$2
shift 2
command -v ghdl-llvm >/dev/null || { echo "skipped: ghdl-llvm is not installed"; exit 77; }
work=$(mktemp -d "${TMPDIR:-/tmp}/emit-test.XXXXXX")
trap 'rm -rf "$work"' EXIT
trap 'exit 1' HUP INT TERM
failed=0
for seed in "$@"; do
    mkdir "$work/package"
    "$build/bin/core_random_variant" "$work/variant" "$seed" >/dev/null
    "$build/bin/sevencast-build" "$work/variant" --vhdl "$work/package/variant_pkg.vhd"
    if "$build/bin/sevencast-netlist" package "$work/package" --rtl "$rtl" --top accelerator >"$work/log" 2>&1 &&
        grep -q '^module accelerator ' "$work/package/netlist/accelerator.v"; then
        echo "$seed: $(cat "$work/log")"
    else
        echo "FAIL: $seed: $(cat "$work/log")"
        failed=$((failed + 1))
    fi
    rm -rf "$work/package" "$work/variant"
done
echo "emit-test: $# configurations, $failed failed"
[ $failed -eq 0 ] && [ $# -gt 0 ]
