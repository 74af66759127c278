-- SPDX-License-Identifier: Apache-2.0
-- refused: signed mod has no counterpart in Verilog
library ieee;
use ieee.std_logic_1164.all;
use ieee.numeric_std.all;

entity signed_mod is
  port (
    clk : in  std_logic;
    a   : in  std_logic_vector(63 downto 0);
    y   : out std_logic_vector(63 downto 0));
end entity;

architecture rtl of signed_mod is
begin
  y <= x"000000000000" & std_logic_vector(signed(a(15 downto 0)) mod signed(a(31 downto 16)));
end architecture;
