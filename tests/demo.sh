#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The session of ./demo as a test: forecasts go on through both swaps and none is lost.
set -u
. "$SEVENCAST_SOURCE/tests/skip.sh"
need ghdl-llvm jq openFPGALoader
need_preload
out=$("$SEVENCAST_BUILD/bin/vboard" --packages "$SEVENCAST_BUILD/packages" -- \
    "$SEVENCAST_SOURCE/tools/demo-session" "$SEVENCAST_BUILD" 8) || { echo "$out"; exit 1; }
echo "$out"
for variant in demand-w8 demand-w4 demand-mixed; do
    echo "$out" | grep -q "^$variant .* virtual$" || { echo "demo: no forecast by $variant"; exit 1; }
done
