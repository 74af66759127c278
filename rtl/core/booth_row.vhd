-- SPDX-License-Identifier: Apache-2.0
-- One radix-4 Booth row on one carry chain: y = sum - digit * x, digit in -2..2 from three weight
-- bits. Selection and adder share a LUT a bit as long as the row stays a module of its own.
--
-- sum and y are unsigned: the true value and an offset that dot_lane keeps account of. A product
-- that is not sign-extended but has its top bit inverted is 2**x_bits_g too large and leaves the
-- bits of the sum above it to the carry chain alone.
-- Combinational.
library ieee;
use ieee.std_logic_1164.all;
use ieee.numeric_std.all;

entity booth_row is
  generic (
    x_bits_g   : positive;
    y_bits_g   : positive; -- at least x_bits_g + 1
    raised_g   : boolean;  -- adds 2**x_bits_g
    signed_g   : boolean); -- inverts the top bit of y
  port (
    x     : in  std_logic_vector(x_bits_g - 1 downto 0);
    digit : in  std_logic_vector(2 downto 0); -- weight bits 2i+1, 2i, 2i-1, the odd ones inverted
    sum   : in  std_logic_vector(y_bits_g - 1 downto 0);
    y     : out std_logic_vector(y_bits_g - 1 downto 0));
end entity;

architecture rtl of booth_row is
  signal one, two, negative : std_logic; -- of what is added
  signal multiple : std_logic_vector(y_bits_g - 1 downto 0);
  signal a, b, t  : unsigned(y_bits_g downto 0);
begin
  negative <= digit(2);
  one <= digit(1) xnor digit(0);
  two <= (digit(2) and digit(1) and not digit(0)) or (not digit(2) and not digit(1) and digit(0));
  bits : for i in 0 to y_bits_g - 1 generate
    signal selected, place : std_logic;
  begin
    lowest : if i = 0 generate
      selected <= x(i) and one;
    end generate;
    inner : if i > 0 and i < x_bits_g generate
      selected <= (x(i) and one) or (x(i - 1) and two);
    end generate;
    highest : if i >= x_bits_g generate
      selected <= x(x_bits_g - 1) and (one or two);
    end generate;
    inside : if i < x_bits_g or not raised_g generate
      place <= selected xor negative;
    end generate;
    top : if i = x_bits_g and raised_g generate
      place <= not (selected xor negative);
    end generate;
    above : if i > x_bits_g and raised_g generate
      place <= '0';
    end generate;
    kept : if i < y_bits_g - 1 or not signed_g generate
      multiple(i) <= place;
    end generate;
    inverted : if i = y_bits_g - 1 and signed_g generate
      multiple(i) <= not place;
    end generate;
  end generate;
  -- sum + multiple + negative as a difference from sum: yosys orders the operands of a sum as it
  -- likes, and the carry chain takes only the first without a LUT of its own. Below the lowest bit
  -- what is not negative borrows; no bit of either needs an inverter.
  a <= unsigned(sum) & negative;
  b <= unsigned(not multiple) & '1';
  t <= a - b;
  y <= std_logic_vector(t(y_bits_g downto 1));
end architecture;
