#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# serve --background returns when the world is up, every time, and the world answers and ends on request.
. "$(dirname "$0")/lib.sh"
for i in $(seq 20); do
    world=$work/w$i
    vboard serve --world "$world" --background || fail "round $i: cannot go to the background"
    vboard ctl --world "$world" status | jq -e '.boards | length == 1' >/dev/null || fail "round $i: no status"
    vboard ctl --world "$world" quit || fail "round $i: does not quit"
done
