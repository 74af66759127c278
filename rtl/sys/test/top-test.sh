#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# top with the stand-in accelerator: top-test.sh TOP_CASES [-gGENERIC=VALUE of top_tb]...
# With -gboard_g=true it is the wrapper for a board, top in it.
# SEVENCAST_SEED changes the random parts.
set -eu

cases=$1
shift
here=$(cd "$(dirname "$0")" && pwd)
rtl=$here/../..
protocol=$rtl/../protocol/PROTOCOL.md
seed=${SEVENCAST_SEED:-7}
echo "seed $seed"
work=$(mktemp -d "${TMPDIR:-/tmp}/top-test.XXXXXX")
trap 'rm -rf "$work"' EXIT
trap 'exit 1' HUP INT TERM

"$cases" script "$protocol" "$seed" "$work/script"
status=0
"$rtl/test-bench.sh" --stop-time 1sec top_tb \
    sys/test/standin/variant_pkg.vhd sys/test/standin/accelerator.vhd @sys/files.f \
    @board/files.f sys/test/ft245_chip.vhd sys/test/top_tb.vhd \
    -- -gscript_g="$work/script" -greceived_g="$work/received" "$@" || status=$?
[ $status -lt 2 ] || exit $status
# Also after a failure: the first wrong answer tells more than a missing byte.
"$cases" check "$protocol" "$seed" "$work/received"
exit $status
