-- SPDX-License-Identifier: Apache-2.0
-- Quotients and remainders: signed by a constant, of naturals, unsigned.
-- repairs: signed_quotients
library ieee;
use ieee.std_logic_1164.all;
use ieee.numeric_std.all;

entity quotients is
  port (
    clk : in  std_logic;
    a   : in  std_logic_vector(63 downto 0);
    y   : out std_logic_vector(63 downto 0));
end entity;

architecture rtl of quotients is
  signal s, r      : signed(15 downto 0) := (others => '0');
  signal n, m, h   : natural range 0 to 255 := 0;
  signal q         : integer range -128 to 127 := 0;
begin
  process (clk)
    variable divisor : signed(15 downto 0);
  begin
    if rising_edge(clk) then
      divisor := signed(a(31 downto 17) & '1'); -- never 0
      s <= signed(a(15 downto 0)) / divisor;
      r <= signed(a(15 downto 0)) rem divisor;
      n <= to_integer(unsigned(a(39 downto 32))) / 7;
      m <= to_integer(unsigned(a(39 downto 32))) mod 23;
      h <= to_integer(unsigned(a(47 downto 40))) mod 16;
      q <= to_integer(signed(a(55 downto 48))) / 4;
    end if;
  end process;
  y <= std_logic_vector(s) & std_logic_vector(to_unsigned(n, 8)) & std_logic_vector(to_unsigned(m, 8)) &
       std_logic_vector(to_unsigned(h, 8)) & std_logic_vector(to_signed(q, 8)) & std_logic_vector(r);
end architecture;
