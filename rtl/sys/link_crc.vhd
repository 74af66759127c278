-- SPDX-License-Identifier: Apache-2.0
-- The CRC-32 of a frame (IEEE 802.3, reflected), one bit a clock: a byte takes 8 clocks, less than the
-- PHY needs for the next one, and a third of the logic of a byte at a time.
library ieee;
use ieee.std_logic_1164.all;

use work.link_pkg.all;

entity link_crc is
  port (
    clk, rst : in  std_logic;
    start    : in  std_logic; -- a pulse: all ones; not while busy
    -- a pulse while not busy: take the byte on data, which stays until busy is 0 again
    take     : in  std_logic;
    data     : in  byte_t;
    -- with take, until busy is 0: the byte is one of the CRC itself, not covered by it. The CRC is
    -- shifted out against it.
    trailer  : in  std_logic;
    busy     : out std_logic;
    differs  : out std_logic; -- since start some trailer bit was not the one that was due
    due      : out byte_t);   -- the next trailer byte, inverted
end entity;

architecture rtl of link_crc is
  constant polynomial_c : word_t := x"EDB88320";

  signal crc     : word_t := (others => '1');
  signal count   : natural range 0 to 7 := 0;
  signal running : std_logic := '0';
  signal wrong   : std_logic := '0';
begin
  busy    <= running;
  differs <= wrong;
  due     <= crc(7 downto 0);

  process (clk)
    variable mixed, feedback : std_logic;
  begin
    if rising_edge(clk) then
      if running = '1' then
        mixed    := data(count) xor crc(0);
        feedback := mixed and not trailer;
        for i in 0 to 30 loop
          if polynomial_c(i) = '1' then
            crc(i) <= crc(i + 1) xor feedback;
          else
            crc(i) <= crc(i + 1);
          end if;
        end loop;
        crc(31) <= feedback;
        if trailer = '1' and mixed = '0' then
          wrong <= '1';
        end if;
        if count = 7 then
          count   <= 0;
          running <= '0';
        else
          count <= count + 1;
        end if;
      end if;
      if take = '1' then
        running <= '1';
      end if;
      if start = '1' then
        crc   <= (others => '1');
        wrong <= '0';
      end if;
      if rst = '1' then
        running <= '0';
        count   <= 0;
      end if;
    end if;
  end process;
end architecture;
