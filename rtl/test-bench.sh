#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Runs one VHDL bench under GHDL in a work directory of its own, for every room under rtl/.
#
#   rtl/test-bench.sh [--stop-time T] [--keep DIR] BENCH FILE... [-- RUN-ARGUMENT...]
#
# BENCH is the entity. A FILE is a path relative to rtl/ (or absolute), in compile order; @LIST
# stands for the paths inside LIST, e.g. @sys/files.f. RUN-ARGUMENTs go to the simulation, e.g.
# -gseed_g=7. --keep DIR puts the work directory there and leaves it. A bench passes only when it
# exits with 0 and has written a line
#     BENCH: PASS n ...
# with n, the number of things it checked, above 0. Exit: 0 passed, 1 failed, 2 usage,
# 3 does not build, 77 no GHDL.
set -eu

usage() {
    echo "usage: rtl/test-bench.sh [--stop-time T] [--keep DIR] BENCH FILE... [-- ARGUMENT...]" >&2
    exit 2
}

rtl=$(cd "$(dirname "$0")" && pwd)
stop_time=1sec keep=
while :; do
    case "${1-}" in
    --stop-time) stop_time=${2:?} && shift 2 ;;
    --keep) keep=${2:?} && shift 2 ;;
    -*) usage ;;
    *) break ;;
    esac
done
[ $# -ge 2 ] || usage
bench=$1
shift

ghdl=${GHDL:-ghdl-llvm}
if ! command -v "$ghdl" >/dev/null; then
    echo "skipped: $ghdl is not installed"
    exit 77
fi

files=
while [ $# -gt 0 ]; do
    case "$1" in
    --) shift && break ;;
    @*) files="$files $(sed "s,^,$rtl/," "$rtl/${1#@}")" ;;
    /*) files="$files $1" ;;
    *) files="$files $rtl/$1" ;;
    esac
    shift
done

if [ -n "$keep" ]; then
    work=$keep
    mkdir -p "$work"
else
    work=$(mktemp -d "${TMPDIR:-/tmp}/$bench.XXXXXX")
    trap 'rm -rf "$work"' EXIT
    trap 'exit 1' HUP INT TERM
fi
cd "$work"
# shellcheck disable=SC2086 # a list of paths without blanks
"$ghdl" -a --std=08 -Wunused -Whide -Wothers -Wport-bounds $files || exit 3
"$ghdl" -e --std=08 "$bench" || exit 3
status=0
"./$bench" "$@" --assert-level=error --ieee-asserts=disable --stop-time="$stop_time" \
    >run.log 2>&1 || status=$?
cat run.log
if [ $status -ne 0 ]; then
    echo "$bench: FAIL, exit $status" >&2
    exit 1
fi
if ! grep -q "^$bench: PASS [1-9][0-9]*\( \|\$\)" run.log; then
    echo "$bench: FAIL, no PASS line (stopped by the watchdog at $stop_time?)" >&2
    exit 1
fi
