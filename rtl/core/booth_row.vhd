-- SPDX-License-Identifier: Apache-2.0
-- One radix-4 Booth row on one carry chain: y = sum + digit * x, digit in -2..2 from three weight
-- bits. Selection and adder share a LUT a bit as long as the row stays a module of its own.
-- Combinational.
library ieee;
use ieee.std_logic_1164.all;
use ieee.numeric_std.all;

entity booth_row is
  generic (
    x_bits_g   : positive;
    sum_bits_g : positive;
    y_bits_g   : positive); -- at least x_bits_g + 1 and sum_bits_g
  port (
    x     : in  std_logic_vector(x_bits_g - 1 downto 0);
    digit : in  std_logic_vector(2 downto 0); -- weight bits 2i+1, 2i, 2i-1
    sum   : in  std_logic_vector(sum_bits_g - 1 downto 0);
    y     : out std_logic_vector(y_bits_g - 1 downto 0));
end entity;

architecture rtl of booth_row is
  signal one, two, negative : std_logic;
  signal multiple : std_logic_vector(x_bits_g downto 0);
  signal a, b, t  : unsigned(y_bits_g downto 0);
begin
  negative <= digit(2);
  one <= digit(1) xor digit(0);
  two <= (not digit(2) and digit(1) and digit(0)) or (digit(2) and not digit(1) and not digit(0));
  bits : for i in 0 to x_bits_g generate
    lowest : if i = 0 generate
      multiple(i) <= (x(i) and one) xor negative;
    end generate;
    inner : if i > 0 and i < x_bits_g generate
      multiple(i) <= ((x(i) and one) or (x(i - 1) and two)) xor negative;
    end generate;
    highest : if i = x_bits_g generate
      multiple(i) <= ((x(i - 1) and one) or (x(i - 1) and two)) xor negative;
    end generate;
  end generate;
  -- the negation's + 1 enters below the lowest bit of both
  a <= unsigned(resize(signed(sum), y_bits_g)) & negative;
  b <= unsigned(resize(signed(multiple), y_bits_g)) & negative;
  t <= a + b;
  y <= std_logic_vector(t(y_bits_g downto 1));
end architecture;
