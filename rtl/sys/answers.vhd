-- SPDX-License-Identifier: Apache-2.0
-- Chooses the next answer to send: answers at once go before tensors and bursts, those before
-- results. Asks for a flush when an answer is out and none follows.
library ieee;
use ieee.std_logic_1164.all;
use ieee.numeric_std.all;

use work.answer_pkg.all;
use work.link_pkg.all;
use work.variant_pkg.all;

entity answers is
  port (
    clk, rst : in  std_logic; -- rst: power-on
    quiet    : in  std_logic; -- begin nothing of the engine's
    idle     : out std_logic;
    pending  : out std_logic; -- an answer can begin
    tx_flush : out std_logic;
    -- sequence numbers, as requests accepts them: a window's goes to its buffer
    seq_write  : in  std_logic;
    seq_now    : in  std_logic;
    seq_window : in  std_logic;
    seq_buffer : in  natural range 0 to 1;
    seq_data   : in  std_logic_vector(15 downto 0);
    -- at once
    now_valid  : in  std_logic;
    now_taken  : out std_logic;
    now_error  : in  std_logic;
    now_kind   : in  std_logic_vector(2 downto 0); -- low bits of the request's type
    now_words  : in  natural range 0 to 31;
    -- tensor or burst
    special_valid : in  std_logic;
    special_burst : in  std_logic;
    special_two   : in  std_logic; -- windows of the burst
    special_taken : out std_logic;
    tensor_failed : in  std_logic;
    tensor_length : in  answer_length_t;
    -- result
    result_valid  : in  std_logic;
    result_buffer : in  natural range 0 to 1;
    result_taken  : out std_logic;
    -- whose payload bytes link_tx gets, while it sends the payload
    payload_part : in  std_logic;
    show_registers, show_error, show_tensor, show_result : out std_logic;
    show_slot      : out natural range 0 to 3; -- 0, 1: that buffer's result; 2: tensor or burst
    -- link_tx
    frame_valid  : out std_logic;
    frame_done   : in  std_logic;
    frame_type   : out byte_t;
    frame_seq    : out std_logic_vector(15 downto 0);
    frame_length : out answer_length_t);
end entity;

architecture rtl of answers is
  constant result_length_c : positive := 8 + 2 * outputs_c;
  constant burst_length_c  : positive := burst_head_c + 2 * outputs_c; -- of one window

  -- A ring of one flip-flop a state.
  signal ready    : std_logic := '1';
  signal sending  : std_logic := '0';
  signal withdraw : std_logic := '0'; -- the source withdraws its answer
  signal begins   : std_logic;
  signal flushed  : std_logic := '1';
  signal flush    : std_logic := '0';
  signal registers_now, error_now, tensor_now, result_now : std_logic := '0';
  signal slot     : natural range 0 to 3 := 0;
  signal is_error : std_logic;
  signal write_to : natural range 0 to 3;
begin
  idle           <= ready;
  begins         <= ready and (now_valid or (not quiet and (special_valid or result_valid)));
  pending        <= withdraw or not flushed or begins;
  frame_valid    <= sending;
  tx_flush       <= flush;
  show_registers <= registers_now and payload_part;
  show_error     <= error_now and payload_part;
  show_tensor    <= tensor_now and payload_part;
  show_result    <= result_now and payload_part;
  show_slot      <= slot;

  is_error   <= error_now or (tensor_now and tensor_failed);
  frame_type <= error_c when is_error = '1' else
                "10000" & now_kind when registers_now = '1' else
                read_tensor_c or answer_c when tensor_now = '1' else
                burst_c or answer_c when slot = 2 else
                infer_c or answer_c;
  frame_length <= 4 when is_error = '1' else
                  4 * now_words when registers_now = '1' else
                  tensor_length when tensor_now = '1' else
                  result_length_c when slot /= 2 else
                  burst_length_c + 2 * outputs_c when special_two = '1' else
                  burst_length_c;

  now_taken     <= '1' when withdraw = '1' and slot = 3 else '0';
  special_taken <= '1' when withdraw = '1' and slot = 2 else '0';
  result_taken  <= '1' when withdraw = '1' and slot < 2 else '0';

  write_to <= 3 when seq_now = '1' else seq_buffer when seq_window = '1' else 2;

  numbers : entity work.ram_dist_sys
    generic map (depth_g => 4, width_g => 16)
    port map (clk => clk, write_enable => seq_write, write_addr => write_to,
              write_data => seq_data, read_enable => sending, read_addr => slot,
              read_data => frame_seq);

  process (clk)
  begin
    if rising_edge(clk) then
      if begins = '1' or (sending = '1' and frame_done = '1') or withdraw = '1' then
        ready    <= withdraw;
        sending  <= ready;
        withdraw <= sending;
      end if;

      if ready = '1' then
        registers_now <= now_valid and not now_error;
        error_now     <= now_valid and now_error;
        tensor_now    <= not now_valid and special_valid and not special_burst;
        result_now    <= not now_valid and (special_burst or not special_valid);
        if now_valid = '1' then
          slot <= 3;
        elsif special_valid = '1' then
          slot <= 2;
        else
          slot <= result_buffer;
        end if;
      end if;

      flush   <= ready and not begins and not flushed;
      flushed <= (ready and not begins) or (flushed and not withdraw);

      if rst = '1' then
        ready    <= '1';
        sending  <= '0';
        withdraw <= '0';
        flushed  <= '1';
        flush    <= '0';
      end if;
    end if;
  end process;
end architecture;
