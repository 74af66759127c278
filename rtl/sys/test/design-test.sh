#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The whole design of a random variant through its pins, against the golden model:
# design-test.sh BIN-DIR SEED [WINDOW FEATURES D_MODEL HEADS D_FF LAYERS OUTPUTS BITS]
set -eu

bin=$1
shift
seed=$1
here=$(cd "$(dirname "$0")" && pwd)
rtl=$here/../..
work=$(mktemp -d "${TMPDIR:-/tmp}/design-test.XXXXXX")
trap 'rm -rf "$work"' EXIT
trap 'exit 1' HUP INT TERM

mkdir "$work/variant"
"$bin/core_random_variant" "$work/variant" "$@"
"$bin/sevencast-build" "$work/variant" --out "$work" --rtl "$rtl" --no-sim
"$bin/design_cases" script "$work/variant" "$seed" "$work/script"
status=0
"$rtl/test-bench.sh" --stop-time 1sec top_tb @core/packages.f \
    "$work/random-$seed/variant_pkg.vhd" @core/files.f @sys/files.f sys/test/ft245_chip.vhd \
    sys/test/top_tb.vhd -- -gscript_g="$work/script" -greceived_g="$work/received" \
    -gsleep_g=true || status=$?
[ $status -lt 2 ] || exit $status
"$bin/design_cases" check "$work/variant" "$seed" "$work/received"
exit $status
