-- SPDX-License-Identifier: Apache-2.0
-- refused: reads the clock edge
-- GHDL makes a loop of gates of this register, enabled by an edge that it prints as 0.
library ieee;
use ieee.std_logic_1164.all;
use ieee.numeric_std.all;

entity computed_bit is
  port (
    clk : in  std_logic;
    a   : in  std_logic_vector(63 downto 0);
    y   : out std_logic_vector(63 downto 0));
end entity;

architecture rtl of computed_bit is
  signal bits : std_logic_vector(63 downto 0) := (others => '0');
begin
  process (clk)
  begin
    if rising_edge(clk) then
      bits(to_integer(unsigned(a(5 downto 0)))) <= a(6);
    end if;
  end process;
  y <= bits;
end architecture;
