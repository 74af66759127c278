-- SPDX-License-Identifier: Apache-2.0
-- Dropped defaults: of a case over an enumeration, of a case over bits, of a selected assignment.
-- repairs: case_defaults
library ieee;
use ieee.std_logic_1164.all;
use ieee.numeric_std.all;

entity case_others is
  port (
    clk : in  std_logic;
    a   : in  std_logic_vector(63 downto 0);
    y   : out std_logic_vector(63 downto 0));
end entity;

architecture rtl of case_others is
  type state_t is (first, second, third, fourth, fifth);
  signal state : state_t := first;
  signal code  : unsigned(3 downto 0) := (others => '0');
  signal chosen : std_logic_vector(39 downto 0);
begin
  with a(7 downto 3) select chosen <=
    x"0000000001" when "00000",
    x"ffff00ffff" when "00100",
    a(39 downto 0) when "00001",
    x"1234567890" when others;

  process (clk)
  begin
    if rising_edge(clk) then
      case state is
        when first => if a(0) = '1' then state <= second; end if;
        when second => state <= third;
        when fifth => if a(1) = '1' then state <= fourth; end if;
        when others => if a(2) = '1' then state <= fifth; else state <= first; end if;
      end case;
      case a(11 downto 8) is
        when "0000" => code <= x"3";
        when "0101" | "1010" => code <= code + 1;
        when others => code <= code + 5;
      end case;
    end if;
  end process;
  y <= chosen & std_logic_vector(to_unsigned(state_t'pos(state), 8)) & x"000" & std_logic_vector(code);
end architecture;
