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
top link_rx s/if crc_trailer = '1' and crc_bit \/= crc_due then/if false then/
top link_crc s/(data xor crc(0)) and not trailer;/data xor crc(0);/
top link_rx s/elsif length > max_length_c then/elsif length > x"0FFF" then/
top link_rx s/length(11 downto 0)/length(7 downto 0)/
top link_rx s/            if index = 0 then/            if index = 1 then/
top link_tx s/bytes(3 downto 1) = "000"/bytes(3 downto 2) = "00"/
top link_tx s/ or (crc_part and (crc_due xor spoilt))//
top link_tx s/crc_due xor spoilt/crc_due/
top link_tx s/fetch and not payload_wait;/fetch;/
top window_buffers s/when taken(fill) = '0' and in_burst/when in_burst/
top window_buffers s/and in_burst = '0'$//
top window_buffers s/and (special = '0' or held = newest) else/else/
top window_buffers s/window_buffer <= fill;/window_buffer <= newest;/
top window_buffers s/data > x_max_c/data > x_max_c + 1/
top window_buffers s/if bad = '0' and (data/if (data/
top window_buffers s/engine <= tap_open;/engine <= idle;/
top window_buffers s/when engine = computing and y_last = '0'$/when engine = computing/
top window_buffers s/'1' when waiting = '1' or (burst_run/'1' when engine = starting or (burst_run/
top window_buffers s/running <= held;/running <= newest;/
top window_buffers s/        older_good <= '0';/        null;/
top window_buffers s/older_good  <= newest_good;/older_good <= '1';/
top window_buffers s/running <= run;/null;/
top window_buffers s/              running <= fill;/              null;/
top window_buffers s/burst_run = '1' and begun = '1'/burst_run = '1'/
top window_buffers s/last_run      <= runs_done or stopped or expired;/last_run <= runs_done or expired;/
top window_buffers s/last_run      <= runs_done or stopped or expired;/last_run <= runs_done or stopped;/
top window_buffers s/        in_burst <= '1';/        null;/
top results s/write_to <= depth_c \* run_buffer + element;/write_to <= element;/
top results s/y_buffer  <= burst_buffer;/y_buffer <= 1 - burst_buffer;/
top results s/or (slot \/= 2 and read_index = 7)/or (slot \/= 2 and read_index = 9)/
top results s/when burst = '1' and we = '1' and wdata/when burst = '1' and we = '0' and wdata/
top results s/        differed <= '1';/        null;/
top results s/head <= not (burst_stopped or runs_done);/head <= '0';/
top results s/read_data <= '0';/read_data <= head;/
top ledger s/if run_low = 31 then/if false then/
top ledger s/if wait_low = 31 then/if false then/
top ledger s/and not restarting and (burst/and (burst/
top ledger s/ xor carry(first_c + 1);/;/
top ledger s/run_clear <= '1';/null;/
top ledger s/wait_clear <= '1';/null;/
top ledger s/differed <= '1';/null;/
top ledger s/if burst = '1' or run_buffer = 0 then/if true then/
top ledger s/if doing0 = '1' or doing1 = '1' then/if doing0 = '1' then/
top ledger s/carry(done_c)        <= done0 or done1;/carry(done_c) <= done0;/
top ledger s/is_set(phase mod 8 = 7)/'0'/
top ledger s/limit_same or is_set(phase mod 16 = 0)/limit_same/
top ledger s/run_low_seen <= run_low;/null;/
top tensor_reader s/settle_g : positive := 16/settle_g : positive := 1/
top tensor_reader s/answer_failed <= not seen;/answer_failed <= '0';/
top tensor_reader s/row_of < window_c/row_of <= window_c/
top tensor_reader s/if tap_place \/ piece_g = piece then/if true then/
top tensor_reader s/piece  <= due;/null;/
top tensor_reader s/missing and not abandon;/missing;/
top requests s/if answers_idle = '1' then/if true then/
top requests s/  reset_done    <= '1' when/  reset_done <= '0' when/
top requests s/elsif fill_free = '0' then/elsif false then/
top requests s/(have_older = '1' or kind = 4/(true or kind = 4/
top requests s/high_zero = '1' and ((kind/((kind/
top answers s/not quiet and (special_valid or result_valid)/special_valid or result_valid/
top answers s/flush   <= ready and not begins and not flushed;/flush <= '0';/
top answers s/seq_buffer when seq_window = '1' else 2/seq_buffer when true else 2/
top registers s/if show = '0' and identity = '1' then/if false then/
top top s/clk => clk, rst => stop, window_we/clk => clk, rst => rst, window_we/
sleep top s/ or engine_busy;/;/
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
