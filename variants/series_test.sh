#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The committed variants of a series that the project does not contain: each can be built into a
# package, and where the series is (../shared/data beside the project), the mixed ones give the
# figures of their manifests.
# Usage: series_test.sh traffic|ozone
set -u
variants=$SEVENCAST_SOURCE/variants
data=$SEVENCAST_SOURCE/../shared/data
failed=0
for folder in "$variants/$1"*; do
    "$SEVENCAST_BUILD/bin/sevencast-build" "$folder" --listing >/dev/null || { echo "FAILED: $folder"; failed=1; }
done
[ $failed -eq 0 ] || exit 1
if ! ls "$data" >/dev/null 2>&1; then
    echo "skipped: no series in ../shared/data; the variants were only planned"
    exit 77
fi
series=$(mktemp)
trap 'rm -f "$series"' EXIT
"$SEVENCAST_SOURCE/tools/train/tasks/prepare" "$1" "$data" >"$series" || exit 1
for folder in "$variants/$1"*-mixed; do
    "$SEVENCAST_BUILD/bin/sevencast-train" evaluate "$folder" --data "$series" --check || failed=1
done
exit $failed
