# SPDX-License-Identifier: Apache-2.0
# Sourced by the demo, the benchmarks and the end-to-end tests, inside a world of vboard:
# a daemon of one's own in a private folder, and its clean end.
#
#   session_begin BUILD   makes $session, exports SEVENCAST_ENDPOINT, puts BUILD/bin on the PATH
#   session_daemon VARIANT [CONFIG-LINE...]   starts sevencastd for the board VB0001 and waits until it serves
#   session_daemon_end    stops it cleanly
#   session_end           the same, and removes the folder; also runs when the shell ends

session= session_daemon_pid=
session_board=() # more lines of the board's section, such as its power monitor's

session_begin() {
    PATH=$1/bin:$PATH
    session_packages=$1/packages
    session=$(mktemp -d "${TMPDIR:-/tmp}/sevencast.XXXXXX") || return 1
    export SEVENCAST_ENDPOINT=ipc://$session/control.sock
    trap session_end EXIT
    trap 'exit 129' HUP
    trap 'exit 130' INT
    trap 'exit 143' TERM
}

session_daemon() {
    local variant=$1 line
    shift
    {
        echo "[daemon]"
        echo "control = $SEVENCAST_ENDPOINT"
        echo "variants = $session_packages"
        echo "run_dir = $session"
        echo "state_dir = $session"
        for line in "$@"; do echo "$line"; done
        echo "[board lab0]"
        echo "serial = VB0001"
        echo "part = xc7s15"
        echo "variant = $variant"
        echo "allow_virtual = yes"
        for line in "${session_board[@]}"; do echo "$line"; done
    } >"$session/sevencastd.conf"
    sevencastd --config "$session/sevencastd.conf" 2>>"$session/sevencastd.log" &
    session_daemon_pid=$!
    session_wait_ready 60
}

# session_wait_ready SECONDS: until the board serves; shows the daemon's log when it does not.
session_wait_ready() {
    local deadline=$((SECONDS + $1)) state
    while [ $SECONDS -lt "$deadline" ]; do
        kill -0 "$session_daemon_pid" 2>/dev/null || break
        state=$(sevencast boards --json --timeout 1000 2>/dev/null | jq -r '.. | .state? // empty' | head -1)
        [ "$state" = READY ] && return 0
        sleep 0.1
    done
    echo "the daemon does not serve; its log ends with:" >&2
    tail -20 "$session/sevencastd.log" >&2
    return 1
}

session_daemon_end() {
    [ -n "$session_daemon_pid" ] || return 0
    kill -TERM "$session_daemon_pid" 2>/dev/null
    wait "$session_daemon_pid" 2>/dev/null
    session_daemon_pid=
}

session_end() {
    trap - EXIT
    session_daemon_end
    [ -n "$session" ] && [ -z "${SEVENCAST_KEEP:-}" ] && rm -rf "$session"
}
