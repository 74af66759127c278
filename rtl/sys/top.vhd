-- SPDX-License-Identifier: Apache-2.0
-- The design of the FPGA between the pins of one FT2232H channel and the accelerator. The data bus
-- is split; the wrapper for a board joins it.
library ieee;
use ieee.std_logic_1164.all;

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

  signal payload_valid                : std_logic;
  signal payload_index                : natural range 0 to max_payload_c - 1;
  signal payload_data                 : byte_t;
  signal frame_valid, frame_ready     : std_logic;
  signal frame_status                 : frame_status_t;
  signal frame_version, frame_type    : byte_t;
  signal frame_seq                    : std_logic_vector(15 downto 0);
  signal frame_length                 : natural range 0 to 65535;
  signal frame_args                   : word_t;
  signal requests_active              : std_logic;

  signal quiet, answers_idle, answers_pending : std_logic;
  signal engine_rst                           : std_logic := '0';
  signal stop                                 : std_logic;

  signal answer_valid, answer_done    : std_logic;
  signal answer_type                  : byte_t;
  signal answer_seq                   : std_logic_vector(15 downto 0);
  signal answer_length                : natural range 0 to max_payload_c;
  signal read_enable, read_valid      : std_logic;
  signal read_index                   : natural range 0 to max_payload_c - 1;
  signal read_data                    : byte_t;

  signal now_valid, now_taken         : std_logic;
  signal now_type                     : byte_t;
  signal now_seq                      : std_logic_vector(15 downto 0);
  signal now_length                   : natural range 0 to max_payload_c;
  signal now_first                    : natural range 0 to 31;
  signal error_data, register_data    : byte_t;
  signal frame_dropped, reset_done    : std_logic;

  signal fill_free, fill_bad, commit  : std_logic;
  signal bad_index                    : natural range 0 to max_payload_c - 1;
  signal all_free, have_newest        : std_logic;
  signal engine_busy, inference_done  : std_logic;
  signal windows_held                 : natural range 0 to 2;
  signal cycles, now                  : cycles_t;
  signal result_valid, result_taken   : std_logic;
  signal result_seq                   : std_logic_vector(15 downto 0);
  signal result_data                  : byte_t;

  signal args_good, read_start, tensor_idle          : std_logic;
  signal rerun, rerun_last, rerun_release            : std_logic := '0';
  signal tensor_valid, tensor_taken, tensor_failed   : std_logic;
  signal tensor_seq                                  : std_logic_vector(15 downto 0);
  signal tensor_length                               : natural range 0 to max_payload_c;
  signal tensor_data                                 : byte_t;

  signal window_we                    : std_logic;
  signal window_buffer, start_buffer  : natural range 0 to 1;
  signal window_addr                  : natural range 0 to window_c * features_c - 1;
  signal window_data                  : integer range -128 to 127;
  signal start_valid, start_ready     : std_logic;
  signal y_valid, y_last              : std_logic;
  signal y_data                       : integer range -32768 to 32767;
  signal tap_enable, tap_valid        : std_logic;
  signal tap_tensor                   : natural range 0 to 15;
  signal tap_layer                    : natural range 0 to 1;
  signal tap_row, tap_index           : natural range 0 to 255;
  signal tap_data                     : integer range -32768 to 32767;
