#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# What docs/measuring.md says of the energy of an inference, on fewer sessions: no bias, uncertainties that hold, no fault
# without a flag. The same numbers each time: nothing in it takes wall time.
set -u
. "$SEVENCAST_SOURCE/tests/skip.sh"
need jq
result=$(SESSIONS=240 "$SEVENCAST_SOURCE/tools/bench.d/energy" "$SEVENCAST_BUILD") || { echo "no result"; exit 1; }
# 180 good sessions: 95 % within 4 standard deviations of such a share; a spread of gains of 1 % / sqrt(3).
echo "$result" | jq -e '.origin == "virtual" and (.rows[0] | .sessions == 240 and .faults == 60 and .unflagged_faults == 0 and
    .without_value == 0 and .inside_pct > 88.5 and (.bias_pct | fabs) < 0.2 and .spread_pct < 0.7)' >/dev/null || { echo "$result"; exit 1; }
