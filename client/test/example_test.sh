#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# example_test.sh FORECAST MOCK LIBRARY: the example forecasts; the library shows sc_* and nothing else.
set -eu
forecast=$1 mock=$2 library=$3
dir=$(mktemp -d)
trap 'kill "${pid:-}" 2>/dev/null || true; rm -rf "$dir"' EXIT
export SEVENCAST_ENDPOINT=ipc://$dir/mock.sock

"$mock" "$SEVENCAST_ENDPOINT" >"$dir/ready" &
pid=$!
for _ in $(seq 100); do
    grep -q ready "$dir/ready" && break
    read -rt 0.05 <> <(:) || true
done

got=$("$forecast" demand 1 2 3 4.5)
want="4.5  (demand-w8, 12345 cycles, origin model)"
[ "$got" = "$want" ] || { echo "got '$got', want '$want'"; exit 1; }
! got=$("$forecast" nothing 1 2 3 4 2>&1)
[[ $got == "UNKNOWN_MODEL: "* ]] || { echo "got '$got'"; exit 1; }

alien=$(nm -D --defined-only "$library" | awk '{print $3}' | grep -vE '^(sc_|SEVENCAST_0$)' || true)
[ -z "$alien" ] || { echo "the library shows: $alien"; exit 1; }
