-- SPDX-License-Identifier: Apache-2.0
-- refused: may be a negative integer that lost its sign
library ieee;
use ieee.std_logic_1164.all;
use ieee.numeric_std.all;

entity wide_compare is
  port (
    clk : in  std_logic;
    a   : in  std_logic_vector(63 downto 0);
    y   : out std_logic_vector(63 downto 0));
end entity;

architecture rtl of wide_compare is
begin
  y <= (others => '1') when signed(a(39 downto 0)) < -3 else (others => '0');
end architecture;
