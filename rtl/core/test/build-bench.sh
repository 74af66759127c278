#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Builds core_tb for a variant in the current folder: listing, variant_pkg.vhd and the program bench, which
# takes the variant's folder and the options of core_bench.c.
#
#   build-bench.sh BUILD VARIANT-DIR [--synthesis]      --synthesis: the bodies that make a netlist
set -u
build=$1 variant=$2
rtl=$(cd "$(dirname "$0")/../.." && pwd)
"$build/bin/sevencast-build" "$variant" --listing >listing &&
    "$build/bin/sevencast-build" "$variant" --vhdl variant_pkg.vhd ${3:+"$3"} || exit 1
# shellcheck disable=SC2046 # lists of paths without blanks
ghdl-llvm -a --std=08 $(sed "s,^,$rtl/," "$rtl/core/packages.f") variant_pkg.vhd \
    $(sed "s,^,$rtl/," "$rtl/core/files.f") "$rtl/core/test/core_tb.vhd" &&
    ghdl-llvm --bind --std=08 core_tb &&
    cc -o bench "$build/rtl/core/libcore_bench.a" $(ghdl-llvm --list-link --std=08 core_tb) -ljansson -lsodium -lm
