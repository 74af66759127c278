#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# docs_test.sh SEVENCAST: man pages, completion and help name the same commands, options, functions and codes.
set -u
cli=$1
failures=0

# same WHAT FILE-A FILE-B NAME-A NAME-B: both hold the same lines.
same() {
    diff "$2" "$3" >/dev/null && [ -s "$2" ] && return
    echo "$1: < only in $4, > only in $5"
    diff "$2" "$3" | grep '^[<>]'
    failures=$((failures + 1))
}
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
long_options() { grep -oE -- '--[a-z][a-z-]*' | sort -u; }

plain() { sed -e 's/\\f[PRIB]//g' -e 's/\\-/-/g' "$1"; }

"$cli" --help >"$dir/help.txt"
sed -n '/^options/,$p' "$dir/help.txt" | long_options | grep -v -- '^--help)$' >"$dir/help"
plain man/sevencast.1 | sed -n '/^\.SH OPTIONS/,/^\.SH JSON/p' | grep -E '^\.BR ' | long_options | grep -vx -- --name >"$dir/man"
same options "$dir/help" "$dir/man" --help sevencast.1
long_options <client/completion/sevencast.bash >"$dir/completion"
same options "$dir/help" "$dir/completion" --help sevencast.bash

sed -n '/^commands/,/^$/p' "$dir/help.txt" | awk '/^  / { print $1 }' | sort >"$dir/help"
plain man/sevencast.1 | sed -n '/^\.SH COMMANDS/,/^\.SH OPTIONS/p' | grep -A1 '^\.TP' |
    grep -oE '^\.[BRI]+ "?[a-z]+' | grep -oE '[a-z]+$' | grep -vx help | sort >"$dir/man"
same commands "$dir/help" "$dir/man" --help sevencast.1
sed -n "s/.*local commands='\(.*\) help'/\1/p" client/completion/sevencast.bash | tr ' ' '\n' | sort >"$dir/completion"
same commands "$dir/help" "$dir/completion" --help sevencast.bash
# Each command's own options are what completion offers for it.
while read -r command; do
    "$cli" "$command" --help | sed -n '4,$p' | grep -E '^  (-.,|   ) --' | grep -oE -- '--[a-z-]+' | sort -u >"$dir/own"
    (
        # shellcheck disable=SC1091
        . client/completion/sevencast.bash
        COMP_WORDS=(sevencast "$command" --) COMP_CWORD=2
        _sevencast
        printf '%s\n' "${COMPREPLY[@]}" | sort
    ) >"$dir/offered"
    same "options of $command" "$dir/own" "$dir/offered" --help completion
done <"$dir/help"

grep -oE '\bsc_[a-z_]+\(' client/sevencast.h | tr -d '(' | sort -u >"$dir/header"
sed -n '/^\.SH SYNOPSIS/,/^\.SH DESC/p' man/libsevencast.3 | grep -oE '\bsc_[a-z_]+\(' | tr -d '(' | sort -u >"$dir/page"
same functions "$dir/header" "$dir/page" sevencast.h libsevencast.3
grep -oE '^    SC_[A-Z_]+ = -' client/sevencast.h | grep -oE 'SC_[A-Z_]+' | sort -u >"$dir/header"
sed -n '/^\.SS Errors/,/^\.SS Threads/p' man/libsevencast.3 | grep -oE 'SC_[A-Z_]+' | grep -vx SC_OK | sort -u >"$dir/page"
same codes "$dir/header" "$dir/page" sevencast.h libsevencast.3

if command -v groff >/dev/null; then
    for page in man/sevencast.1 man/libsevencast.3; do
        if [ -n "$(groff -man -Tutf8 -ww -z "$page" 2>&1)" ]; then
            groff -man -Tutf8 -ww -z "$page"
            failures=$((failures + 1))
        fi
    done
fi
bash -n client/completion/sevencast.bash || failures=$((failures + 1))
[ "$failures" -eq 0 ]
