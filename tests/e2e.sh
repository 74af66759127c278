#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The whole chain for the variants of the demand task, of both forms: windows of the demand series through ZeroMQ, the daemon,
# libftdi and the simulated fabric give the golden model's codes, across swaps.
set -u
. "$SEVENCAST_SOURCE/tests/skip.sh"
need ghdl-llvm jq openFPGALoader
need_preload
result=$(WINDOWS=${WINDOWS:-12} "$SEVENCAST_SOURCE/tools/bench.d/accuracy" "$SEVENCAST_BUILD") || exit 1
printf '%s\n' "$result" | jq -c '.rows[]'
printf '%s' "$result" | jq -e '
    [.rows[] | select(.differing_codes != null)] as $board |
    ($board | length == 4) and all($board[]; .cycles == .planned_cycles) and all($board[]; .differing_codes == 0 and .windows >= 12 and .cycles > 0
        and .origin == "virtual")' >/dev/null || { echo "e2e: the board path differs from the model"; exit 1; }
