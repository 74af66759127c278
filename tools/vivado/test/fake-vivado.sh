#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Stands in for Vivado in the tests of the flow: checks what it is given, leaves report texts and a
# bitstream without content. FAKE_MODE chooses what goes wrong; FAKE_BITSTREAM, FAKE_REPORTS say
# where they come from; FAKE_PIDS is told who runs.
set -eu
[ "$*" = "-mode batch -nojournal -nolog -source build.tcl" ] || { echo "ERROR: arguments $*"; exit 9; }
step() { echo "sevencast: $1"; }

step reading
for file in $(sed -n 's/^read_vhdl -vhdl2008 {\(.*\)}$/\1/p; s/^read_xdc {*\([^}]*\)}*$/\1/p' build.tcl); do
    [ -s "$file" ] || { echo "ERROR: [Common 17-55] no file $file"; exit 1; }
done
# The order must be one that GHDL accepts, whole, with this variant's package for a board.
ghdl=$(command -v ghdl-llvm || true)
if [ "$ghdl" ] && [ "${FAKE_ANALYSE-}" ]; then
    mkdir -p analysis
    "$ghdl" -a --std=08 --workdir=analysis \
        $(sed -n 's/^read_vhdl -vhdl2008 {\(.*\)}$/\1/p' build.tcl) || exit 1
    rm -rf analysis
fi
user=$(sed -n 's/.*CONFIG.USERID 0x\([0-9A-F]*\) .*/\1/p' build.tcl)
step synthesis
case ${FAKE_MODE-ok} in
fail) echo "ERROR: [Synth 8-87] planted"; exit 1 ;;
die) kill -9 $$ ;;
hang)
    trap '' TERM
    sleep 600 &
    echo "$$ $!" >"$FAKE_PIDS"
    while :; do wait; sleep 600; done
    ;;
wait)
    sleep 600 &
    echo "$$ $!" >"$FAKE_PIDS"
    wait
    ;;
esac
step routing
for report in utilization timing route_status power; do
    cp "$FAKE_REPORTS/$report.rpt" .
done
case ${FAKE_MODE-ok} in
slow)
    sed -i 's/^ *0\.412  *0\.000  *0 /     -1.204     -208.636                   1141 /
        s/^All user specified.*/Timing constraints are not met./' timing.rpt ;;
short) sed -i '/RAMB18 /d' utilization.rpt ;;
unrouted) sed -i 's/routing errors.......... :           0/routing errors.......... :           3/' route_status.rpt ;;
missing) rm power.rpt ;;
other) user=00000000 ;;
esac
step bitstream
[ "${FAKE_MODE-ok}" = nobit ] || "$FAKE_BITSTREAM" "$user" routed.bit
[ "${FAKE_MODE-ok}" != cut ] || { head -c 100000 routed.bit >cut.bit; mv cut.bit routed.bit; }
[ "${FAKE_MODE-ok}" != virtual ] || cp "$FAKE_VIRTUAL" routed.bit
step done
