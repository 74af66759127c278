-- SPDX-License-Identifier: Apache-2.0
-- GHDL makes a loop of gates of these registers, enabled by an edge that it prints as 0.
-- repairs: loop_registers
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
  signal bits : std_logic_vector(15 downto 0) := x"a5c3";
  type few_t is array (0 to 2) of signed(7 downto 0);
  signal few : few_t := (x"12", x"34", x"56");
begin
  process (clk)
  begin
    if rising_edge(clk) then
      bits(to_integer(unsigned(a(3 downto 0)))) <= a(6);
      if a(7) = '1' and a(9 downto 8) /= "11" then
        few(to_integer(unsigned(a(9 downto 8)))) <= signed(a(17 downto 10));
      end if;
    end if;
  end process;
  y <= bits & std_logic_vector(few(0)) & std_logic_vector(few(1)) & std_logic_vector(few(2)) & x"000000";
end architecture;
