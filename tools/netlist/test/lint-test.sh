#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Everything that becomes a netlist passes the lint: lint-test.sh SEVENCAST_NETLIST RTL. rtl/board joins
# the design to pins; only Vivado reads it.
set -eu
find "$2" -name '*.vhd' ! -path '*/test/*' ! -path '*/board/*' | sort | xargs "$1" lint
