-- SPDX-License-Identifier: Apache-2.0
-- Asynchronous and synchronous reset, a falling edge, registers with and without initial values.
-- repairs: initial_values
library ieee;
use ieee.std_logic_1164.all;
use ieee.numeric_std.all;

entity resets is
  port (
    clk : in  std_logic;
    a   : in  std_logic_vector(63 downto 0);
    y   : out std_logic_vector(63 downto 0));
end entity;

architecture rtl of resets is
  signal asynchronous, synchronous, falling, plain : unsigned(15 downto 0) := x"1234";
  signal reset : std_logic := '0';
begin
  process (clk)
  begin
    if rising_edge(clk) then
      reset <= a(0) and a(1) and a(2);
      synchronous <= synchronous + unsigned(a(15 downto 0));
      plain <= not plain;
      if (a(3) and a(4)) = '1' then
        synchronous <= x"0042";
      end if;
    end if;
  end process;
  process (clk, reset)
  begin
    if reset = '1' then
      asynchronous <= x"00ff";
    elsif rising_edge(clk) then
      asynchronous <= asynchronous + unsigned(a(31 downto 16));
    end if;
  end process;
  process (clk)
  begin
    if falling_edge(clk) then
      falling <= synchronous xor unsigned(a(47 downto 32));
    end if;
  end process;
  y <= std_logic_vector(asynchronous & synchronous & falling & plain);
end architecture;
