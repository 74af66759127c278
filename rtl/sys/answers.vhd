-- SPDX-License-Identifier: Apache-2.0
-- Chooses the next answer to send, and its payload: answers at once go before tensors, tensors
-- before results. Asks for a flush when an answer is out and none follows.
library ieee;
use ieee.std_logic_1164.all;

use work.link_pkg.all;
use work.variant_pkg.all;

entity answers is
  port (
    clk, rst : in  std_logic; -- rst: power-on
    quiet    : in  std_logic; -- begin no tensor and no result
    idle     : out std_logic;
    pending  : out std_logic; -- an answer can begin
    tx_flush : out std_logic;
    -- at once
    now_valid  : in  std_logic;
    now_taken  : out std_logic := '0';
    now_type   : in  byte_t;
    now_seq    : in  std_logic_vector(15 downto 0);
    now_length : in  natural range 0 to max_payload_c;
    -- tensor
    tensor_valid  : in  std_logic;
    tensor_taken  : out std_logic := '0';
    tensor_failed : in  std_logic;
    tensor_seq    : in  std_logic_vector(15 downto 0);
    tensor_length : in  natural range 0 to max_payload_c;
    -- result
    result_valid : in  std_logic;
    result_taken : out std_logic := '0';
    result_seq   : in  std_logic_vector(15 downto 0);
    -- payload bytes: read_enable goes to all sources, each brings its data a clock later
    read_enable   : in  std_logic; -- as link_tx asks
    error_data    : in  byte_t;
    register_data : in  byte_t;
    tensor_data   : in  byte_t;
    result_data   : in  byte_t;
    -- link_tx
    frame_valid   : out std_logic;
    frame_done    : in  std_logic;
    frame_type    : out byte_t := (others => '0');
    frame_seq     : out std_logic_vector(15 downto 0) := (others => '0');
    frame_length  : out natural range 0 to max_payload_c := 0;
    payload_valid : out std_logic;
    payload_data  : out byte_t);
end entity;

architecture rtl of answers is
  constant result_length_c : positive := 8 + 2 * outputs_c;

  type state_t is (ready, sending, withdraw);
  type source_t is (from_registers, from_error, from_tensor, from_result);

  signal state   : state_t := ready;
  signal source  : source_t := from_registers;
  signal flushed : std_logic := '1';
  signal fetched : std_logic := '0';
  signal flush   : std_logic := '0';
begin
  idle          <= '1' when state = ready else '0';
  pending       <= '1' when state = withdraw or flushed = '0'
                            or (state = ready and now_valid = '1')
                            or (state = ready and quiet = '0'
                                and (tensor_valid = '1' or result_valid = '1'))
                   else '0';
  frame_valid   <= '1' when state = sending else '0';
  payload_valid <= fetched;
  tx_flush      <= flush;
  with source select payload_data <=
    register_data when from_registers,
    error_data    when from_error,
    tensor_data   when from_tensor,
    result_data   when from_result;

  process (clk)
  begin
    if rising_edge(clk) then
      if read_enable = '1' then
        fetched <= '1';
      elsif fetched = '1' then
        fetched <= '0';
      end if;
      if flush = '1' then
        flush <= '0';
      end if;

      case state is
        when ready =>
          if now_valid = '1' then
            frame_type   <= now_type;
            frame_seq    <= now_seq;
            frame_length <= now_length;
            source       <= from_registers;
            if now_type = error_c then
              source <= from_error;
            end if;
            state <= sending;
          elsif quiet = '0' and tensor_valid = '1' then
            frame_type <= read_tensor_c or answer_c;
            if tensor_failed = '1' then
              frame_type <= error_c;
            end if;
            frame_seq    <= tensor_seq;
            frame_length <= tensor_length;
            source       <= from_tensor;
            state        <= sending;
          elsif quiet = '0' and result_valid = '1' then
            frame_type   <= infer_c or answer_c;
            frame_seq    <= result_seq;
            frame_length <= result_length_c;
            source       <= from_result;
            state        <= sending;
          elsif flushed = '0' then
            flush   <= '1';
            flushed <= '1';
          end if;

        when sending =>
          if frame_done = '1' then
            flushed <= '0';
            case source is
              when from_registers => now_taken <= '1';
              when from_error     => now_taken <= '1';
              when from_tensor    => tensor_taken <= '1';
              when from_result    => result_taken <= '1';
            end case;
            state <= withdraw;
          end if;

        when withdraw => -- the source withdraws its answer
          now_taken    <= '0';
          tensor_taken <= '0';
          result_taken <= '0';
          state        <= ready;
      end case;

      if rst = '1' then
        state        <= ready;
        flushed      <= '1';
        fetched      <= '0';
        flush        <= '0';
        now_taken    <= '0';
        tensor_taken <= '0';
        result_taken <= '0';
      end if;
    end if;
  end process;
end architecture;
