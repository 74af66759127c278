#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# docs_test.sh SEVENCASTD: the man pages name the options, directives, defaults and ranges that the program has; the
# unit and the udev rule are well-formed.
set -u
daemon=$1
failures=0
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT

# same WHAT FILE-A FILE-B NAME-A NAME-B: both hold the same lines, and some.
same() {
    diff "$2" "$3" >/dev/null && [ -s "$2" ] && return
    echo "$1: < only in $4, > only in $5"
    diff "$2" "$3" | grep '^[<>]'
    failures=$((failures + 1))
}
plain() { sed -e 's/\\f[PRIB]//g' -e 's/\\-/-/g' -e 's/\\&//g' "$1"; }

"$daemon" --help | sed -n '/^  -/p;/^      --/p' | grep -oE -- '--[a-z-]+' | sort -u >"$dir/help"
plain man/sevencastd.8 | sed -n '/^\.SH OPTIONS/,/^\.SH PACKAGES/p' | grep -E '^\.BR? ' | grep -oE -- '--[a-z-]+' | sort -u >"$dir/man"
same options "$dir/help" "$dir/man" --help sevencastd.8

# Directives as "section name default range", from --help-config and from the page.
"$daemon" --help-config | awk '
    /^\[/ { section = $1; next }
    {
        value = $0; sub(/.*; /, "", value); sub(/^default: /, "", value)
        range = "-"
        if (match($0, /\([0-9]+ to [0-9]+\)/)) range = substr($0, RSTART + 1, RLENGTH - 2)
        print section, $1, value, range
    }' | sort >"$dir/program"
plain man/sevencastd.conf.5 | awk '
    function flush() { if (name != "") print section, name, value, range; name = "" }
    /^\.SH/ { flush(); section = $2; next }
    section !~ /^\[/ { next }
    /^\.TP/ { flush(); getline; name = $2; value = "?"; range = "-"; next }
    /^Must be given/ { value = "must be given" }
    /^Default: none/ { value = "none" }
    /^Default:$/ { getline; value = $2 }
    match($0, /[0-9]+ to [0-9]+/) { range = substr($0, RSTART, RLENGTH) }
    END { flush() }' | sort >"$dir/page"
same directives "$dir/program" "$dir/page" --help-config sevencastd.conf.5

"$daemon" --help | grep -oE '[0-9] [a-z ]+' | sed -n '/^[02-5] /p' | cut -c1 | sort -u >"$dir/help"
sed -n '/^\.SH EXIT/,/^\.SH FILES/p' man/sevencastd.8 | grep -oE '^\.B [0-9]' | cut -c4 | sort -u >"$dir/man"
same "exit codes" "$dir/help" "$dir/man" --help sevencastd.8

if command -v groff >/dev/null; then
    for page in man/sevencastd.8 man/sevencastd.conf.5; do
        groff -man -Tutf8 -ww -z "$page" 2>&1 | grep . && failures=$((failures + 1))
    done
fi
if command -v systemd-analyze >/dev/null; then
    sed "s|@CMAKE_INSTALL_FULL_BINDIR@|$(dirname "$daemon")|" daemon/sevencastd.service.in >"$dir/sevencastd.service"
    systemd-analyze verify --man=no "$dir/sevencastd.service" 2>&1 | grep -F sevencastd.service && failures=$((failures + 1))
fi

# Exit codes by failure mode.
code() { want=$1; shift; "$@" >/dev/null 2>"$dir/err"; got=$?
    [ $got -eq "$want" ] && { [ "$want" -eq 0 ] || [ -s "$dir/err" ]; } && return
    echo "exit code $got, not $want, or no message: $*"; failures=$((failures + 1)); }
code 0 "$daemon" --version
code 2 "$daemon" --no-such-option
code 2 "$daemon" superfluous
code 3 "$daemon" --config "$dir/missing"
code 0 "$daemon" --config daemon/sevencastd.conf.example --check-config
printf '[board a]\nserial = S\n[daemon]\nrun_dir = /proc/none\n' >"$dir/conf"
code 4 "$daemon" --config "$dir/conf"
[ "$failures" -eq 0 ]
