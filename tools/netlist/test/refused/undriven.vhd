-- SPDX-License-Identifier: Apache-2.0
-- refused: read but never driven
library ieee;
use ieee.std_logic_1164.all;

entity undriven is
  port (
    clk : in  std_logic;
    a   : in  std_logic_vector(63 downto 0);
    y   : out std_logic_vector(63 downto 0));
end entity;

architecture rtl of undriven is
  signal nothing : std_logic_vector(63 downto 0);
begin
  y <= a xor nothing;
end architecture;
