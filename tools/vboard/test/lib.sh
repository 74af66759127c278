# SPDX-License-Identifier: Apache-2.0
# Shared by the virtual board's script tests: sourced, not run.
set -u
bin=${SEVENCAST_BUILD:?set by ctest}/bin
export PATH="$bin:$PATH"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

skip() { echo "SKIP: $*"; exit 77; }
fail() { echo "FAIL: $*"; exit 1; }
need() { command -v "$1" >/dev/null || skip "$1 is not installed"; }
# expect WHAT COMMAND...: the command must succeed.
expect() { local what=$1; shift; "$@" || fail "$what"; }
# field FILTER FILE: one value of a JSON file, e.g. field .boards[0].fpga.done status.json
field() { jq -c "$1" "$2"; }
need jq

ls /usr/lib/*/libumockdev-preload.so.0 >/dev/null 2>&1 || skip "package umockdev is not installed"
