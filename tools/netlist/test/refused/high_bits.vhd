-- SPDX-License-Identifier: Apache-2.0
-- refused: of which the highest 32 bits may have been lost
library ieee;
use ieee.std_logic_1164.all;
use ieee.numeric_std.all;

entity high_bits is
  port (
    clk : in  std_logic;
    a   : in  std_logic_vector(63 downto 0);
    y   : out std_logic_vector(63 downto 0));
end entity;

architecture rtl of high_bits is
  constant memory : std_logic_vector(63 downto 0) := (63 => '1', 62 => '1', others => '0');
begin
  process (clk)
  begin
    if rising_edge(clk) then
      y <= (others => memory(to_integer(unsigned(a(5 downto 0)))));
    end if;
  end process;
end architecture;
