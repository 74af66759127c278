#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Bitstreams that must not configure the FPGA, or not start a design: other parts' real ones (openfpgaloader ships
# some), a corrupted one, a truncated one, a variant without package, a package of another hash.
. "$(dirname "$0")/lib.sh"
need openFPGALoader
need gzip

make-test-package "$work/packages" good 1 || fail "no test package"
make-test-package "$work/packages" gone 2 || fail "no test package"
make-test-package "$work/packages" other 3 || fail "no test package"
cp "$work/packages/gone/gone.bit" "$work/packages/other/other.bit" "$work"
rm -r "$work/packages/gone"
echo " " >>"$work/packages/other/manifest.json" # another hash than the bitstream says
real=0
for f in /usr/share/openFPGALoader/spiOverJtag_xc7*.bit.gz /usr/share/openfpgaloader/spiOverJtag_xc7*.bit.gz; do
    [ -e "$f" ] || continue
    real=$((real + 1))
    gzip -dc "$f" >"$work/real-$real.bit"
    [ $real -eq 4 ] && break
done

# one byte of the configuration data inverted; then the file cut in its middle
good=$work/packages/good/good.bit
size=$(stat -c %s "$good")
cp "$good" "$work/corrupt.bit"
printf '\377\252\125' | dd of="$work/corrupt.bit" bs=1 seek=$((size / 2)) conv=notrunc status=none
head -c $((size / 2)) "$good" >"$work/truncated.bin"

cat >"$work/run.sh" <<'END'
set -u
cd "$1"
state() { vboard ctl status | jq -c '.boards[0].fpga | [.done, .init, .design.running]'; }
try() { # NAME FILE STATE: what DONE, INIT and the design are afterwards
    echo "$1" >step
    timeout 30 openFPGALoader "$2" >log 2>&1
    state >state
    [ "$(cat state)" = "$3" ] || exit 1
}
try good packages/good/good.bit '[true,true,true]'
for f in real-*.bit; do
    [ -e "$f" ] && try "$f" "$f" '[false,false,false]'
done
try good packages/good/good.bit '[true,true,true]'
try corrupt corrupt.bit '[false,false,false]'
try good packages/good/good.bit '[true,true,true]'
try truncated truncated.bin '[false,true,false]'
try "variant without package" gone.bit '[true,true,false]'
vboard ctl status | jq -r .boards[0].fpga.design.reason | grep -q manifest.json || exit 1
try "package of another hash" other.bit '[true,true,false]'
vboard ctl status | jq -r .boards[0].fpga.design.reason | grep -q 'another hash' || exit 1
try good packages/good/good.bit '[true,true,true]'
bare-loop --package packages/good --count 20 >/dev/null || exit 1
exit 0
END
vboard --engine golden --packages "$work/packages" -- bash "$work/run.sh" "$work" 2>"$work/err" ||
    fail "at: $(cat "$work/step"): DONE, INIT, design are $(cat "$work/state"): $(tail -n 3 "$work/err" "$work/log")"
[ $real -gt 0 ] || fail "no real bitstreams in the openfpgaloader package"
echo "ok: $real real bitstreams of other parts refused"
