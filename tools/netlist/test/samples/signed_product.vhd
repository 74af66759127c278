-- SPDX-License-Identifier: Apache-2.0
-- Products of signed vectors, of ranged integers, by a negative constant, and unsigned beside them.
-- repairs: signed_products
library ieee;
use ieee.std_logic_1164.all;
use ieee.numeric_std.all;

entity signed_product is
  port (
    clk : in  std_logic;
    a   : in  std_logic_vector(63 downto 0);
    y   : out std_logic_vector(63 downto 0));
end entity;

architecture rtl of signed_product is
  signal by_integer : integer range -2**15 to 2**15 - 1 := 0;
  signal vector     : signed(15 downto 0) := (others => '0');
  signal natural_p  : unsigned(15 downto 0) := (others => '0');
  signal constant_p : signed(15 downto 0) := (others => '0');
begin
  process (clk)
    variable x, w : integer range -128 to 127;
  begin
    if rising_edge(clk) then
      x := to_integer(signed(a(7 downto 0)));
      w := to_integer(signed(a(15 downto 8)));
      by_integer <= x * w;
      vector <= signed(a(23 downto 16)) * signed(a(31 downto 24));
      natural_p <= unsigned(a(39 downto 32)) * unsigned(a(47 downto 40));
      constant_p <= resize(signed(a(55 downto 48)) * to_signed(-77, 8), 16);
    end if;
  end process;
  y <= std_logic_vector(to_signed(by_integer, 16)) & std_logic_vector(vector) &
       std_logic_vector(natural_p) & std_logic_vector(constant_p);
end architecture;
