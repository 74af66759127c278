#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# `count` on a small netlist with yosys itself: rows by module, the path's registers, and the cache, which must
# say the same, must not be believed when it is damaged, and must not answer for another netlist.
# count-test.sh SEVENCAST-NETLIST
set -eu

program=$1
command -v yosys >/dev/null || { echo "skipped: yosys is not installed"; exit 77; }
work=$(mktemp -d "${TMPDIR:-/tmp}/count-test.XXXXXX")
trap 'rm -rf "$work"' EXIT
trap 'exit 1' HUP INT TERM
cd "$work"

fail() {
    echo "count-test: $1"
    exit 1
}

write() { # WIDTH
    cat >top.v <<E_V
module adder_$1 (input clk, input [$(($1 - 1)):0] a, input [$(($1 - 1)):0] b, output [$(($1 - 1)):0] sum);
  reg [$(($1 - 1)):0] kept = 0;
  always @(posedge clk) kept <= a + b;
  assign sum = kept;
endmodule
module ram_dist_$1_4 (input clk, input we, input [3:0] at, input [$(($1 - 1)):0] data, output [$(($1 - 1)):0] q);
  reg [$(($1 - 1)):0] cells [15:0];
  always @(posedge clk) if (we) cells[at] <= data;
  assign q = cells[at];
endmodule
module top (input clk, input we, input [3:0] at, input [$(($1 - 1)):0] a, output [$(($1 - 1)):0] y);
  reg [$(($1 - 1)):0] x = 0;
  wire [$(($1 - 1)):0] s;
  always @(posedge clk) x <= a ^ {a[0], a[$(($1 - 1)):1]};
  adder_$1 lane_n0_add (.clk(clk), .a(x), .b(s), .sum(s));
  ram_dist_$1_4 memory (.clk(clk), .we(we), .at(at), .data(s), .q(y));
endmodule
E_V
}

count() {
    "$program" count . --top top --part xc7s15 --json --cache cache
}

row() { # FILE NAME KEY
    jq -r --arg name "$2" '.modules[] | select(.name == $name) | .'"$3" "$1"
}

write 12
count >first
[ "$(jq .lut first)" = "$(row first top lut)" ] || fail "the rows are not the whole"
[ "$(jq .ff first)" -ge 24 ] || fail "flip-flops are missing"
[ "$(row first lane_add entity)" = adder ] || fail "no row of the adder"
[ "$(row first lane_add ff)" = 12 ] || fail "the adder has $(row first lane_add ff) flip-flops"
[ "$(row first memory lutram)" -gt 0 ] || fail "no memory in LUTs"
[ "$(jq -r .critical_path.to first)" != null ] || fail "no critical path"
jq -e '.critical_path.passes | index("lane_n0_add")' first >/dev/null || fail "the path does not pass the adder"

# From the cache: the same text, without yosys' files.
rm top.count.stat top.count.cells.json
count >second
cmp first second || fail "the cache says something else"
[ ! -e top.count.stat ] || fail "yosys ran although the cache knows"

# Damaged: counted again.
for file in cache/*.json; do printf '{"lut": 0}' >"$file"; done
rm -f top.count.stat
count >third
cmp first third || fail "a damaged cache was believed"
[ -e top.count.stat ] || fail "yosys did not run"

write 14
count >fourth
[ "$(row fourth lane_add ff)" = 14 ] || fail "another netlist has the same counts"
[ "$(find cache -name '*.json' | wc -l)" = 2 ] || fail "not two entries in the cache"
! "$program" count . --top top --part xc7s15 --cache cache >/dev/null 2>&1 || fail "--cache without --json"
echo "count-test: PASS"
