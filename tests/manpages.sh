#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Every installed program has a man page that groff takes without a warning, and every long option of its --help
# stands in the page.
set -u
. "$SEVENCAST_SOURCE/tests/skip.sh"
need groff
failed=0 pages=0
for page in "$SEVENCAST_SOURCE"/man/*.[1-8]; do
    pages=$((pages + 1))
    warnings=$(groff -man -mdoc -Tutf8 -ww -wbreak "$page" 2>&1 >/dev/null | grep -v 'break' | head -3)
    [ -z "$warnings" ] || { echo "$(basename "$page"): $warnings"; failed=1; }
done
[ "$pages" -gt 0 ] || { echo "no pages"; exit 1; }
for program in sevencast sevencast-model sevencast-bitstream sevencast-train sevencast-build sevencast-estimate sevencast-netlist vboard sevencastd; do
    page=$(ls "$SEVENCAST_SOURCE/man/$program".[18] 2>/dev/null | head -1)
    [ -n "$page" ] || { echo "$program has no man page"; failed=1; continue; }
    text=$(groff -man -Tascii "$page" 2>/dev/null | sed 's/.\x08//g;s/\x1b\[[0-9;]*m//g')
    for option in $("$SEVENCAST_BUILD/bin/$program" --help 2>&1 | grep -oE -- '(^|[^-[:alnum:]])--[a-z][a-z0-9-]+' | grep -oE -- '--.*' | sort -u); do
        printf '%s' "$text" | grep -qF -- "$option" || { echo "$program: $option is not in $(basename "$page")"; failed=1; }
    done
done
exit $failed
