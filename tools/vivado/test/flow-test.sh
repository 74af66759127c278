#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# sevencast-build --vivado from variant to package, with a stand-in for Vivado that works, fails,
# hangs, or leaves wrong reports and bitstreams. flow-test.sh BIN-DIR
set -u
bin=$1
here=$(cd "$(dirname "$0")" && pwd)
rtl=$here/../../../rtl
work=$(mktemp -d "${TMPDIR:-/tmp}/vivado-flow.XXXXXX")
trap 'rm -rf "$work"' EXIT
trap 'exit 1' HUP INT TERM
checks=0

fail() {
    echo "FAIL: $*"
    cat "$work/err"
    exit 1
}

mkdir "$work/variant"
"$bin/core_random_variant" "$work/variant" 1 5 3 8 1 12 1 1 6 || exit 1
out=$work/packages
package=$out/random-1
reports=$out/.random-1.vivado
export FAKE_REPORTS=$here/reports/2021.2 FAKE_BITSTREAM=$bin/fake_bitstream FAKE_PIDS=$work/pids
hash8=$(sha256sum <"$work/variant/manifest.json" | cut -c1-8 | tr a-f A-F)

# build MODE STATUS [OPTION...]: runs with the stand-in; the exit status must be STATUS.
build() {
    local mode=$1 want=$2 status=0
    shift 2
    FAKE_MODE=$mode "$bin/sevencast-build" "$work/variant" --out "$out" --rtl "$rtl" --no-sim \
        --vivado --vivado-program "$here/fake-vivado.sh" "$@" >"$work/log" 2>"$work/err" || status=$?
    [ $status -eq "$want" ] || fail "$mode: exit $status, not $want"
    checks=$((checks + 1))
}
says() {
    grep -qF -- "$1" "$work/err" || fail "no \"$1\" on stderr"
    checks=$((checks + 1))
}
records() {
    grep -qF -- "$1" "$package/build.json" || { cat "$package/build.json"; fail "no $1 in build.json"; }
    checks=$((checks + 1))
}
gone() { # no process of the stand-in is left
    local pid
    [ -s "$FAKE_PIDS" ] || fail "the stand-in never ran"
    for pid in $(cat "$FAKE_PIDS"); do
        for _ in 1 2 3 4 5 6 7 8 9 10; do
            kill -0 "$pid" 2>/dev/null && grep -qv '^State:.*Z' "/proc/$pid/status" 2>/dev/null || continue 2
            grep -q '^State:.*Z' "/proc/$pid/status" 2>/dev/null && continue 2
            sleep 0.1
        done
        fail "process $pid is left"
    done
    rm "$FAKE_PIDS"
    checks=$((checks + 1))
}

# Absent: said, a virtual bitstream, exit 0, and no word of a routed one.
"$bin/sevencast-build" "$work/variant" --out "$out" --rtl "$rtl" --no-sim --vivado \
    --vivado-program "$work/no-such-vivado" >"$work/log" 2>"$work/err" || fail "absent: exit $?"
says "is absent; the bitstream is a virtual one"
records '"origin": "virtual"'
grep -q 'implementation\|routed' "$package/build.json" && fail "an implementation without Vivado"
"$bin/sevencast-bitstream" check "$package/random-1.bit" >/dev/null 2>"$work/err" || fail "virtual bitstream"
cp "$package/random-1.bit" "$work/virtual.bit"
export FAKE_VIRTUAL=$work/virtual.bit

# A run that works.
FAKE_ANALYSE=1 build ok 0
says "vivado: routing ("
says "vivado: done ("
records '"origin": "board"'
records '"origin": "vivado routed"'
records '"version": "2021.2"'
records '"lut": 5120'
records '"lut_memory": 416'
records '"ramb18": 1'
records '"setup_slack_ps": 412'
records '"met": true'
records '"failure_allowed": false'
records '"total_mw": 198'
records "\"sha256\": \"$(sha256sum <"$package/random-1.bit" | cut -d' ' -f1)\""
cmp -s "$package/random-1.bit" "$reports/routed.bit" || fail "another bitstream than the routed one"
grep -q "USERID 0x$hash8 " "$reports/build.tcl" || fail "USERCODE is not the hash's first 32 bits"
grep -q 'origin_c *: .*:= 0' "$reports/variant_pkg.vhd" || fail "the routed design says it is virtual"
[ -e "$package/routed.dcp" ] && fail "leftovers in the package"
cp "$package/build.json" "$work/before.json"

# Whatever goes wrong, the package that was there stays as it is.
unharmed() {
    cmp -s "$package/build.json" "$work/before.json" || fail "the older package is damaged"
    [ "$(ls "$out")" = random-1 ] || fail "something is left in $out"
}
build fail 8 && says "exit status 1" && says "ERROR: [Synth 8-87] planted" && unharmed
build die 8 && says "ended by signal 9" && unharmed
build short 8 && says 'no row "RAMB18"' && unharmed
build unrouted 8 && says "9105 of 9105 nets routed, 3 with errors" && unharmed
build missing 8 && says "power.rpt was not made" && unharmed
build nobit 8 && says "routed.bit" && unharmed
build cut 8 && says "bitstream: " && unharmed
build virtual 8 && says "it has a virtual mark" && unharmed
build other 8 && says "has no UserID=0X$hash8" && unharmed
build slow 9 && says "timing is not met: worst slacks -1204 ps setup" && unharmed
build hang 8 --vivado-timeout 2 && says "killed after 2 s" && gone && unharmed

# Interrupted: the child goes too.
FAKE_MODE=wait "$bin/sevencast-build" "$work/variant" --out "$out" --rtl "$rtl" --no-sim --vivado \
    --vivado-program "$here/fake-vivado.sh" >"$work/log" 2>"$work/err" &
builder=$!
for _ in $(seq 100); do [ -s "$FAKE_PIDS" ] && break; sleep 0.1; done
kill -TERM $builder
wait $builder
[ $? -eq 8 ] || fail "interrupted: not exit 8"
says "interrupted" && gone && unharmed

# Wrong use.
build ok 2 --part xc7s15 && says 'part "xc7s15" is none'
build ok 2 --part xc7s25csga225-1 && says "xc7s15"
build ok 2 --part xc7s15csga225-1 && says "needs a pins file"
build ok 2 --vivado-timeout 0 && says "not in 1..604800"
sed /busy/d "$rtl/board/generic-ftgb196.pins" >"$work/short.pins"
build ok 2 --pins "$work/short.pins" && says "no site for busy" && unharmed
sed 's/^busy=.*/busy=A2/' "$rtl/board/generic-ftgb196.pins" >"$work/mine.pins"
build ok 0 --pins "$work/mine.pins" --vivado-dir "$work/mine"
grep -q 'PACKAGE_PIN A2 \[get_ports {busy}\]' "$work/mine/board.xdc" || fail "pins file not used"

# Too slow, and allowed: recorded.
build slow 0 --allow-timing-failure
says "warning: timing is not met"
records '"met": false'
records '"failure_allowed": true'
records '"failing_endpoints": 1141'
echo "PASS: $checks checks"
