-- SPDX-License-Identifier: Apache-2.0
-- A count in two parts, so that simulation adds to a small number only. The high part follows a clock
-- late (a carry is then the fall of one bit, not a comparison): read it when the count stands still.
library ieee;
use ieee.std_logic_1164.all;
use ieee.numeric_std.all;

entity cycle_counter is
  generic (
    high_bits_g : positive range 1 to 16);
  port (
    clk   : in  std_logic;
    clear : in  std_logic;
    count : in  std_logic;
    low   : out natural range 0 to 131071;
    high  : out natural range 0 to 2 ** high_bits_g - 1);
end entity;

architecture rtl of cycle_counter is
  signal value_low  : natural range 0 to 131071 := 0;
  signal value_high : natural range 0 to 2 ** high_bits_g - 1 := 0;
  signal upper      : std_logic := '0'; -- value_low was in its upper half
begin
  low  <= value_low;
  high <= value_high;

  process (clk)
    variable bits : unsigned(16 downto 0);
  begin
    if rising_edge(clk) then
      if clear = '1' then
        value_low  <= 0;
        value_high <= 0;
        upper      <= '0';
      else
        if count = '1' then
          value_low <= (value_low + 1) mod 131072;
        end if;
        bits := to_unsigned(value_low, 17);
        if bits(16) = '1' then
          upper <= '1';
        elsif upper = '1' then
          upper      <= '0';
          value_high <= (value_high + 1) mod 2 ** high_bits_g;
        end if;
      end if;
    end if;
  end process;
end architecture;
