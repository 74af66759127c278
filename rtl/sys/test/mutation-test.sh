#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# A test of the tests: each line below plants one fault in a copy of rtl/sys; the benches must fail
# on every one of them. mutation-test.sh TOP_CASES
set -eu

cases=$1
source=$(cd "$(dirname "$0")/../../.." && pwd)
command -v "${GHDL:-ghdl-llvm}" >/dev/null || { echo "skipped: GHDL is not installed"; exit 77; }
work=$(mktemp -d "${TMPDIR:-/tmp}/mutation.XXXXXX")
trap 'rm -rf "$work"' EXIT
trap 'exit 1' HUP INT TERM
mkdir "$work/protocol"
cp "$source/protocol/PROTOCOL.md" "$work/protocol"

# BENCH, FILE (in rtl/sys, without .vhd), sed command. Benches: phy, top, sleep (top with a clock that
# stops whenever the design is not busy).
mutations="$work/mutations"
cat >"$mutations" <<'LIST'
phy ft245 s/elsif rxf_n = '0' and full = '0' then/elsif rxf_n = '0' then/
phy ft245 s/data_i <= ft_data_i;/data_i <= (ft_data_i and x"FE");/
phy ft245 s/rd_low_g   : positive range 2 to 15 := 4/rd_low_g   : positive range 2 to 15 := 2/
phy ft245 s/wr_low_g   : positive range 2 to 15 := 4/wr_low_g   : positive range 2 to 15 := 2/
phy ft245 s/rxf_n      <= rxf_n_meta;/rxf_n <= ft_rxf_n;/;s/recovery_g : positive range 4 to 15 := 4/recovery_g : positive range 1 to 15 := 1/
phy ft245 /when write_low =>/,/wr_n  <= '1';/s/wr_n  <= '1';/wr_n <= '1'; data_oe <= '0';/
top link_rx s/elsif rx_data \/= sync0_c then/else/
top link_crc s/if trailer = '1' and mixed = '0' then/if false then/
top link_crc s/feedback := mixed and not trailer;/feedback := mixed;/
top link_rx s/elsif total > max_payload_c then/elsif total > 4095 then/
top link_rx s/if index < 4 then/if index < 3 then/
top link_tx s/if position >= 2 then/if position >= 1 then/
top link_tx s/if crc_take = '0' and crc_busy = '0' and asked = '0' then/if asked = '0' then/
top window_buffers s/if slots(other(newest)) = free then/if true then/
top window_buffers s/window_buffer <= other(newest);/window_buffer <= newest;/
top window_buffers s/value > x_max_c/value > x_max_c + 1/
top window_buffers s/if (payload_index = 0 or bad = '0') and/if/
top window_buffers s/result_raddr <= result_words_c \* answer_next/result_raddr <= 0/
top window_buffers s/engine     <= tap_open;/engine <= idle;/
top window_buffers s/started      <= now;/started <= (now + 1) mod 2 ** 24;/
top window_buffers s/accepted <= now;/accepted <= 0;/
top tensor_reader s/settle_g : positive := 16/settle_g : positive := 1/
top tensor_reader s/if missing \/= 0 then/if false then/
top tensor_reader s/< s.rows/<= s.rows/
top requests s/if answers_idle = '1' and valid = '0' then/if true then/
top requests s/reset_done    <= '1';/null;/
top requests s/elsif fill_free = '0' then/elsif false then/
top answers s/elsif quiet = '0' and result_valid/elsif result_valid/
top answers s/flush   <= '1';/null;/
top registers s/latched_high <= clocks_high(23 downto 8);/latched_high <= clocks_high(23 downto 8) + 1;/
top top s/clk => clk, rst => stop, window_we/clk => clk, rst => rst, window_we/
sleep top s/ or engine_busy$//
LIST

run() {
    case $1 in
    phy) "$work/rtl/test-bench.sh" --stop-time 20ms ft245_tb sys/link_pkg.vhd sys/ft245.vhd \
        sys/test/ft245_chip.vhd sys/test/ft245_tb.vhd ;;
    top) "$work/rtl/sys/test/top-test.sh" "$cases" ;;
    sleep) "$work/rtl/sys/test/top-test.sh" "$cases" -gsleep_g=true ;;
    esac >"$work/log" 2>&1
}

planted=0 missed=0
while read -r bench file edit; do
    rm -rf "$work/rtl"
    cp -r "$source/rtl" "$work/rtl"
    sed -i "$edit" "$work/rtl/sys/$file.vhd"
    if cmp -s "$source/rtl/sys/$file.vhd" "$work/rtl/sys/$file.vhd"; then
        echo "FAIL: changes nothing in $file.vhd: $edit"
        missed=$((missed + 1))
        continue
    fi
    planted=$((planted + 1))
    status=0
    run "$bench" || status=$?
    if [ $status -ne 1 ]; then
        echo "FAIL: exit $status, not 1, with $file.vhd: $edit"
        [ $status -eq 0 ] || cat "$work/log"
        missed=$((missed + 1))
    fi
done <"$mutations"
echo "$planted faults planted, $missed missed"
[ $planted -gt 0 ] && [ $missed -eq 0 ]
