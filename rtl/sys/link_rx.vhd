-- SPDX-License-Identifier: Apache-2.0
-- Frames out of the host's byte stream (PROTOCOL.md 1.1). Payload bytes are passed on as they come,
-- before the CRC is known: whoever stores them commits on frame_valid with frame_good.
--
-- Header and arguments are chains of bytes that move on with each byte, and the ends of the parts of
-- a frame are looked for in the clocks in which the CRC is busy: both cost next to no logic.
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
    payload_first : out std_logic; -- with it: the frame's first
    payload_data  : out byte_t;
    -- at the end of a frame, good or bad; the fields stay until frame_ready
    frame_valid   : out std_logic;
    frame_ready   : in  std_logic;
    frame_status  : out frame_status_t := frame_good;
    frame_version : out byte_t;
    frame_type    : out byte_t;
    frame_seq     : out std_logic_vector(15 downto 0);
    frame_length  : out std_logic_vector(15 downto 0);
    frame_args    : out args_t; -- the last eight payload bytes, last in bits 63..56
    args_next     : in  std_logic; -- a pulse moves them down a byte; not while payload comes
    active        : out std_logic); -- busy with a byte that is already taken
end entity;

architecture rtl of link_rx is
  type state_t is (hunt, second_sync, header, payload, crc_bytes, deliver);

  constant max_length_c : std_logic_vector(15 downto 0) :=
    std_logic_vector(to_unsigned(max_payload_c, 16));

  signal state  : state_t := hunt;
  -- version, type, sequence number, length
  signal fields : std_logic_vector(47 downto 0) := (others => '0');
  signal args   : args_t := (others => '0');
  signal length : std_logic_vector(15 downto 0);
  signal index  : natural range 0 to 4095 := 0; -- bytes of this part of the frame so far
  signal held   : byte_t := (others => '0'); -- the byte last taken
  signal strobe, first, ready : std_logic := '0';

  signal crc_start, crc_take, crc_trailer : std_logic := '0';
  signal crc_busy, crc_differs            : std_logic := '0';
  signal count                            : natural range 0 to 7 := 0; -- bit of held
  signal crc_idle, crc_bit, crc_due       : std_logic;
  signal at_end                           : std_logic;
begin
  crc_idle      <= not (crc_take or crc_busy);
  crc_bit       <= held(count);
  at_end        <= '1' when (state = header and index = 6) or (state = crc_bytes and index = 4)
                            or (state = payload and index = to_integer(unsigned(length(11 downto 0))))
                   else '0';
  ready         <= '1' when state /= deliver and crc_idle = '1' and at_end = '0' else '0';
  active        <= '1' when crc_idle = '0' or at_end = '1' else '0';
  payload_data  <= held;
  rx_ready      <= ready;
  payload_valid <= strobe;
  payload_first <= first;
  frame_valid   <= '1' when state = deliver else '0';
  frame_version <= fields(7 downto 0);
  frame_type    <= fields(15 downto 8);
  frame_seq     <= fields(31 downto 16);
  length        <= fields(47 downto 32);
  frame_length  <= length;
  frame_args    <= args;

  check : entity work.link_crc
    port map (
      clk => clk, start => crc_start, take => crc_busy, data => crc_bit,
      trailer => crc_trailer, due => crc_due);

  process (clk)
  begin
    if rising_edge(clk) then
      if strobe = '1' then
        strobe <= '0';
        first  <= '0';
      end if;
      if crc_start = '1' then
        crc_start <= '0';
      end if;
      if crc_take = '1' then
        crc_take <= '0';
        crc_busy <= '1';
      end if;
      if crc_busy = '1' then
        count <= (count + 1) mod 8;
        if count = 7 then
          crc_busy <= '0';
        end if;
        if crc_trailer = '1' and crc_bit /= crc_due then
          crc_differs <= '1';
        end if;
      end if;
      if crc_start = '1' then
        crc_differs <= '0';
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
              state       <= header;
            elsif rx_data /= sync0_c then
              state <= hunt;
            end if;

          when header =>
            crc_take <= '1';
            fields   <= rx_data & fields(47 downto 8);

          when payload =>
            crc_take <= '1';
            strobe   <= '1';
            if index = 0 then
              first <= '1';
            end if;

          when crc_bytes =>
            crc_take    <= '1';
            crc_trailer <= '1';

          when deliver =>
            null; -- ready is low
        end case;
      end if;

      if (state = payload and rx_valid = '1' and ready = '1') or args_next = '1' then
        args <= rx_data & args(63 downto 8);
      end if;

      if state = hunt or (at_end = '1' and state /= crc_bytes) then
        index <= 0;
      elsif state /= second_sync and rx_valid = '1' and ready = '1' then
        index <= index + 1;
      end if;

      if at_end = '1' then
        case state is
          when header =>
            if fields(7 downto 0) /= version_c then
              frame_status <= frame_bad_version;
              state        <= deliver;
            elsif length > max_length_c then
              frame_status <= frame_too_long;
              state        <= deliver;
            else
              state <= payload;
            end if;

          when payload =>
            state <= crc_bytes;

          when crc_bytes =>
            frame_status <= frame_good;
            if crc_differs = '1' then
              frame_status <= frame_bad_crc;
            end if;
            if crc_idle = '1' then
              state <= deliver;
            end if;

          when hunt | second_sync | deliver =>
            null;
        end case;
      end if;

      if state = deliver and frame_ready = '1' then
        state <= hunt;
      end if;

      if rst = '1' then
        state     <= hunt;
        strobe    <= '0';
        crc_take  <= '0';
        crc_start <= '0';
        crc_busy  <= '0';
        count     <= 0;
      end if;
    end if;
  end process;
end architecture;
