#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# cli_test.sh SEVENCAST MOCK: every command against the test double of the daemon: text, JSON, exit codes.
set -u
cli=$1 mock=$2
dir=$(mktemp -d)
trap 'kill "${pid:-}" 2>/dev/null; rm -rf "$dir"' EXIT
export SEVENCAST_ENDPOINT=ipc://$dir/mock.sock
unset XDG_RUNTIME_DIR
failures=0

fail() {
    echo "FAILED: $*"
    sed 's/^/  out: /' "$dir/out"
    sed 's/^/  err: /' "$dir/err"
    failures=$((failures + 1))
}

# expect CODE WORDS...: runs sevencast WORDS and compares the exit code.
expect() {
    local want=$1 got
    shift
    "$cli" "$@" >"$dir/out" 2>"$dir/err" </dev/null
    got=$?
    [ "$got" -eq "$want" ] || fail "sevencast $*: exit code $got, want $want"
    last="sevencast $*"
}
out() { grep -qE -- "$1" "$dir/out" || fail "$last: no '$1' on stdout"; }
err() { grep -qE -- "$1" "$dir/err" || fail "$last: no '$1' on stderr"; }
silent() { [ ! -s "$dir/out" ] || fail "$last: something on stdout"; }
# json FILTER: every line is JSON, and FILTER is true of all of them together.
json() { jq -es "$1" "$dir/out" >/dev/null || fail "$last: JSON does not hold: $1"; }

start() {
    "$mock" "$SEVENCAST_ENDPOINT" "${1:-0}" >"$dir/ready" &
    pid=$!
    for _ in $(seq 200); do
        grep -q ready "$dir/ready" && return
        read -rt 0.02 <> <(:)
    done
    echo "the test double did not start"
    exit 1
}
stop() {
    kill "$pid" && wait "$pid"
    pid=
}

command -v jq >/dev/null || { echo "skipped: jq is not installed"; exit 77; }
head -c 5000 data/demand.csv | sed '$d' >"$dir/demand.csv"
rows=$(($(grep -vc '^#' "$dir/demand.csv") - 1))
printf 'when,t,h\na,1,9\nb,2,9\nc,3,9\nd,100000,9\ne,5,9\nf,NA,9\ng,7,9\nh,8,9\ni,9,9\n' >"$dir/weather.csv"

# The command line.
expect 2 ab one --data x
err 'two variants'
expect 2 ab one two
err '--data FILE is needed'
expect 2 ab --list --cancel ab-1
err 'at a time'
expect 2 ab one two --result ab-1
expect 2 ab 1 2 3 4 5 6 7 8 9 --data x
err 'one argument too many'
expect 2
err 'no command'
expect 2 frobnicate
expect 2 status extra
expect 2 status --data x
err 'not an option of this command'
expect 2 --nonsense status
expect 2 status --timeout
expect 2 status --timeout 0
expect 2 status --timeout 12x
expect 2 status --timeout 99999999999999999999
expect 2 swap
expect 2 unload
expect 2 infer
err '--data FILE is needed'
expect 2 infer --data x --in-flight 257
expect 2 status --endpoint nonsense
expect 2 status --endpoint=
silent
for command in '' status variants boards describe statistics infer swap unload ping watch; do
    expect 0 $command --help
    out '^usage: sevencast'
    out '--endpoint ADDRESS'
done
expect 0 --version
out '^sevencast [0-9]+\.[0-9]+\.[0-9]+$'
expect 0 help swap
out '--board NAME'

# Nobody there.
expect 3 status --timeout 200
err 'UNREACHABLE'
silent
expect 3 status --timeout=200 --json
json '.[0].error.code == "UNREACHABLE"'
expect 3 watch -t 100 -n 2 -i 100

start
expect 0 status
out '^sevencastd 0.0.0-mock, ready$'
out '^bench +READY +demand-w8 +model +100 MHz +0 +0 +0 +-$'
out '^spare +ABSENT +-.*no device with that serial$'
if grep -q $'\033' "$dir/out"; then fail 'colours without a terminal'; fi
expect 0 status -j
json 'length == 1 and .[0].ready and .[0].boards[0].state == "READY" and .[0].boards[0].clock_hz == 100000000'
expect 0 --json boards
json '.[0].boards | length == 2 and .[1].serial == "MOCK0002"'
expect 0 boards
out '^bench +MOCK0001 +xc7s15 +READY'
expect 0 variants
out '^demand-w8 +demand +READY +9f86d081884c +bench'
out 'broken.*UNAVAILABLE.*integers.json: SHA-256'
expect 0 variants --json
json '.[0].variants | map(.state) == ["READY","AVAILABLE","AVAILABLE","UNAVAILABLE"]'
expect 0 describe demand
out 'window  4 steps x 1 features'
expect 0 describe weather-w8 --json
json '.[0] | .window == 3 and .features[1].name == "humidity" and .targets[1].name == "temperature+2"'
expect 4 describe nothing
err 'UNKNOWN_MODEL'
expect 0 ping -n 2 -i 100
out '^alive, .*with connecting$'
expect 0 ping --json
json '.[0].round_trip_ns > 1000'
expect 0 watch -n 2 -i 100 --json
json 'length == 2 and .[1].ready'

