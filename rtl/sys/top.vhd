-- SPDX-License-Identifier: Apache-2.0
-- The design of the FPGA between the pins of one FT2232H channel and the accelerator. The data bus
-- is split; the wrapper for a board joins it.
library ieee;
use ieee.std_logic_1164.all;

use work.answer_pkg.all;
use work.link_pkg.all;
use work.variant_pkg.all;

entity top is
  port (
    clk        : in  std_logic;
    rst        : in  std_logic; -- power-on, synchronous
    ft_rxf_n   : in  std_logic;
    ft_txe_n   : in  std_logic;
    ft_rd_n    : out std_logic;
    ft_wr_n    : out std_logic;
    ft_siwu_n  : out std_logic;
    ft_data_i  : in  std_logic_vector(7 downto 0);
    ft_data_o  : out std_logic_vector(7 downto 0);
    ft_data_oe : out std_logic;
    -- 1 while the design can go on without the host (computes, or moves bytes that are there); 0
    -- when it waits for bytes or for room. A simulation may stop its clock then.
    busy       : out std_logic);
end entity;

architecture rtl of top is
  signal rx_valid, rx_ready           : std_logic;
  signal tx_valid, tx_ready, tx_flush : std_logic;
  signal rx_data, tx_data             : byte_t;
  signal phy_active, rx_active        : std_logic;
  signal tx_active                    : std_logic;

  signal payload_valid, payload_first : std_logic;
  signal payload_data                 : byte_t;
  signal frame_valid, frame_ready     : std_logic;
  signal frame_status                 : frame_status_t;
  signal frame_version, frame_type    : byte_t;
  signal frame_seq, frame_length      : std_logic_vector(15 downto 0);
  signal frame_args                   : args_t;
  signal requests_active              : std_logic;

  signal quiet, answers_idle, answers_pending : std_logic;
  signal engine_rst                           : std_logic := '0';
  signal stop                                 : std_logic;

  signal answer_valid, answer_done    : std_logic;
  signal answer_type                  : byte_t;
  signal answer_seq                   : std_logic_vector(15 downto 0);
  signal answer_length                : answer_length_t;
  signal payload_part, read_next      : std_logic;
  signal read_index                   : answer_index_t;
  signal read_place                   : place_t;
  signal read_data                    : std_logic;
  signal show_registers, show_error, show_tensor, show_result : std_logic;
  signal show_slot                    : natural range 0 to 3;

  signal now_valid, now_taken, now_error : std_logic;
  signal now_words, now_first         : natural range 0 to 31;
  signal seq_write, seq_now, identity : std_logic;
  signal error_data, register_data    : std_logic;
  signal frame_dropped, reset_done    : std_logic;
  signal snapshot                     : std_logic;

  signal window_frame, commit         : std_logic;
  signal fill_free, fill_bad          : std_logic;
  signal bad_index                    : natural range 0 to max_payload_c - 1;
  signal fill_buffer, result_buffer   : natural range 0 to 1;
  signal have_newest, have_older      : std_logic;
  signal engine_free, engine_busy     : std_logic;
  signal inference_done               : std_logic;
  signal windows_held                 : natural range 0 to 2;
  signal result_valid, result_taken   : std_logic;
  signal result_data                  : std_logic;

  signal tensor_good, start_tensor    : std_logic;
  signal tensor_last, tensor_end      : std_logic;
  signal again_tensor                 : std_logic;
  signal read_wanted, read_wait, lost : std_logic;
  signal tensor_valid, tensor_failed  : std_logic;
  signal tensor_length                : answer_length_t;
  signal tensor_data                  : std_logic;

  signal start_burst, stop_burst      : std_logic;
  signal burst, burst_two             : std_logic;
  signal burst_stopped, burst_valid   : std_logic;
  signal runs_done, expired           : std_logic;
  signal special_valid, special_taken : std_logic;
  signal run_begins, run_counts, keep : std_logic;
  signal run_buffer                   : natural range 0 to 1;
  signal run_starts, wait_counts      : std_logic;
  signal args_next                    : std_logic;
  signal mismatch, snapshot_taken     : std_logic;
  signal clocks_low, clocks_high      : std_logic;
  signal count_done, count_latest     : std_logic;
  signal newest                       : natural range 0 to 1;
  signal counts                       : std_logic_vector(3 downto 0);
  signal counts_top                   : std_logic_vector(1 downto 0);

  signal window_we                    : std_logic;
  signal window_buffer, start_buffer  : natural range 0 to 1;
  signal window_addr                  : natural range 0 to window_c * features_c - 1;
  signal window_data                  : integer range -128 to 127;
  signal start_valid, start_ready     : std_logic;
  signal y_valid, y_last              : std_logic;
  signal y_data                       : integer range -32768 to 32767;
  signal tap_enable, tap_valid        : std_logic;
  signal tap_wanted, rerun            : std_logic;
  signal tap_tensor                   : natural range 0 to 15;
  signal tap_layer                    : natural range 0 to 1;
  signal tap_row, tap_index           : natural range 0 to 255;
  signal tap_data                     : integer range -32768 to 32767;
