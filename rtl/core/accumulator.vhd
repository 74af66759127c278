-- SPDX-License-Identifier: Apache-2.0
-- acc = (first ? start_g in every bit : acc) + p + carry, one LUT a bit. Written as a difference from
-- p: yosys orders the operands of a sum as it likes and then spends a second LUT a bit on the mask;
-- of a difference the first stays first, and the carry chain takes p directly.
library ieee;
use ieee.std_logic_1164.all;
use ieee.numeric_std.all;

entity accumulator is
  generic (
    p_bits_g   : positive;
    acc_bits_g : positive; -- at least p_bits_g
    start_g    : std_logic);
  port (
    clk    : in  std_logic;
    enable : in  std_logic;
    first  : in  std_logic;
    p      : in  std_logic_vector(p_bits_g - 1 downto 0);
    carry  : in  std_logic;
    acc    : out std_logic_vector(acc_bits_g - 1 downto 0));
end entity;

architecture rtl of accumulator is
  signal sum  : signed(acc_bits_g - 1 downto 0) := (others => '0');
  signal base : signed(acc_bits_g - 1 downto 0);
  signal t    : signed(acc_bits_g downto 0);
begin
  base <= (others => start_g) when first = '1' else sum;
  -- p - not base - 1 + carry: below the lowest bit no carry is a borrow
  t <= (resize(signed(p), acc_bits_g) & carry) - ((not base) & '1');
  process (clk)
  begin
    if rising_edge(clk) then
      if enable = '1' then
        sum <= t(acc_bits_g downto 1);
      end if;
    end if;
  end process;
  acc <= std_logic_vector(sum);
end architecture;
