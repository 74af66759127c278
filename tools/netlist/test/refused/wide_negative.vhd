-- SPDX-License-Identifier: Apache-2.0
-- refused: may be a negative integer that lost its sign
library ieee;
use ieee.std_logic_1164.all;
use ieee.numeric_std.all;

entity wide_negative is
  port (
    clk : in  std_logic;
    a   : in  std_logic_vector(63 downto 0);
    y   : out std_logic_vector(63 downto 0));
end entity;

architecture rtl of wide_negative is
  signal sum : signed(39 downto 0) := (others => '0');
begin
  process (clk)
  begin
    if rising_edge(clk) then
      if a(0) = '1' then
        sum <= sum + (-3);
      end if;
    end if;
  end process;
  y <= std_logic_vector(resize(sum, 64));
end architecture;