begin
  stop <= rst or engine_rst;
  busy <= phy_active or rx_active or tx_active or requests_active or answers_pending or engine_busy;

  phy : entity work.ft245
    port map (
      clk => clk, rst => rst, ft_rxf_n => ft_rxf_n, ft_txe_n => ft_txe_n, ft_rd_n => ft_rd_n,
      ft_wr_n => ft_wr_n, ft_siwu_n => ft_siwu_n, ft_data_i => ft_data_i, ft_data_o => ft_data_o,
      ft_data_oe => ft_data_oe, rx_valid => rx_valid, rx_ready => rx_ready, rx_data => rx_data,
      tx_valid => tx_valid, tx_ready => tx_ready, tx_data => tx_data, tx_flush => tx_flush,
      active => phy_active);

  receiver : entity work.link_rx
    port map (
      clk => clk, rst => rst, rx_valid => rx_valid, rx_ready => rx_ready, rx_data => rx_data,
      payload_valid => payload_valid, payload_first => payload_first,
      payload_data => payload_data, frame_valid => frame_valid, frame_ready => frame_ready,
      frame_status => frame_status, frame_version => frame_version, frame_type => frame_type,
      frame_seq => frame_seq, frame_length => frame_length, frame_args => frame_args,
      args_next => args_next, active => rx_active);

  dispatcher : entity work.requests
    port map (
      clk => clk, rst => rst, frame_valid => frame_valid, frame_ready => frame_ready,
      frame_status => frame_status, frame_version => frame_version, frame_type => frame_type,
      frame_length => frame_length, frame_args => frame_args, window_frame => window_frame,
      fill_free => fill_free, fill_bad => fill_bad, bad_index => bad_index, commit => commit,
      tensor_good => tensor_good, have_newest => have_newest, have_older => have_older,
      engine_free => engine_free, start_tensor => start_tensor, start_burst => start_burst,
      stop_burst => stop_burst, seq_write => seq_write, seq_now => seq_now, quiet => quiet,
      answers_idle => answers_idle, engine_rst => engine_rst, snapshot => snapshot,
      frame_dropped => frame_dropped, reset_done => reset_done, answer_valid => now_valid,
      answer_taken => now_taken, answer_error => now_error, answer_words => now_words,
      answer_first => now_first, identity => identity, read_error => show_error,
      read_place => read_place, read_data => error_data, active => requests_active);

  register_map : entity work.registers
    port map (
      clk => clk, rst => rst, clocks_low => clocks_low, clocks_high => clocks_high,
      done => count_done, latest => count_latest, frame_dropped => frame_dropped, reset_done => reset_done,
      engine_busy => engine_busy, windows_held => windows_held, snapshot => snapshot_taken,
      show => show_registers, identity => identity, first => now_first,
      read_index => read_index, read_place => read_place, read_next => read_next,
      data => register_data);

  windows : entity work.window_buffers
    port map (
      clk => clk, rst => stop, payload_valid => payload_valid, payload_first => payload_first,
      payload_data => payload_data, window_frame => window_frame, fill_free => fill_free,
      fill_bad => fill_bad, bad_index => bad_index, commit => commit,
      fill_buffer => fill_buffer, have_newest => have_newest, have_older => have_older,
      engine_free => engine_free, start_tensor => start_tensor, again_tensor => again_tensor, rerun => rerun, start_burst => start_burst,
      two_windows => frame_args(49), stop_burst => stop_burst, tensor_last => tensor_last,
      tensor_end => tensor_end, burst => burst, burst_two => burst_two,
      burst_stopped => burst_stopped, burst_valid => burst_valid,
      special_taken => special_taken, engine_busy => engine_busy,
      windows_held => windows_held, inference_done => inference_done,
      run_begins => run_begins, run_counts => run_counts, run_buffer => run_buffer,
      keep => keep, run_starts => run_starts, wait_counts => wait_counts,
      runs_done => runs_done, expired => expired, result_valid => result_valid,
      result_buffer => result_buffer, result_taken => result_taken, window_we => window_we,
      window_buffer => window_buffer, window_addr => window_addr, window_data => window_data,
      start_valid => start_valid, start_buffer => start_buffer, start_ready => start_ready,
      y_last => y_last);

  newest <= 1 - fill_buffer;

  counters : entity work.ledger
    port map (
      clk => clk, rst => rst, run_begins => run_begins, run_counts => run_counts,
      inference_done => inference_done, run_buffer => run_buffer, commit => commit,
      wait_counts => wait_counts, wait_buffer => newest, start_burst => start_burst,
      args => frame_args, args_next => args_next, burst => burst, run_starts => run_starts, mismatch => mismatch,
      runs_done => runs_done, expired => expired, snapshot => snapshot, taken => snapshot_taken,
      read_place => read_place, clocks_low => clocks_low, clocks_high => clocks_high,
      done => count_done, latest => count_latest, counts => counts, counts_top => counts_top);

  outcome : entity work.results
    port map (
      clk => clk, rst => stop, counts => counts, counts_top => counts_top,
      runs_done => runs_done, mismatch => mismatch, run_begins => run_begins,
      run_buffer => run_buffer, keep => keep, y_valid => y_valid, y_last => y_last,
      y_data => y_data, burst => burst, burst_two => burst_two, burst_stopped => burst_stopped,
      burst_buffer => fill_buffer, show => show_result, slot => show_slot,
      read_index => read_index, read_place => read_place, read_next => read_next,
      read_data => result_data);

  tensors : entity work.tensor_reader
    port map (
      clk => clk, rst => stop, args => frame_args, args_good => tensor_good,
      read_start => start_tensor, again => again_tensor, rerun_last => tensor_last, rerun_end => tensor_end,
      tap_enable => tap_wanted, tap_tensor => tap_tensor, tap_layer => tap_layer,
      tap_row => tap_row, tap_valid => tap_valid, tap_index => tap_index, tap_data => tap_data,
      answer_valid => tensor_valid, answer_taken => special_taken,
      answer_failed => tensor_failed, answer_length => tensor_length, show => show_tensor,
      read_index => read_index, read_place => read_place, read_data => tensor_data, read_wanted => read_wanted,
      read_wait => read_wait, abandon => quiet, lost => lost);

  special_valid <= tensor_valid or burst_valid;
  -- Another window may run between two runs of a tensor's.
  tap_enable    <= tap_wanted and rerun;

  selector : entity work.answers
    port map (
      clk => clk, rst => rst, quiet => quiet, idle => answers_idle, pending => answers_pending,
      tx_flush => tx_flush, seq_write => seq_write, seq_now => seq_now, seq_window => commit,
      seq_buffer => fill_buffer, seq_data => frame_seq, now_valid => now_valid,
      now_taken => now_taken, now_error => now_error, now_kind => frame_type(2 downto 0),
      now_words => now_words, special_valid => special_valid, special_burst => burst,
      special_two => burst_two, special_taken => special_taken, tensor_failed => tensor_failed,
      tensor_length => tensor_length, result_valid => result_valid,
      result_buffer => result_buffer, result_taken => result_taken, payload_part => payload_part,
      show_registers => show_registers, show_error => show_error, show_tensor => show_tensor,
      show_result => show_result, show_slot => show_slot, frame_valid => answer_valid,
      frame_done => answer_done, frame_type => answer_type, frame_seq => answer_seq,
      frame_length => answer_length);

  read_data <= error_data or register_data or tensor_data or result_data;

  transmitter : entity work.link_tx
    port map (
      clk => clk, rst => rst, frame_valid => answer_valid, frame_done => answer_done,
      frame_type => answer_type, frame_seq => answer_seq, frame_length => answer_length,
      payload_part => payload_part, payload_index => read_index, payload_place => read_place,
      payload_next => read_next, payload_data => read_data, payload_want => read_wanted,
      payload_wait => read_wait, payload_lost => lost,
      tx_valid => tx_valid, tx_ready => tx_ready, tx_data => tx_data, active => tx_active);

  engine : entity work.accelerator
    port map (
      clk => clk, rst => stop, window_we => window_we, window_buffer => window_buffer,
      window_addr => window_addr, window_data => window_data, start_valid => start_valid,
      start_buffer => start_buffer, start_ready => start_ready, y_valid => y_valid,
      y_last => y_last, y_data => y_data, tap_enable => tap_enable, tap_tensor => tap_tensor,
      tap_layer => tap_layer, tap_row => tap_row, tap_valid => tap_valid,
      tap_index => tap_index, tap_data => tap_data);
end architecture;
