-- SPDX-License-Identifier: Apache-2.0
-- refused: choice with meta-value is ignored
library ieee;
use ieee.std_logic_1164.all;

entity case_match is
  port (
    clk : in  std_logic;
    a   : in  std_logic_vector(63 downto 0);
    y   : out std_logic_vector(63 downto 0));
end entity;

architecture rtl of case_match is
begin
  process (all)
  begin
    case? a(3 downto 0) is
      when "1---" => y <= x"0000000000000001";
      when "01--" => y <= x"0000000000000002";
      when others => y <= a;
    end case?;
  end process;
end architecture;
