#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Cycles and yosys counts of the demand variants and of the shapes of rtl/core/test/shapes.txt are golden files beside this script.
# They must be met exactly, better or worse: a change is committed with its reason.
#
# --update also writes docs/blocks/budget.md, the golden files as a page.
#
# Usage: budget.sh BUILD [--update --reason TEXT] [NAME...]
# Without names all of them, one to three minutes of CPU each where build/counts does not know the netlist; and no
# golden file may be left over.
set -u
build=${1:?BUILD}
shift
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
. "$root/tests/skip.sh"
need ghdl-llvm yosys jq
update=no reason='' names=()
while [ $# -gt 0 ]; do
    case $1 in
    --update) update=yes; shift ;;
    --reason) reason=${2:?--reason needs a text}; shift 2 ;;
    -*) echo "budget: unknown option '$1'" >&2; exit 2 ;;
    *) names+=("$1"); shift ;;
    esac
done
if [ $update = yes ] && [ ${#reason} -lt 10 ]; then
    echo "budget: --update needs --reason TEXT: why the figures change, in a sentence" >&2
    exit 2
fi
work=$(mktemp -d "${TMPDIR:-/tmp}/budget.XXXXXX") || exit 1
trap 'rm -rf "$work"' EXIT
trap 'exit 1' HUP INT TERM

# Another version of a tool counts otherwise: nothing to compare.
tools=$(jq -cn --arg yosys "$(yosys -V | cut -d' ' -f1,2)" --arg ghdl "$(ghdl-llvm --version | head -1 | cut -d' ' -f1,2)" \
    '{yosys: $yosys, ghdl: $ghdl}')

all=no only=()
for name in "${names[@]}"; do only+=(--only "$name"); done
"$root/tools/bench.d/cycles" "$build" --modules "${only[@]}" >"$work/measured" || { echo "budget: not measured"; exit 1; }
if [ ${#names[@]} -eq 0 ]; then
    all=yes # but packages that are only built on demand
    while read -r name; do
        case $name in demand-*) ;; *) [ -e "$build/packages/$name" ] && continue ;; esac
        names+=("$name")
    done < <(jq -r '.rows[].name' "$work/measured")
fi
[ ${#names[@]} -gt 0 ] || { echo "budget: nothing counted"; exit 1; }

# measured NAME: what a golden file holds, without generator and reason; an error if anything is empty.
measured() {
    jq --arg name "$1" --argjson tools "$tools" '
        def counts: {lut, lutram, ff, dsp, ramb18};
        (.rows[] | select(.name == $name)) as $row |
        (.accelerator[] | select(.name == $name)) as $accelerator |
        [.modules[] | select(.design == $name)] as $modules |
        if ($row.cycles > 0 and $row.lut > 100 and $row.ff > 100 and $row.critical_ns > 0 and
            $row.counts == "yosys estimate" and $accelerator.lut > 100 and ($modules | length) > 5 and
            $modules[0].lut == $row.lut) | not then error("\($name): empty counts") else
        {name: $name, origin: "yosys estimate; cycles: RTL under GHDL", tools: $tools,
         shape: ($row | {n, d_model, m, bits, form, lanes, macs}), cycles: $row.cycles,
         top: ($row | counts + {critical_ns}), accelerator: ($accelerator | counts),
         modules: ($modules[1:] | map({key: .path, value: ({entity, instances} + counts)}) | from_entries)} end' "$work/measured"
}

failed=0 compared=0
for name in "${names[@]}"; do
    golden=$here/$name.json
    measured "$name" >"$work/new" && [ -s "$work/new" ] || { echo "budget: $name: nothing counted"; exit 1; }
    if [ $update = yes ]; then
        jq --arg reason "$reason" '{generator: "tests/budget/budget.sh --update", reason: $reason} + .' "$work/new" \
            >"$work/golden" && mv "$work/golden" "$golden" || exit 1
        echo "$name: $(jq -c '{cycles} + .top' "$golden")"
        continue
    fi
    [ -s "$golden" ] || { echo "FAIL: $name has no golden file"; failed=$((failed + 1)); continue; }
    if [ "$(jq -cS .tools "$golden")" != "$(jq -cnS "$tools")" ]; then
        echo "skipped: $name was counted by $(jq -c .tools "$golden"), here is $tools"
        exit 77
    fi
    compared=$((compared + 1))
    difference=$(jq -rn --slurpfile old "$golden" --slurpfile new "$work/new" '
        def leaves: [paths(type != "object" and type != "array") as $p | {key: ($p | join("/")), value: getpath($p)}] | from_entries;
        ($old[0] | del(.generator, .reason) | leaves) as $o | ($new[0] | leaves) as $n |
        ($o + $n | keys_unsorted[]) as $k | select($o[$k] != $n[$k]) |
        [$k, ($o[$k] // "-"), ($n[$k] // "-")] | @tsv') || { echo "FAIL: $name: no comparison"; exit 1; }
    if [ -n "$difference" ]; then
        failed=$((failed + 1))
        echo "FAIL: $name is not what its golden file says:"
        { printf 'what\tgolden\tnow\n'; printf '%s\n' "$difference"; } | column -t -s "$(printf '\t')"
    fi
done
if [ $update = yes ]; then
    "$here/page.sh" >"$work/page" && mv "$work/page" "$root/docs/blocks/budget.md"
    exit
fi
if [ $all = yes ]; then
    for golden in "$here"/*.json; do
        name=$(basename "$golden" .json)
        case " ${names[*]} " in *" $name "*) ;; *) echo "FAIL: $name.json is of nothing"; failed=$((failed + 1)) ;; esac
    done
fi
echo "budget: $compared designs compared, $failed differ"
[ $failed -eq 0 ] || echo "budget: if that is meant: tests/budget/budget.sh $build --update --reason TEXT NAME, and commit it with the change"
[ $failed -eq 0 ] && [ $compared -gt 0 ]
