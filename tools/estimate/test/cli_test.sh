#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# sevencast-estimate as its users see it: errors by name, figures with their origin, variants, configurations and options
# of one meaning give one answer. Warns, and does not fail, when the committed counts are of other RTL.
set -u
estimate=$SEVENCAST_BUILD/bin/sevencast-estimate
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
failed=0
fail() { echo "FAILED: $*"; failed=1; }

expect() { # CODE TEXT ARGUMENTS...
    local code=$1 text=$2 got
    shift 2
    "$estimate" "$@" >"$dir/out" 2>&1
    got=$?
    if [ $got -ne "$code" ] || ! grep -qF -e "$text" "$dir/out"; then
        fail "$*: exit $got, expected $code and \"$text\""
        sed 's/^/  | /' "$dir/out"
    fi
}

small=(--window 6 --features 4 --d-model 8 --d-ff 16)
expect 2 usage
expect 2 usage variants/demand-w8 --window 6
expect 2 'window: not a number in its range' --window six
expect 2 'w_9=4: not TENSOR=BITS' "${small[@]}" --width w_9=4
expect 2 '--hardware: not an object' "${small[@]}" --hardware '[1]'
expect 2 '--repeat: not a number above 0' "${small[@]}" --repeat 0
expect 3 'no-such-file' "$dir/no-such-file"
expect 3 'all: not a number in its range' "${small[@]}" --bits 9
expect 3 'features: not a number in its range' --window 6 --d-model 8 --features 0
expect 3 'hardware.requantisers: does not divide tile.tokens' "${small[@]}" \
    --hardware '{"tile": {"tokens": 6}, "requantisers": 4}'
expect 4 'hardware.storage.weight: block' --window 6 --features 7 --d-model 64 --hardware '{"storage": {"weight": "block"}}'
expect 1 'TOO MUCH' --window 24 --features 7 --d-model 64 --hardware '{"tile": {"tokens": 12, "outputs": 8, "terms": 4}, "requantisers": 4}'
expect 0 'origin model' "${small[@]}" --bits 4
expect 0 'one estimate takes' "${small[@]}" --bits 4 --repeat 2
expect 0 'requantiser' "${small[@]}" --bits 4 --parts

json() { "$estimate" --json "$@" | jq -S .; }
json "${small[@]}" --bits 4 >"$dir/options"
jq -e '.origin == "model" and .lut > .lutram and .ff > 0 and .dsp == 19 and .ramb18 == 20 and .ramb36 == 10 and .cycles > 0
    and .board_active_mw > .board_idle_mw and ((.energy_uj - .board_active_mw * .latency_us / 1000) | fabs < 0.001)
    and (.basis | length > 0) and .fits' "$dir/options" >/dev/null || fail "the object lacks something"
echo '{"shape": {"window": 6, "features": 4, "d_model": 8, "d_ff": 16}, "bits": {"all": 4}}' >"$dir/configuration.json"
json "$dir/configuration.json" | cmp - "$dir/options" || fail "a file and options differ"
# cycles are the plan's, which every package holds the RTL to
variant=$SEVENCAST_SOURCE/variants/demand-w4
planned=$("$SEVENCAST_BUILD/bin/sevencast-build" "$variant" --listing | sed -n 's/^\([0-9]*\) cycles,.*/\1/p')
[ -n "$planned" ] && [ "$(json "$variant" | jq .cycles)" = "$planned" ] || fail "cycles of a variant"

fitted=$(jq -r .rtl_sha256 "$SEVENCAST_SOURCE/tools/estimate/calibration.json")
[ "$fitted" = "$("$SEVENCAST_SOURCE/tools/calibrate" --digest)" ] ||
    echo "warning: the RTL has changed since the estimator was fitted; tools/calibrate does it anew"
exit $failed
