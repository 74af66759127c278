-- SPDX-License-Identifier: Apache-2.0
-- Frames into the byte stream to the host (PROTOCOL.md 1.1). The payload is fetched byte by byte
-- from whoever holds it: all sources of bytes are registers that are zero unless they are meant, and
-- are joined by an or.
library ieee;
use ieee.std_logic_1164.all;
use ieee.numeric_std.all;

use work.answer_pkg.all;
use work.link_pkg.all;

entity link_tx is
  port (
    clk, rst : in  std_logic;
    -- a frame to send: held with its fields until the pulse of frame_done
    frame_valid  : in  std_logic;
    frame_done   : out std_logic;
    frame_type   : in  byte_t;
    frame_seq    : in  std_logic_vector(15 downto 0);
    frame_length : in  answer_length_t;
    -- a pulse asks for a payload byte, the clock after brings it
    payload_part    : out std_logic; -- bytes that are asked for are payload
    payload_request : out std_logic;
    payload_index   : out answer_index_t;
    payload_data    : in  byte_t; -- 0 in the other parts
    tx_valid : out std_logic;
    tx_ready : in  std_logic;
    tx_data  : out byte_t;
    -- sending, and not only waiting for tx_ready
    active   : out std_logic);
end entity;

architecture rtl of link_tx is
  type state_t is (idle, fetch, load, send);
  type part_t is (header, payload, crc_bytes, done);

  signal state   : state_t := idle;
  signal part    : part_t := header;
  signal index   : answer_index_t := 0; -- bytes of this part of the frame so far
  signal byte    : byte_t := (others => '0');
  signal field   : byte_t := (others => '0'); -- of the header
  signal inverse : byte_t := (others => '1'); -- of a byte of the CRC
  signal valid   : std_logic := '0';
  signal request : std_logic;
  signal at_end  : std_logic;

  signal crc_start, crc_take, crc_trailer : std_logic := '0';
  signal crc_busy, crc_idle               : std_logic;
  signal crc_due                          : byte_t;
begin
  tx_valid        <= valid;
  tx_data         <= byte;
  payload_part    <= '1' when part = payload else '0';
  payload_request <= request;
  payload_index   <= index;
  crc_idle        <= not (crc_take or crc_busy);
  frame_done      <= '1' when state = fetch and part = done and crc_idle = '1' else '0';
  active          <= '1' when (state /= idle and state /= send) or (state = idle and frame_valid = '1')
                     else '0';
  at_end          <= '1' when (part = header and index = 8) or (part = crc_bytes and index = 4)
                              or (part = payload and index = frame_length)
                     else '0';
  request         <= '1' when state = fetch and crc_idle = '1' and at_end = '0'
                              and part /= done
                     else '0';

  check : entity work.link_crc
    port map (
      clk => clk, rst => rst, start => crc_start, take => crc_take, data => byte,
      trailer => crc_trailer, busy => crc_busy, differs => open, due => crc_due);

  process (clk)
    variable length : std_logic_vector(15 downto 0);
  begin
    if rising_edge(clk) then
      if crc_start = '1' then
        crc_start <= '0';
      end if;
      if crc_take = '1' then
        crc_take <= '0';
      end if;

      if part /= header then
        field <= (others => '0');
      elsif request = '1' then
        length := std_logic_vector(to_unsigned(frame_length, 16));
        case index mod 8 is
          when 0 => field <= sync0_c;
          when 1 => field <= sync1_c;
          when 2 => field <= version_c;
          when 3 => field <= frame_type;
          when 4 => field <= frame_seq(7 downto 0);
          when 5 => field <= frame_seq(15 downto 8);
          when 6 => field <= length(7 downto 0);
          when 7 => field <= length(15 downto 8);
        end case;
      end if;
      if part /= crc_bytes then
        inverse <= (others => '1');
      elsif request = '1' then
        inverse <= crc_due;
      end if;

      case state is
        when idle =>
          if frame_valid = '1' then
            index     <= 0;
            part      <= header;
            crc_start <= '1';
            state     <= fetch;
          end if;

        when fetch => -- byte may change only when the CRC has seen all of it
          if part = done then
            if crc_idle = '1' then
              state <= idle;
            end if;
          elsif at_end = '1' then
            index <= 0;
            case part is
              when header           => part <= payload;
              when payload          => part <= crc_bytes;
              when crc_bytes | done => part <= done;
            end case;
          elsif request = '1' then
            state <= load;
          end if;

        when load =>
          byte        <= field or payload_data or not inverse;
          valid       <= '1';
          crc_trailer <= '0';
          if part = crc_bytes then
            crc_trailer <= '1';
          end if;
          if part /= header or index >= 2 then
            crc_take <= '1';
          end if;
          if index /= answer_index_t'high then
            index <= index + 1;
          end if;
          state <= send;

        when send =>
          if tx_ready = '1' then
            valid <= '0';
            state <= fetch;
          end if;
      end case;

      if rst = '1' then
        state     <= idle;
        valid     <= '0';
        crc_take  <= '0';
        crc_start <= '0';
      end if;
    end if;
  end process;
end architecture;
