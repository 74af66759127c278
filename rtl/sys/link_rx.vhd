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
    payload_data  : out byte_t := (others => '0');
    -- at the end of a frame, good or bad; the fields stay until frame_ready
    frame_valid   : out std_logic;
    frame_ready   : in  std_logic;
    frame_status  : out frame_status_t := frame_good;
    frame_version : out byte_t := (others => '0');
    frame_type    : out byte_t := (others => '0');
    frame_seq     : out std_logic_vector(15 downto 0);
    frame_length  : out natural range 0 to 65535;
    frame_args    : out word_t); -- the first four payload bytes, first in bits 7..0
end entity;

architecture rtl of link_rx is
  type state_t is (hunt, second_sync, version, kind, seq_low, seq_high, length_low, length_high,
                   payload, crc_bytes, deliver);

  signal state  : state_t := hunt;
  signal crc    : word_t := crc_start_c;
  signal args   : word_t := (others => '0');
  signal seq    : std_logic_vector(15 downto 0) := (others => '0');
  signal length : natural range 0 to 65535 := 0;
  signal index  : natural range 0 to max_payload_c - 1 := 0; -- of the next payload or CRC byte
  signal good   : std_logic := '0'; -- the CRC bytes so far match
  signal strobe, ready, valid : std_logic := '0';
begin
  ready         <= '0' when state = deliver else '1';
  rx_ready      <= ready;
  payload_valid <= strobe;
  frame_valid   <= valid;
  frame_seq     <= seq;
  frame_length  <= length;
  frame_args    <= args;

  process (clk)
    variable total : natural range 0 to 65535;
  begin
    if rising_edge(clk) then
      if strobe = '1' then
        strobe <= '0';
      end if;

      if rx_valid = '1' and ready = '1' then
        case state is
          when hunt =>
            if rx_data = sync0_c then
              state <= second_sync;
            end if;

          when second_sync =>
            if rx_data = sync1_c then
              crc   <= crc_start_c;
              state <= version;
            elsif rx_data /= sync0_c then
              state <= hunt;
            end if;

          when version =>
            crc           <= crc_of(crc, rx_data);
            frame_version <= rx_data;
            state         <= kind;

          when kind =>
            crc        <= crc_of(crc, rx_data);
            frame_type <= rx_data;
            state      <= seq_low;

          when seq_low =>
            crc             <= crc_of(crc, rx_data);
            seq(7 downto 0) <= rx_data;
            state           <= seq_high;

          when seq_high =>
            crc              <= crc_of(crc, rx_data);
            seq(15 downto 8) <= rx_data;
            state            <= length_low;

          when length_low =>
            crc    <= crc_of(crc, rx_data);
            length <= to_integer(unsigned(rx_data));
            state  <= length_high;

          when length_high =>
            crc    <= crc_of(crc, rx_data);
            total  := length + 256 * to_integer(unsigned(rx_data));
            length <= total;
            index  <= 0;
            good   <= '1';
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
            crc           <= crc_of(crc, rx_data);
            strobe        <= '1';
            payload_index <= index;
            payload_data  <= rx_data;
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
            crc <= x"00" & crc(31 downto 8);
            if rx_data /= not crc(7 downto 0) then
              good <= '0';
            end if;
            if index = 3 then
              if good = '1' and rx_data = not crc(7 downto 0) then
                frame_status <= frame_good;
              else
                frame_status <= frame_bad_crc;
              end if;
              valid <= '1';
              state <= deliver;
            else
              index <= index + 1;
            end if;

          when deliver =>
            null; -- ready is low
        end case;
      end if;

      if valid = '1' and frame_ready = '1' then
        valid <= '0';
        state <= hunt;
      end if;

      if rst = '1' then
        state  <= hunt;
        strobe <= '0';
        valid  <= '0';
      end if;
    end if;
  end process;
end architecture;
