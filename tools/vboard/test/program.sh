#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# openFPGALoader programs virtual bitstreams; libftdi infers through the golden engine and gets what the model says.
. "$(dirname "$0")/lib.sh"
need openFPGALoader

make-test-package "$work/packages" first 1 || fail "no test package"
make-test-package "$work/packages" second 2 || fail "no test package"

cat >"$work/run.sh" <<'END'
set -u
cd "$1"
openFPGALoader packages/first/first.bit >log 2>&1 || exit 10
vboard ctl status >first.json || exit 11
bare-loop --package packages/first --count 500 >first.loop || exit 12
openFPGALoader packages/second/second.bit >log 2>&1 || exit 13
vboard ctl status >second.json || exit 14
bare-loop --package packages/second --count 500 >second.loop || exit 15
bare-loop --package packages/first --count 4 >/dev/null && exit 16 # the wrong variant must be seen
exit 0
END
vboard --engine golden --packages "$work/packages" -- bash "$work/run.sh" "$work" || fail "step $? failed: $(cat "$work/log")"
for v in first second; do
    [ "$(field .boards[0].fpga.done "$work/$v.json")" = true ] || fail "$v: DONE is low"
    [ "$(field .boards[0].fpga.design.variant "$work/$v.json")" = "\"$v\"" ] || fail "$v: wrong variant"
    [ "$(field .origin "$work/$v.loop")" = '"model"' ] || fail "$v: the golden engine does not say that it is a model"
    [ "$(field .samples "$work/$v.loop")" = 500 ] || fail "$v: $(cat "$work/$v.loop")"
done
echo "ok: $(cat "$work/second.loop")"
