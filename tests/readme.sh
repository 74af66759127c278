#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The README's table of variants says what the manifests and the packages say.
set -u
. "$SEVENCAST_SOURCE/tests/skip.sh"
need jq
cd "$SEVENCAST_SOURCE" || exit 1
failed=0 rows=0
differ() {
    echo "README.md: $1: says '$2', $3 says '$4'"
    failed=1
}
while IFS='|' read -r _ name _ rmse cycles us _; do
    name=${name// /} rmse=${rmse// /} cycles=${cycles// /} us=${us// /}
    rows=$((rows + 1))
    case $name in
    float | ridge | persistence)
        want=$(jq -r ".metrics.baselines.${name}_rmse" variants/demand-w8/manifest.json | xargs printf '%.1f')
        [ "$rmse" = "$want" ] || differ "$name" "$rmse" "the manifest" "$want" ;;
    *)
        want=$(jq -r .metrics.test.rmse "variants/$name/manifest.json" | xargs printf '%.1f')
        [ "$rmse" = "$want" ] || differ "$name" "$rmse" "the manifest" "$want"
        package=$SEVENCAST_BUILD/packages/$name/build.json
        [ -e "$package" ] || { echo "skipped: the packages are not built"; exit 77; }
        want=$(jq -r 'if .cycles_from == "rtl" then .cycles else "not from the RTL" end' "$package")
        [ "$cycles" = "$want" ] || differ "$name" "$cycles" "the package" "$want"
        want=$(jq -r '.cycles / .clock_hz * 1e6' "$package" | xargs printf '%.2f')
        [ "$us" = "$want" ] || differ "$name" "$us" "the package" "$want" ;;
    esac
done < <(grep -E '^\| (demand-|float|ridge|persistence)' README.md)
[ $rows -eq 7 ] || { echo "README.md: $rows rows found, 7 wanted"; exit 1; }
exit $failed
