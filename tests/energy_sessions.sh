#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# What docs/measuring.md says of the energy of an inference, on fewer sessions of each power monitor: no bias beyond the
# monitor's, uncertainties that hold, no fault without a flag. The same numbers each time: nothing in it takes wall time.
set -u
. "$SEVENCAST_SOURCE/tests/skip.sh"
need jq
result=$(SESSIONS=160 "$SEVENCAST_SOURCE/tools/bench.d/energy" "$SEVENCAST_BUILD") || { echo "no result"; exit 1; }
# 120 good sessions of each: 95 % within 3.3 standard deviations of such a share; a spread of gains of a PAC1934 of 1 % / sqrt(3).
echo "$result" | jq -e '.origin == "virtual" and ([.rows[].sensor] | unique) == ["ina226", "ina228", "pac1934"] and (.rows | length) == 5 and
    all(.rows[]; .sessions == 160 and .faults == 40 and .unflagged_faults == 0 and .without_value == 0 and .without_idle == 0 and
        .inside_pct > 88.5 and .inside_above_idle_pct > 88.5 and (.bias_pct | fabs) < 0.3 and .spread_pct < 0.7)' >/dev/null || { echo "$result"; exit 1; }
