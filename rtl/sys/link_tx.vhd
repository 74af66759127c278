-- SPDX-License-Identifier: Apache-2.0
-- Frames into the byte stream to the host (PROTOCOL.md 1.1). The payload is fetched byte by byte
-- from whoever holds it.
library ieee;
use ieee.std_logic_1164.all;
use ieee.numeric_std.all;

use work.link_pkg.all;

entity link_tx is
  port (
    clk, rst : in  std_logic;
    -- a frame to send: held with its fields until the pulse of frame_done
    frame_valid  : in  std_logic;
    frame_done   : out std_logic;
    frame_type   : in  byte_t;
    frame_seq    : in  std_logic_vector(15 downto 0);
    frame_length : in  natural range 0 to max_payload_c;
    -- a pulse asks for a payload byte, a later pulse brings it
    payload_request : out std_logic;
    payload_index   : out natural range 0 to max_payload_c - 1;
    payload_valid   : in  std_logic;
    payload_data    : in  byte_t;
    tx_valid : out std_logic;
    tx_ready : in  std_logic;
    tx_data  : out byte_t;
    -- sending, and not only waiting for tx_ready
    active   : out std_logic);
end entity;

architecture rtl of link_tx is
  type state_t is (idle, header, fetch, payload, crc_bytes, done);

  signal state           : state_t := idle;
  signal index           : natural range 0 to max_payload_c - 1 := 0;
  signal position        : natural range 0 to 7 := 0; -- in the header, then in the CRC
  signal byte            : byte_t := (others => '0');
  signal valid           : std_logic := '0';
  signal request, finish : std_logic := '0';
  signal asked           : std_logic := '0'; -- for the payload byte of index

  signal crc_start, crc_take, crc_trailer : std_logic := '0';
  signal crc_busy                         : std_logic;
  signal crc_due                          : byte_t;
begin
  tx_valid        <= valid;
  tx_data         <= byte;
  payload_request <= request;
  payload_index   <= index;
  frame_done      <= finish;
  active          <= '1' when (state /= idle or frame_valid = '1') and valid = '0' else '0';

  check : entity work.link_crc
    port map (
      clk => clk, rst => rst, start => crc_start, take => crc_take, data => byte,
      trailer => crc_trailer, busy => crc_busy, differs => open, due => crc_due);

  process (clk)
    variable length : std_logic_vector(15 downto 0);
    variable data   : byte_t;
  begin
    if rising_edge(clk) then
      if request = '1' then
        request <= '0';
      end if;
      if crc_start = '1' then
        crc_start <= '0';
      end if;
      if crc_take = '1' then
        crc_take <= '0';
      end if;

      -- byte may change only when the CRC has seen all of it.
      case state is
        when idle =>
          if frame_valid = '1' then
            index    <= 0;
            position <= 0;
            crc_start   <= '1';
            crc_trailer <= '0';
            state       <= header;
          end if;

        when header =>
          if valid = '0' and (crc_take = '1' or crc_busy = '1') then
            null;
          elsif valid = '0' then
            length := std_logic_vector(to_unsigned(frame_length, 16));
            case position is
              when 0 => data := sync0_c;
              when 1 => data := sync1_c;
              when 2 => data := version_c;
              when 3 => data := frame_type;
              when 4 => data := frame_seq(7 downto 0);
              when 5 => data := frame_seq(15 downto 8);
              when 6 => data := length(7 downto 0);
              when 7 => data := length(15 downto 8);
            end case;
            byte  <= data;
            valid <= '1';
          elsif tx_ready = '1' then
            valid <= '0';
            if position >= 2 then
              crc_take <= '1';
            end if;
            if position /= 7 then
              position <= position + 1;
            else
              position <= 0;
              if frame_length = 0 then
                state <= crc_bytes;
              else
                state <= fetch;
              end if;
            end if;
          end if;

        when fetch =>
          if crc_take = '0' and crc_busy = '0' and asked = '0' then
            request <= '1';
            asked   <= '1';
          elsif payload_valid = '1' then
            asked <= '0';
            byte  <= payload_data;
            valid <= '1';
            state <= payload;
          end if;

        when payload =>
          if tx_ready = '1' then
            valid <= '0';
            crc_take <= '1';
            if index + 1 = frame_length then
              state <= crc_bytes;
            else
              index <= index + 1;
              state <= fetch;
            end if;
          end if;

        when crc_bytes =>
          if valid = '0' and (crc_take = '1' or crc_busy = '1') then
            null;
          elsif valid = '0' then
            byte        <= crc_due;
            crc_trailer <= '1';
            valid       <= '1';
          elsif tx_ready = '1' then
            valid    <= '0';
            crc_take <= '1';
            if position = 3 then
              finish <= '1';
              state  <= done;
            else
              position <= position + 1;
            end if;
          end if;

        when done =>
          finish <= '0';
          if crc_take = '0' and crc_busy = '0' then
            state <= idle;
          end if;
      end case;

      if rst = '1' then
        state   <= idle;
        valid   <= '0';
        request <= '0';
        finish  <= '0';
        asked   <= '0';
        crc_take  <= '0';
        crc_start <= '0';
      end if;
    end if;
  end process;
end architecture;
