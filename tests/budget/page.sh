#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The golden budgets as a page, docs/blocks/budget.md, on standard output: what each design takes, and demand-w8 entity by
# entity. budget.sh --update writes it; with --check the page must be that, and every entity of the fabric must be on some page.
# README.md has the measured shapes beside the published RTL: --shapes prints those rows, --check wants them there.
# Usage: page.sh [--check | --shapes]
set -u
export LC_ALL=C # the order of files
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
. "$root/tests/skip.sh"
need jq

page() {
    cat <<'HEAD'
# Budgets

Made by `tests/budget/budget.sh --update` from the golden files of `tests/budget`, which say why they last changed. Counts are yosys estimates for an
XC7S15 (8,000 LUT, 16,000 FF, 20 DSP48E1, 20 RAMB18), nothing was placed or routed; critical_ns is logic alone. Cycles are the RTL's under GHDL.

| design | cycles | LUT | of it memory | FF | DSP48E1 | RAMB18 | critical_ns |
|---|--:|--:|--:|--:|--:|--:|--:|
HEAD
    jq -r '"| \(.name) | \(.cycles) | \(.top | [.lut, .lutram, .ff, .dsp, .ramb18, .critical_ns] | map(tostring) | join(" | ")) |"' \
        "$here"/*.json || return 1
    [ -e "$here/demand-w8.json" ] || return 0
    cat <<'HEAD'

## demand-w8 by entity
With what is below each; an entity that stands in several places has a row for each.

| entity | place | instances | LUT | of it memory | FF | DSP48E1 | RAMB18 |
|---|---|--:|--:|--:|--:|--:|--:|
HEAD
    jq -r '.modules | to_entries | map(select(.value.entity)) | sort_by(.value.entity, .key)[] |
        "| \(.value.entity) | \(.key) | \(.value | [.instances, .lut, .lutram, .ff, .dsp, .ramb18] | map(tostring) | join(" | ")) |"' \
        "$here/demand-w8.json"
}

shapes() {
    local name window d_model bits ffn authors
    while read -r name window _ d_model _ _ _ _ bits ffn authors _; do
        case $name in '' | '#'*) continue ;; esac
        [ "$ffn" -eq 0 ] && ffn='' || ffn=", feed-forward weights $ffn"
        jq -r --arg what "n = $window, d = $d_model, $bits bits$ffn" --argjson authors "$authors" '
            def thousands: tostring | [while(length > 0; .[:-3]) | .[-3:]] | reverse | join(",");
            "| \($what) | \($authors | thousands) | \(.cycles | thousands) | \($authors / .cycles | floor)x | " +
            (.top | [.lut, .lutram, .ff, .dsp, .ramb18] | map(thousands) | join(" | ")) + " |"' "$here/$name.json" || return 1
    done <"$root/rtl/core/test/shapes.txt"
}

case ${1:-} in
'') page; exit ;;
--shapes) shapes; exit ;;
--check) ;;
*) echo "page: unknown option '$1'" >&2; exit 2 ;;
esac
failed=0 entities=0
page | cmp - "$root/docs/blocks/budget.md" || { echo "FAIL: docs/blocks/budget.md is not the golden files' page"; failed=1; }
rows=0
while IFS= read -r row; do
    rows=$((rows + 1))
    grep -qxF -- "$row" "$root/README.md" || { echo "FAIL: README.md has no row $row"; failed=1; }
done < <(shapes)
for file in "$root"/rtl/core/*.vhd "$root"/rtl/sys/*.vhd "$root"/rtl/board/*.vhd; do
    while read -r entity; do
        entities=$((entities + 1))
        grep -lw -- "$entity" "$root"/docs/blocks/*.md | grep -qv '/budget.md$' ||
            { echo "FAIL: no page of docs/blocks is about $entity (${file#"$root"/})"; failed=1; }
    done < <(sed -n 's/^entity \([a-z0-9_]*\) is$/\1/p' "$file")
done
echo "page: $entities entities, $rows shapes"
[ $failed -eq 0 ] && [ $entities -gt 30 ] && [ $rows -gt 5 ]
