-- SPDX-License-Identifier: Apache-2.0
-- shift_right of signed, by a constant and by a signal.
-- repairs: signed_shifts
library ieee;
use ieee.std_logic_1164.all;
use ieee.numeric_std.all;

entity signed_shift is
  port (
    clk : in  std_logic;
    a   : in  std_logic_vector(63 downto 0);
    y   : out std_logic_vector(63 downto 0));
end entity;

architecture rtl of signed_shift is
begin
  process (clk)
    variable x : signed(23 downto 0);
  begin
    if rising_edge(clk) then
      x := signed(a(23 downto 0));
      y(23 downto 0) <= std_logic_vector(shift_right(x, to_integer(unsigned(a(28 downto 24)))));
      y(39 downto 24) <= std_logic_vector(shift_right(signed(a(63 downto 48)), 3));
      y(63 downto 40) <= std_logic_vector(shift_right(unsigned(x), to_integer(unsigned(a(33 downto 29)))));
    end if;
  end process;
end architecture;