begin
  stop <= rst or engine_rst;
  busy <= phy_active or rx_active or tx_active or requests_active or answers_pending or engine_busy
          or not (tensor_idle or tensor_valid);

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
      payload_valid => payload_valid, payload_index => payload_index,
      payload_data => payload_data, frame_valid => frame_valid, frame_ready => frame_ready,
      frame_status => frame_status, frame_version => frame_version, frame_type => frame_type,
      frame_seq => frame_seq, frame_length => frame_length, frame_args => frame_args,
      active => rx_active);

  dispatcher : entity work.requests
    port map (
      clk => clk, rst => rst, frame_valid => frame_valid, frame_ready => frame_ready,
      frame_status => frame_status, frame_version => frame_version, frame_type => frame_type,
      frame_seq => frame_seq, frame_length => frame_length, frame_args => frame_args,
      fill_free => fill_free, fill_bad => fill_bad, bad_index => bad_index, commit => commit,
      all_free => all_free, have_newest => have_newest, args_good => args_good,
      tensor_idle => tensor_idle, read_start => read_start, quiet => quiet,
      answers_idle => answers_idle, engine_rst => engine_rst, frame_dropped => frame_dropped,
      reset_done => reset_done, answer_valid => now_valid, answer_taken => now_taken,
      answer_type => now_type, answer_seq => now_seq, answer_length => now_length,
      answer_first => now_first, read_enable => read_enable, read_index => read_index,
      read_data => error_data, active => requests_active);

  register_map : entity work.registers
    port map (
      clk => clk, rst => rst, inference_done => inference_done, cycles => cycles,
      now => now, frame_dropped => frame_dropped, reset_done => reset_done, engine_busy => engine_busy,
      windows_held => windows_held, read_enable => read_enable, first => now_first,
      index => read_index, data => register_data);

  windows : entity work.window_buffers
    port map (
      clk => clk, rst => stop, now => now, payload_valid => payload_valid, payload_index => payload_index,
      payload_data => payload_data, frame_type => frame_type, frame_length => frame_length,
      fill_free => fill_free, fill_bad => fill_bad, bad_index => bad_index, commit => commit,
      commit_seq => frame_seq, all_free => all_free, have_newest => have_newest, rerun => rerun,
      rerun_last => rerun_last, rerun_release => rerun_release, engine_busy => engine_busy,
      windows_held => windows_held, inference_done => inference_done, cycles => cycles,
      result_valid => result_valid, result_seq => result_seq, result_taken => result_taken,
      read_enable => read_enable, read_index => read_index, read_data => result_data,
      window_we => window_we, window_buffer => window_buffer, window_addr => window_addr,
      window_data => window_data, start_valid => start_valid, start_buffer => start_buffer,
      start_ready => start_ready, y_valid => y_valid, y_last => y_last, y_data => y_data);

  tensors : entity work.tensor_reader
    port map (
      clk => clk, rst => stop, args => frame_args, args_good => args_good,
      read_start => read_start, read_seq => frame_seq, idle => tensor_idle, rerun => rerun,
      rerun_last => rerun_last, rerun_release => rerun_release, tap_enable => tap_enable,
      tap_tensor => tap_tensor, tap_layer => tap_layer, tap_row => tap_row,
      tap_valid => tap_valid, tap_index => tap_index, tap_data => tap_data,
      answer_valid => tensor_valid, answer_taken => tensor_taken, answer_failed => tensor_failed,
      answer_seq => tensor_seq, answer_length => tensor_length, read_enable => read_enable,
      read_index => read_index, read_data => tensor_data);

  selector : entity work.answers
    port map (
      clk => clk, rst => rst, quiet => quiet, idle => answers_idle, pending => answers_pending,
      tx_flush => tx_flush, now_valid => now_valid, now_taken => now_taken,
      now_type => now_type, now_seq => now_seq, now_length => now_length,
      tensor_valid => tensor_valid, tensor_taken => tensor_taken,
      tensor_failed => tensor_failed, tensor_seq => tensor_seq, tensor_length => tensor_length,
      result_valid => result_valid, result_taken => result_taken, result_seq => result_seq,
      read_enable => read_enable, error_data => error_data, register_data => register_data,
      tensor_data => tensor_data, result_data => result_data, frame_valid => answer_valid,
      frame_done => answer_done, frame_type => answer_type, frame_seq => answer_seq,
      frame_length => answer_length, payload_valid => read_valid, payload_data => read_data);

  transmitter : entity work.link_tx
    port map (
      clk => clk, rst => rst, frame_valid => answer_valid, frame_done => answer_done,
      frame_type => answer_type, frame_seq => answer_seq, frame_length => answer_length,
      payload_request => read_enable, payload_index => read_index, payload_valid => read_valid,
      payload_data => read_data, tx_valid => tx_valid, tx_ready => tx_ready,
      tx_data => tx_data, active => tx_active);

  engine : entity work.accelerator
    port map (
      clk => clk, rst => stop, window_we => window_we, window_buffer => window_buffer,
      window_addr => window_addr, window_data => window_data, start_valid => start_valid,
      start_buffer => start_buffer, start_ready => start_ready, y_valid => y_valid,
      y_last => y_last, y_data => y_data, tap_enable => tap_enable, tap_tensor => tap_tensor,
      tap_layer => tap_layer, tap_row => tap_row, tap_valid => tap_valid,
      tap_index => tap_index, tap_data => tap_data);
end architecture;
