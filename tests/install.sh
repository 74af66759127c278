#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# What `cmake --install` lays down works from there: programs start, the library links through pkg-config.
set -u
. "$SEVENCAST_SOURCE/tests/skip.sh"
need pkg-config cc
prefix=$(mktemp -d "${TMPDIR:-/tmp}/sevencast-install.XXXXXX") || exit 1
trap 'rm -rf "$prefix"' EXIT
DESTDIR= cmake --install "$SEVENCAST_BUILD" --prefix "$prefix" >"$prefix/log" || { tail -5 "$prefix/log"; exit 1; }
for program in sevencast sevencastd sevencast-model sevencast-bitstream sevencast-train sevencast-build vboard; do
    found=$(find "$prefix/bin" "$prefix/sbin" -name $program 2>/dev/null | head -1)
    [ -n "$found" ] || { echo "$program is not installed"; exit 1; }
    "$found" --version >/dev/null || { echo "$program --version fails"; exit 1; }
done
pc=$(find "$prefix" -name sevencast.pc | head -1)
[ -n "$pc" ] || { echo "no sevencast.pc"; exit 1; }
cat >"$prefix/use.c" <<'C'
#include <sevencast.h>
#include <stdio.h>
int main(void)
{
    struct sc_client *client = NULL;
    int code = sc_open("not an endpoint", NULL, &client);
    printf("%d\n", code != 0 && client == NULL);
    return code == 0;
}
C
sed "s|^prefix=.*|prefix=$prefix|" "$pc" >"$prefix/sevencast.pc"
flags=$(PKG_CONFIG_PATH=$prefix pkg-config --cflags --libs sevencast) || exit 1
# A sanitized library needs a program built with the same sanitizers.
sanitize=$(sed -n 's/^SEVENCAST_SANITIZE:STRING=\(..*\)/-fsanitize=\1/p' "$SEVENCAST_BUILD/CMakeCache.txt")
# shellcheck disable=SC2086 # flags are words
cc $sanitize -o "$prefix/use" "$prefix/use.c" $flags || exit 1
LD_LIBRARY_PATH=$(dirname "$(find "$prefix" -name 'libsevencast.so*' | head -1)") "$prefix/use"
