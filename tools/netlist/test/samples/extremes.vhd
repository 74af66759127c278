-- SPDX-License-Identifier: Apache-2.0
-- abs, minimum and maximum come out as VHDL.
-- repairs: foreign_texts
library ieee;
use ieee.std_logic_1164.all;
use ieee.numeric_std.all;

entity extremes is
  port (
    clk : in  std_logic;
    a   : in  std_logic_vector(63 downto 0);
    y   : out std_logic_vector(63 downto 0));
end entity;

architecture rtl of extremes is
begin
  process (clk)
  begin
    if rising_edge(clk) then
      y(11 downto 0) <= std_logic_vector(abs signed(a(11 downto 0)));
      y(23 downto 12) <= std_logic_vector(maximum(signed(a(23 downto 12)), signed(a(35 downto 24))));
      y(35 downto 24) <= std_logic_vector(minimum(signed(a(23 downto 12)), signed(a(35 downto 24))));
      y(47 downto 36) <= std_logic_vector(-signed(a(47 downto 36)));
      y(63 downto 48) <= a(63 downto 48);
    end if;
  end process;
end architecture;
