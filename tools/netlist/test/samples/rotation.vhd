-- SPDX-License-Identifier: Apache-2.0
-- A rotation by a signal; right for widths that are powers of two (the lint refuses all).
library ieee;
use ieee.std_logic_1164.all;
use ieee.numeric_std.all;

entity rotation is
  port (
    clk : in  std_logic;
    a   : in  std_logic_vector(63 downto 0);
    y   : out std_logic_vector(63 downto 0));
end entity;

architecture rtl of rotation is
begin
  y <= std_logic_vector(rotate_left(unsigned(a), to_integer(unsigned(a(5 downto 0)))));
end architecture;
