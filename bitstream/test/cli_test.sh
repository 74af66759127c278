#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# sevencast-bitstream from outside: make-virtual, check, exit statuses, the JSON report.
set -u
bitstream=$SEVENCAST_BUILD/bin/sevencast-bitstream
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
failed=0

# expect STATUS TEXT COMMAND...: the command ends with that status and prints that text.
expect() {
    local status=$1 text=$2 got
    shift 2
    "$@" >"$dir/output" 2>&1
    got=$?
    if [ $got -ne "$status" ] || { [ -n "$text" ] && ! grep -qF -- "$text" "$dir/output"; }; then
        echo "FAILED: $* : status $got, expected $status and \"$text\", printed:"
        head -5 "$dir/output"
        failed=1
    fi
}

hash=00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff
expect 0 'usage: sevencast-bitstream' "$bitstream" --help
expect 2 'no verb' "$bitstream"
expect 2 'unknown device: xc9' "$bitstream" check x --part xc9
expect 2 'needs --variant' "$bitstream" make-virtual --out "$dir/v.bit"
expect 2 'not 64 hex digits' "$bitstream" make-virtual --variant a --hash 12 --out "$dir/v.bit"
expect 2 'a name is' "$bitstream" make-virtual --variant ../a --hash $hash --out "$dir/v.bit"
expect 3 'none/v.bit' "$bitstream" make-virtual --variant a --hash $hash --out "$dir/none/v.bit"
expect 0 '' "$bitstream" make-virtual --variant demand-w8 --hash $hash --out "$dir/v.bit"
expect 0 'OK: xc7s15, VIRTUAL' "$bitstream" check "$dir/v.bit" --part xc7s15
expect 0 "hash $hash" "$bitstream" check "$dir/v.bit"
expect 1 'WRONG_PART' "$bitstream" check "$dir/v.bit" --part xc7s50
expect 0 '"variant": "demand-w8"' "$bitstream" check --json "$dir/v.bit"
expect 0 "\"sha256\": \"$(sha256sum <"$dir/v.bit" | cut -d' ' -f1)\"" "$bitstream" check --json "$dir/v.bit"
head -c 300000 "$dir/v.bit" >"$dir/cut.bit"
expect 1 '"verdict": "TRUNCATED"' "$bitstream" check --json "$dir/cut.bit"
printf 'X' | dd of="$dir/v.bit" bs=1 seek=200000 conv=notrunc status=none
expect 1 'BAD_CRC' "$bitstream" check "$dir/v.bit"
expect 3 'none' "$bitstream" check "$dir/none"
expect 3 'not a regular file' "$bitstream" check "$dir"
exit $failed
