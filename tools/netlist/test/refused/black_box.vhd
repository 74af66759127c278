-- SPDX-License-Identifier: Apache-2.0
-- refused: black box
library ieee;
use ieee.std_logic_1164.all;

entity black_box is
  port (
    clk : in  std_logic;
    a   : in  std_logic_vector(63 downto 0);
    y   : out std_logic_vector(63 downto 0));
end entity;

architecture rtl of black_box is
  component primitive is
    generic (width : integer := 64);
    port (
      a : in  std_logic_vector(63 downto 0);
      y : out std_logic_vector(63 downto 0));
  end component;
begin
  part : primitive
    generic map (width => 64)
    port map (a => a, y => y);
end architecture;
