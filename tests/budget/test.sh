#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# A test of the test: budget.sh on a tree of its own with a measurement of our choice. It passes on what the golden file
# says and on nothing else: not on other figures, empty ones, a design without golden file or a file without design.
set -u
here=$(cd "$(dirname "$0")" && pwd)
. "$here/../skip.sh"
need ghdl-llvm yosys jq column
work=$(mktemp -d "${TMPDIR:-/tmp}/budget-test.XXXXXX") || exit 1
trap 'rm -rf "$work"' EXIT
mkdir -p "$work/docs/blocks" "$work/tests/budget" "$work/tools/bench.d" "$work/build/packages"
cp "$here/budget.sh" "$here/page.sh" "$work/tests/budget/" && cp "$here/../skip.sh" "$work/tests/"
cat >"$work/tools/bench.d/cycles" <<'E_CYCLES'
#!/bin/bash
cat "$1/measured"
E_CYCLES
chmod +x "$work/tools/bench.d/cycles"
cases=0 failed=0

# measure JQ-EDIT: what the benchmark says, edited
measure() {
    jq -n '{rows: [{name: "one", n: 4, d_model: 8, m: 1, bits: "w8", form: "seed", lanes: 4, macs: 100, cycles: 50,
            lut: 3000, lutram: 200, ff: 2000, dsp: 3, ramb18: 4, critical_ns: 5.25, fits: true, counts: "yosys estimate"}],
        accelerator: [{name: "one", lut: 2500, lutram: 100, ff: 1500, dsp: 3, ramb18: 4}],
        modules: [{path: "top", lut: 3000}, (range(8) | {path: "m\(.)", entity: "e\(.)", instances: 1, lut: (. + 1), lutram: 0, ff: 2, dsp: 0, ramb18: 0})
            | . + {design: "one"}]}' | jq "$1" >"$work/build/measured"
}

# try WHAT STATUS TEXT ARGUMENTS...: budget.sh must end with that status and say that
try() {
    local what=$1 status=$2 text=$3 got
    shift 3
    cases=$((cases + 1))
    "$work/tests/budget/budget.sh" "$work/build" "$@" >"$work/log" 2>&1
    got=$?
    if [ $got -ne "$status" ] || ! grep -q -- "$text" "$work/log"; then
        echo "FAIL: $what: exit $got, wanted $status with '$text':"
        cat "$work/log"
        failed=$((failed + 1))
    fi
}

measure .
try "no golden file" 1 "has no golden file"
try "no reason" 2 "needs --reason" --update
try "a reason of one word" 2 "needs --reason" --update --reason because
try "golden file made" 0 '"lut":3000' --update --reason "the first figures of this test"
grep -q 'the first figures' "$work/tests/budget/one.json" || { echo "FAIL: the reason is not kept"; failed=$((failed + 1)); }
cp "$work/tests/budget/one.json" "$work/tests/budget/demand-w8.json"
"$work/tests/budget/page.sh" | grep -q '^| e7 | m7 | 1 | 8 | 0 | 2 | 0 | 0 |' || { echo "FAIL: a page without the last module"; failed=$((failed + 1)); }
rm "$work/tests/budget/demand-w8.json"
try "equal" 0 "1 designs compared, 0 differ"
try "equal, by name" 0 "1 designs compared, 0 differ" one
for edit in '.rows[0].lut = 3001' '.rows[0].lut = 2999' '.rows[0].cycles = 49' '.rows[0].critical_ns = 5.251' \
    '.accelerator[0].ff = 1' '.modules[3].lut = 9' 'del(.modules[8])' '.modules += [{design: "one", path: "new", lut: 1}]'; do
    measure "$edit | .modules[0].lut = .rows[0].lut"
    try "$edit" 1 "golden  *now"
done
for edit in '.rows[0].lut = null' '.rows[0].lut = 0' '.rows = []' '.accelerator = []' '.modules = []' '.rows[0].counts = "left out"' \
    '.rows[0].critical_ns = 0' '.rows[0].cycles = 0' '.modules[0].lut = 2999' '.modules = .modules[:3]'; do
    measure "$edit"
    try "$edit" 1 "nothing counted"
done
: >"$work/build/measured"
try "no measurement" 1 "nothing counted"
measure .
cp "$work/tests/budget/one.json" "$work/tests/budget/two.json"
try "a golden file too many" 1 "two.json is of nothing"
rm "$work/tests/budget/two.json"
jq '.tools.yosys = "Yosys 9.99"' "$work/tests/budget/one.json" >"$work/other" && mv "$work/other" "$work/tests/budget/one.json"
try "another yosys" 77 "skipped"
echo "budget test: $cases cases, $failed failed"
[ $failed -eq 0 ] && [ $cases -gt 20 ]
