# SPDX-License-Identifier: Apache-2.0
# Sourced by tests of power: sevencastd on virtual boards of the golden engine, with sensors that err within their data
# sheets. Skips where tools are missing; leaves $work, ask, power, fail; ends everything when the test does.
. "$SEVENCAST_SOURCE/tests/skip.sh"
need jq openFPGALoader
need_preload
export PATH="$SEVENCAST_BUILD/bin:$PATH"
work=$(mktemp -d)
daemon=
trap 'kill $daemon 2>/dev/null; wait $daemon 2>/dev/null; vboard ctl --world "$work/w" quit >/dev/null 2>&1; rm -rf "$work"' EXIT
fail() { echo "$(basename "$0" .sh): $*"; tail -n 20 "$work/log"; exit 1; }
ask() { sevencast --endpoint "ipc://$work/control" "$@"; }
power() { vboard ctl --world "$work/w" power "$@"; }

# metered SERIAL...: those boards, and the daemon as $daemon. The first, [board pac], has a PAC1934; lines from standard
# input follow its section.
metered() {
    make-test-package "$work/packages" random-5 5 || fail "no test variant"
    # shellcheck disable=SC2046 # two words each
    vboard serve --world "$work/w" --packages "$work/packages" $(printf -- '--board %s ' "$@") --engine golden --power 'noise 2000' \
        --power 'gain FPGA_1V8 5000' --power 'gain BOARD -4000' --power 'gain INA226 1000' --background || fail "no virtual board"
    local more
    more=$(cat)
    cat >"$work/conf" <<END
[daemon]
control = ipc://$work/control
variants = $work/packages
run_dir = $work
state_dir = $work
[board pac]
serial = $1
allow_virtual = yes
variant = random-5
meter = pac1934
meter_serial = $1P
rails = FPGA_1V0:0.82, FPGA_1V8:0.82, FPGA_IO:0.82, BOARD:0.82
$more
END
    vboard exec --world "$work/w" -- sevencastd --config "$work/conf" >"$work/log" 2>&1 &
    daemon=$!
}
