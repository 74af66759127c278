-- SPDX-License-Identifier: Apache-2.0
-- Frames out of the host's byte stream (PROTOCOL.md 1.1). Payload bytes are passed on as they come,
-- before the CRC is known: whoever stores them commits on frame_valid with frame_good.
library ieee;
use ieee.std_logic_1164.all;
use ieee.numeric_std.all;

use work.link_pkg.all;

entity link_rx is
  port (
    clk, rst : in  std_logic;
    rx_valid : in  std_logic;
    rx_ready : out std_logic;
    rx_data  : in  byte_t;
    -- one pulse a payload byte; frame_type and frame_length are already those of its frame
    payload_valid : out std_logic;
    payload_index : out natural range 0 to max_payload_c - 1 := 0;
    payload_data  : out byte_t;
    -- at the end of a frame, good or bad; the fields stay until frame_ready
    frame_valid   : out std_logic;
    frame_ready   : in  std_logic;
    frame_status  : out frame_status_t := frame_good;
    frame_version : out byte_t := (others => '0');
    frame_type    : out byte_t := (others => '0');
    frame_seq     : out std_logic_vector(15 downto 0);
    frame_length  : out natural range 0 to 65535;
    frame_args    : out word_t;  -- the first four payload bytes, first in bits 7..0
    active        : out std_logic); -- busy with a byte that is already taken
end entity;

architecture rtl of link_rx is
  type state_t is (hunt, second_sync, version, kind, seq_low, seq_high, length_low, length_high,
                   payload, crc_bytes, judge, deliver);

  signal state  : state_t := hunt;
  signal args   : word_t := (others => '0');
  signal seq    : std_logic_vector(15 downto 0) := (others => '0');
  signal length : natural range 0 to 65535 := 0;
  signal index  : natural range 0 to max_payload_c - 1 := 0; -- of the next payload or CRC byte
  signal held   : byte_t := (others => '0'); -- the byte last taken
  signal strobe, ready, valid : std_logic := '0';

  signal crc_start, crc_take, crc_trailer : std_logic := '0';
  signal crc_busy, crc_differs            : std_logic;
begin
  ready         <= '0' when state = judge or state = deliver or crc_take = '1' or crc_busy = '1'
                   else '1';
  active        <= crc_take or crc_busy;
  payload_data  <= held;
  rx_ready      <= ready;
  payload_valid <= strobe;
  frame_valid   <= valid;
  frame_seq     <= seq;
  frame_length  <= length;
  frame_args    <= args;

  check : entity work.link_crc
    port map (
      clk => clk, rst => rst, start => crc_start, take => crc_take, data => held,
      trailer => crc_trailer, busy => crc_busy, differs => crc_differs, due => open);

  process (clk)
    variable total : natural range 0 to 65535;
  begin
    if rising_edge(clk) then
      if strobe = '1' then
        strobe <= '0';
      end if;
      if crc_start = '1' then
        crc_start <= '0';
      end if;
      if crc_take = '1' then
        crc_take <= '0';
      end if;

      if rx_valid = '1' and ready = '1' then
        held <= rx_data;
        case state is
          when hunt =>
            if rx_data = sync0_c then
              state <= second_sync;
            end if;

          when second_sync =>
            if rx_data = sync1_c then
              crc_start   <= '1';
              crc_trailer <= '0';
              state       <= version;
            elsif rx_data /= sync0_c then
              state <= hunt;
            end if;

          when version =>
            crc_take <= '1';
            frame_version <= rx_data;
            state         <= kind;

          when kind =>
            crc_take <= '1';
            frame_type <= rx_data;
            state      <= seq_low;

          when seq_low =>
            crc_take <= '1';
            seq(7 downto 0) <= rx_data;
            state           <= seq_high;

          when seq_high =>
            crc_take <= '1';
            seq(15 downto 8) <= rx_data;
            state            <= length_low;

          when length_low =>
            crc_take <= '1';
            length <= to_integer(unsigned(rx_data));
            state  <= length_high;

          when length_high =>
            crc_take <= '1';
            total  := length + 256 * to_integer(unsigned(rx_data));
            length <= total;
            index  <= 0;
            if frame_version /= version_c then
              frame_status <= frame_bad_version;
              valid        <= '1';
              state        <= deliver;
            elsif total > max_payload_c then
              frame_status <= frame_too_long;
              valid        <= '1';
              state        <= deliver;
            elsif total = 0 then
              state <= crc_bytes;
            else
              state <= payload;
            end if;

          when payload =>
            crc_take <= '1';
            strobe        <= '1';
            payload_index <= index;
            if index < 4 then
              args <= rx_data & args(31 downto 8);
            end if;
            if index + 1 = length then
              index <= 0;
              state <= crc_bytes;
            else
              index <= index + 1;
            end if;

          when crc_bytes =>
            crc_take    <= '1';
            crc_trailer <= '1';
            if index = 3 then
              state <= judge;
            else
              index <= index + 1;
            end if;

          when judge | deliver =>
            null; -- ready is low
        end case;
      end if;

      if state = judge and crc_take = '0' and crc_busy = '0' then
        frame_status <= frame_good;
        if crc_differs = '1' then
          frame_status <= frame_bad_crc;
        end if;
        valid <= '1';
        state <= deliver;
      end if;

      if valid = '1' and frame_ready = '1' then
        valid <= '0';
        state <= hunt;
      end if;

      if rst = '1' then
        state  <= hunt;
        strobe <= '0';
        valid  <= '0';
        crc_take  <= '0';
        crc_start <= '0';
      end if;
    end if;
  end process;
end architecture;