# Forecasts.
expect 0 infer --data "$dir/demand.csv" --count 3
out '^time +forecast +truth +error +variant +cycles +fpga +host +origin$'
out '^2000-06-05 02:00 +22759.00 +22549.00 +\+210.00 +demand-w8 +12345 +123.5 us .* model$'
out '^3 windows in '
out '^RMSE of demand: [0-9.]+ MW over 3 values; persistence [0-9.]+$'
out '^origin model: computed by the model, no fabric$'
[ "$(awk 'length > 100' "$dir/out")" = '' ] || fail 'lines longer than 100 columns'
expect 0 infer --data "$dir/demand.csv" --count 0 --in-flight 8 --json --model demand-w8
json "length == $rows - 4 + 2 and (.[-1].summary | .windows == $rows - 3 and .targets[0].n == $rows - 4)"
json '[.[:-1][].row] == [range(length - 1)]'
json '.[0].outputs[0] == {target: "demand", time: "2000-06-05 02:00", step: 1, value: 22759, code: 4, truth: 22549, error: 210}'
json '.[-2].outputs[0] | .time == "end+1" and .truth == null'
json '.[0] | .origin == "model" and .fpga_cycles == 12345 and .stages_ns.host == 5000 and (.hash | length) == 64'
expect 0 infer --data "$dir/demand.csv" --start -6 --count 9 --stride 2 --json
json 'length == 3 and .[1].row - .[0].row == 2 and .[-1].summary.windows == 2'
expect 7 infer --data - --count 1
err 'standard input: no header line'
"$cli" infer --data - --count 2 --time timestamp <"$dir/demand.csv" >"$dir/out" 2>"$dir/err" || fail 'standard input'
out '^2000-06-05 02:30 '
expect 0 infer --data "$dir/weather.csv" --model demand --column t --time when --json
json '.[-1].summary | .skipped == 4 and .saturated_values == 2 and .saturated_windows == 2'

# Refused, and bad data.
expect 4 infer --data "$dir/demand.csv" --model nothing
expect 5 infer --data "$dir/demand.csv" --model demand-w4
err 'NOT_READY'
expect 7 infer --data "$dir/no-such.csv"
err 'no-such.csv'
expect 7 infer --data "$dir/weather.csv"
err "weather.csv:1: column 'demand'"
printf 'timestamp,demand\na,1\nb,two\n' >"$dir/bad.csv"
expect 7 infer --data "$dir/bad.csv" --json
err "bad.csv:3: column 'demand'"
json '.[0].error.code == "DATA"'
expect 7 infer --data "$dir/demand.csv" --start 100000
expect 7 infer --data "$dir/demand.csv" --column a,b
err 'takes 1 names'

# Swaps.
expect 6 swap broken
err 'DONE stayed low \(SWAP_FAILED'
err '^sevencast: demand-w8 still serves$'
expect 6 swap broken --json
json '.[0].error | .code == "SWAP_FAILED" and .active == "demand-w8"'
expect 4 swap nothing
expect 4 swap demand-w4 --board nothing
expect 0 swap demand-w4 --board bench
out '^board bench serves demand-w4 \(9f86d081884c\) after 1.812 s'
expect 5 infer --data "$dir/demand.csv" --model demand-w8
err 'STALE'
expect 0 infer --data "$dir/demand.csv" --model demand-w8 --follow-swap -n 1
out 'demand-w4'
expect 0 swap weather-w8 --json
json '.[0] | .variant == "weather-w8" and .seconds.total == 1.8125'
expect 0 infer --data "$dir/weather.csv" --column t,h --time when -n 0
out '^d +temperature\+1 +3.00 +100000.00 +-99997.00 +weather-w8'
out '^e +temperature\+2 +4.00 +5.00 +-1.00$'
expect 0 statistics weather-w8 --json
json '.[0].models[0] | .name == "weather-w8" and .saturated_values == 3'
expect 0 statistics
out '^demand-w8 +[0-9]+ +0 +2.00 ms'
expect 0 unload --board bench
out '^board bench stopped serving$'
expect 0 status
out 'not ready: no board serves'
expect 5 infer --data "$dir/demand.csv"
expect 5 unload weather-w8
stop

# A swap in the middle of a run: no forecast is missing, both variants show, the exit code is 0.
start 20
: >"$dir/out" # the loops below wait for lines of these runs, not of earlier ones
"$cli" infer --data "$dir/demand.csv" --follow-swap -n 60 --json >"$dir/out" 2>"$dir/err" &
run=$!
until [ "$(wc -l <"$dir/out")" -ge 1 ]; do read -rt 0.02 <> <(:); done
[ "$(wc -l <"$dir/out")" -lt 30 ] || fail 'infer --json holds its lines back'
"$cli" swap demand-w4 >"$dir/swap" || fail 'swap under way'
wait "$run" || fail 'infer --follow-swap through a swap'
last='infer --follow-swap'
json 'length == 61 and ([.[:-1][].variant] | unique) == ["demand-w4","demand-w8"]'
# The daemon goes away in the middle: what came is shown, the exit code says why it ended.
: >"$dir/out"
"$cli" infer --data "$dir/demand.csv" -n 0 --json >"$dir/out" 2>"$dir/err" &
run=$!
until [ "$(wc -l <"$dir/out")" -gt 5 ]; do read -rt 0.02 <> <(:); done
stop
wait "$run"
[ $? -eq 3 ] || fail 'exit code when the daemon goes away'
err '(LOST|UNREACHABLE)'
json '(.[-1].summary.windows > 5) and (.[-2].error.code | test("LOST|UNREACHABLE"))'

[ "$failures" -eq 0 ] || { echo "$failures failures"; exit 1; }
echo "all commands as described"
