-- SPDX-License-Identifier: Apache-2.0
-- refused: has an inout port
library ieee;
use ieee.std_logic_1164.all;

entity inout_port is
  port (
    clk : in    std_logic;
    a   : in    std_logic_vector(63 downto 0);
    y   : inout std_logic_vector(63 downto 0));
end entity;

architecture rtl of inout_port is
begin
  y <= a when clk = '1' else (others => 'Z');
end architecture;
