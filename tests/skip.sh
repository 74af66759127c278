# SPDX-License-Identifier: Apache-2.0
# Sourced by test scripts: a test whose tools are missing is skipped, saying which.
need() {
    local tool
    for tool in "$@"; do
        command -v "$tool" >/dev/null || { echo "skipped: $tool is not installed"; exit 77; }
    done
}

need_preload() {
    local name=libumockdev-preload.so.0
    ldconfig -p 2>/dev/null | grep -q $name || /sbin/ldconfig -p 2>/dev/null | grep -q $name ||
        { echo "skipped: $name (package umockdev) is not installed"; exit 77; }
}
