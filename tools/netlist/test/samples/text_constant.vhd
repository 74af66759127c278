-- SPDX-License-Identifier: Apache-2.0
-- Constants of more than 32 bits, as an operand and as initial values.
-- repairs: text_constants
library ieee;
use ieee.std_logic_1164.all;
use ieee.numeric_std.all;

entity text_constant is
  port (
    clk : in  std_logic;
    a   : in  std_logic_vector(63 downto 0);
    y   : out std_logic_vector(63 downto 0));
end entity;

architecture rtl of text_constant is
  signal sum : unsigned(63 downto 0) := x"0123456789abcdef";
begin
  process (clk)
  begin
    if rising_edge(clk) then
      sum <= (sum xor x"fedcba9876543210") + unsigned(a);
    end if;
  end process;
  y <= std_logic_vector(sum);
end architecture;
