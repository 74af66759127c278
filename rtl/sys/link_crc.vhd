-- SPDX-License-Identifier: Apache-2.0
-- The CRC-32 of a frame (IEEE 802.3, reflected), one bit a clock, lowest bit of a byte first: a byte
-- takes 8 clocks, less than the PHY needs for the next one, and a third of the logic of a byte at a
-- time.
library ieee;
use ieee.std_logic_1164.all;

use work.link_pkg.all;

entity link_crc is
  port (
    clk     : in  std_logic;
    start   : in  std_logic; -- all ones, whatever else comes
    take    : in  std_logic; -- the bit on data
    data    : in  std_logic;
    -- with take: the bit is one of the CRC itself, not covered by it. The CRC is shifted out against
    -- it.
    trailer : in  std_logic;
    due     : out std_logic); -- the trailer bit that would be right
end entity;

architecture rtl of link_crc is
  constant polynomial_c : word_t := x"EDB88320";

  signal crc : word_t := (others => '1');
begin
  due <= not crc(0);

  process (clk)
    variable feedback : std_logic;
  begin
    if rising_edge(clk) then
      if take = '1' then
        feedback := (data xor crc(0)) and not trailer;
        for i in 0 to 30 loop
          if polynomial_c(i) = '1' then
            crc(i) <= crc(i + 1) xor feedback;
          else
            crc(i) <= crc(i + 1);
          end if;
        end loop;
        crc(31) <= feedback;
      end if;
      if start = '1' then
        crc <= (others => '1');
      end if;
    end if;
  end process;
end architecture;
