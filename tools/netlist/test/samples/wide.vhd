-- SPDX-License-Identifier: Apache-2.0
-- Vectors of more than 32 bits beside constants that keep their sign: positive integers, vectors.
library ieee;
use ieee.std_logic_1164.all;
use ieee.numeric_std.all;

entity wide is
  port (
    clk : in  std_logic;
    a   : in  std_logic_vector(63 downto 0);
    y   : out std_logic_vector(63 downto 0));
end entity;

architecture rtl of wide is
  constant minus_c : signed(47 downto 0) := to_signed(-3, 48);
  signal sum : signed(47 downto 0) := to_signed(-5, 48);
  signal low : std_logic := '0';
begin
  process (clk)
  begin
    if rising_edge(clk) then
      sum <= sum + minus_c + 100 + resize(signed(a(31 downto 0)), 48);
      low <= '0';
      if sum < minus_c then
        low <= '1';
      end if;
      if signed(a(47 downto 0)) > 7 and a(48) = '1' then
        sum <= minus_c;
      end if;
    end if;
  end process;
  y <= std_logic_vector(sum) & "000000000000000" & low;
end architecture;
