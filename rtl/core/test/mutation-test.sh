#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# A test of the tests: each line below plants one fault in a copy of rtl/core; the benches must build and
# fail on every one of them. A fault that changes nothing is a failure too. mutation-test.sh BUILD
set -eu

build=$1
source=$(cd "$(dirname "$0")/../../.." && pwd)
command -v ghdl-llvm >/dev/null || { echo "skipped: ghdl-llvm is not installed"; exit 77; }
work=$(mktemp -d "${TMPDIR:-/tmp}/core-mutation.XXXXXX")
trap 'rm -rf "$work"' EXIT
trap 'exit 1' HUP INT TERM

# BENCH, FILE (in rtl/core, without .vhd), sed command. Benches: requantiser, divider, memory, tile; or the
# seed of a random variant, SEED:synthesis for the bodies that make the netlist, SEED:collapsed for the other form.
mutations=$work/mutations
cat >"$mutations" <<'LIST'
requantiser arithmetic_pkg s/divisor := 2\*\*(shift - 16);/divisor := 2**(shift - 15);/
requantiser requantiser s/sum(smaller(shifts_c(c) + k,/sum(smaller(shifts_c(c) + k + 1,/
requantiser requantiser s/return shifts_c(c) + magnitude(c);/return shifts_c(c) + magnitude(c) + 1;/
requantiser requantiser s/code(k) <= not sign;/code(k) <= sign;/
requantiser requantiser s/(over = '1' or zero = '0')/over = '1'/
requantiser requantiser s/unsigned_2 <= '1';/unsigned_2 <= '0';/
requantiser arithmetic_pkg s/    if value > high then/    if value > high + 1 then/
divider divider s/if rest >= s.divisor then/if rest > s.divisor then/
divider divider s/steps <= quotient_bits_g;/steps <= quotient_bits_g - 1;/
divider divider s/ xor adds;/ xor not adds;/
memory ram_block s/read_word, e \* bits_g, bits_g, fast_g/read_word, e * bits_g, bits_g - 1, fast_g/
1 numerators s/if column > 0 then/if column > 1 then/
1:synthesis scaler s/half(shift(l) - 1) := '1';/half(shift(l) - 1) := '0';/
1 tile s/acc(r) <= shadow(drain_output \* tokens_g/acc(r) <= sums(drain_output * tokens_g/
1 tile s/token(t \* terms_g + u) \* weight(o \* terms_g + u)/token(t * terms_g + u) * weight(o * terms_g)/
1 pool s/if fresh(levels_c + 1) = '1' then/if true then/
1 drain s/scale <= pass_1.scale;/scale <= 0;/
5 drain s/residual(i) <= unit_c;/residual(i) <= 0;/
1 drain s/position_word((i + 1) \* position_bits_g - 1 downto i \* position_bits_g);/(others => '0');/
5 drain s/residual(i) <= kept_data(i);/residual(i) <= kept_data(0);/
5 drain s/acc(i) <= tile_acc(i);/acc(i) <= tile_acc(lanes_g - 1 - i);/
3 bank_writer s/b < rotation/b <= rotation/
3 bank_writer s/band = group_of(o);/true;/
13 token_sum s/ >= in_tokens then/ > in_tokens then/
2 writer s/address + pass.word_step/address/
1 score_sweep s/score > current(/score < current(/
tile booth_row s/ selected xor negative/ selected/
tile booth_row s/b <= unsigned(not multiple) \& '1'/b <= unsigned(not multiple) \& '0'/
tile dot_lane s/<= half_c;/< half_c;/
tile dot_lane s/raised_g => raised(r)/raised_g => true/
tile dot_chain s/carry <= sums(terms_g)(f \* field_c - 1)/carry <= '0'/
tile dot_chain s/- signed('0' \& low/+ signed('0' \& low/
tile tile_pkg s/(x_bits - 1) \* (2/(x_bits - 2) * (2/
tile tile s/cycle_c - chain_registers(cycle_c)/cycle_c - chain_registers(cycle_c + 1)/
5:collapsed readout s/if read_addr = o then/if read_addr = o + 1 then/
5:collapsed readout s/elsif valid(levels_c + 2) = '1' then/elsif valid(levels_c + 1) = '1' then/
3:collapsed writer s/key_next <= key_address + pass.row_step;/key_next <= key_address;/
3:collapsed writer s/value_address + pass.value_step;/value_address + 1;/
5:collapsed writer s/pool_channel <= index + pass.pool_base;/pool_channel <= index;/
2:collapsed constant_stream s/whole <= piece(bits_g);/whole <= '1';/
2:collapsed constant_stream s/pieces(i) <= pieces(i + 1);/pieces(i) <= pieces(i);/
13 weight_rom s/(others => word(w \* width_c + width_c - 1));/(others => '0');/
13 weight_rom s/ = number_c else/ = 0 else/
1 rom s/words_g, low_c, bits_c/words_g, 0, bits_c/
1795353414 rom s/bits(bits'high downto addr_bits_c) = begin_c \/ depth_c/bits(bits'high downto piece_bits_c) = i/
1:synthesis accumulator s/ when first = '1' else sum;/ when false else sum;/
LIST

unit() {
    case $1 in
    requantiser) "$work/rtl/test-bench.sh" requantiser_tb core/arithmetic_pkg.vhd core/requantiser.vhd \
        core/test/requantiser_tb.vhd ;;
    divider) "$work/rtl/test-bench.sh" divider_tb core/arithmetic_pkg.vhd core/divider.vhd \
        core/test/divider_tb.vhd ;;
    tile) "$work/rtl/test-bench.sh" --stop-time 1ms tile_tb core/arithmetic_pkg.vhd core/tile_pkg.vhd \
        core/booth_row.vhd core/accumulator.vhd core/dot_lane.vhd core/dot_chain.vhd core/tile.vhd \
        core/test/tile_tb.vhd -- -gx_bits_g=4 -gw_bits_g=4 -glate_g=1 ;;
    memory) "$work/rtl/test-bench.sh" memory_tb core/arithmetic_pkg.vhd core/ram_block.vhd \
        core/ram_distributed.vhd core/memory_bank.vhd core/test/memory_tb.vhd ;;
    esac
}

# A random variant: 3 when the mutated design does not build, as test-bench.sh says it.
variant() {
    rm -rf "$work/one"
    mkdir "$work/one"
    cd "$work/one"
    local seed=${1%%:*} bodies= form=
    case $1 in
    *:synthesis) bodies=--synthesis ;;
    *:collapsed) form=--collapsed ;;
    esac
    # shellcheck disable=SC2086 # nothing or one word
    "$build/bin/core_random_variant" $form variant "$seed" >/dev/null || return 2
    # shellcheck disable=SC2086 # nothing or one word
    "$work/rtl/core/test/build-bench.sh" "$build" variant $bodies || return 3
    ./bench variant --seed 1 --budget 20000 --assert-level=error --ieee-asserts=disable || return 1
    grep -q . listing
}

run() {
    case $1 in
    [0-9]*) (variant "$1") ;;
    *) unit "$1" ;;
    esac >"$work/log" 2>&1
}

# The benches pass without a fault, else what they say below means nothing.
rm -rf "$work/rtl"
cp -r "$source/rtl" "$work/rtl"
planted=0 missed=0
for bench in $(cut -d' ' -f1 "$mutations" | sort -u); do
    run "$bench" || { echo "FAIL: $bench fails without a fault: $(tail -3 "$work/log")"; missed=$((missed + 1)); }
done
while read -r bench file edit; do
    cp "$source/rtl/core/$file.vhd" "$work/rtl/core/$file.vhd"
    sed -i "$edit" "$work/rtl/core/$file.vhd"
    if cmp -s "$source/rtl/core/$file.vhd" "$work/rtl/core/$file.vhd"; then
        echo "FAIL: changes nothing in $file.vhd: $edit"
        missed=$((missed + 1))
        continue
    fi
    planted=$((planted + 1))
    status=0
    run "$bench" || status=$?
    if [ $status -ne 1 ]; then
        echo "FAIL: exit $status, not 1, of $bench with $file.vhd: $edit"
        [ $status -eq 0 ] || tail -5 "$work/log"
        missed=$((missed + 1))
    fi
    cp "$source/rtl/core/$file.vhd" "$work/rtl/core/$file.vhd"
done <"$mutations"
echo "mutation-test: $planted faults planted, $missed missed or broken"
[ $missed -eq 0 ] && [ $planted -gt 0 ]
