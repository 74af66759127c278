-- SPDX-License-Identifier: Apache-2.0
-- lanes_g requantisers in step: result = saturate((acc * multiplier + residual * gain + bias) >>
-- shifts_g(shift)), floor shift, bounds low and high. Three cycles from in_valid to out_valid.
-- The bias holds the rounding half, so half rounds up and nothing is added here.
library ieee;
use ieee.std_logic_1164.all;
use ieee.numeric_std.all;
use work.arithmetic_pkg.all;

entity requantiser is
  generic (
    lanes_g           : positive;
    acc_bits_g        : positive range 4 to 25;
    multiplier_bits_g : positive range 1 to 17;
    residual_bits_g   : positive range 2 to 9;
    gain_bits_g       : positive range 2 to 25;
    shifts_g          : int_array_t; -- each 1 to 40
    fast_g            : boolean);
  port (
    clk        : in  std_logic;
    rst        : in  std_logic;
    in_valid   : in  std_logic;
    acc        : in  int_array_t(0 to lanes_g - 1);
    multiplier : in  int_array_t(0 to lanes_g - 1); -- unsigned
    residual   : in  int_array_t(0 to lanes_g - 1);
    gain       : in  integer;                       -- 0 where there is no residual
    bias       : in  wide_array_t(0 to lanes_g - 1);
    shift      : in  natural range 0 to 7; -- index into shifts_g
    low        : in  integer range -32768 to 32767;
    high       : in  integer range -32768 to 32767;
    out_valid  : out std_logic;
    result     : out int_array_t(0 to lanes_g - 1));
end entity;

architecture rtl of requantiser is
  constant shifts_c : int_array_t(0 to shifts_g'length - 1) := shifts_g;
  subtype index_t is natural range 0 to 7;
  subtype bound_t is integer range -32768 to 32767;
  signal valid_1, valid_2 : std_logic := '0';
begin
  process (clk)
  begin
    if rising_edge(clk) then
      valid_1 <= in_valid;
      valid_2 <= valid_1;
      out_valid <= valid_2;
      if rst = '1' then
        valid_1 <= '0';
        valid_2 <= '0';
        out_valid <= '0';
      end if;
    end if;
  end process;

  simulated : if fast_g generate
    process (clk)
      variable stage_1, stage_2 : int_array_t(0 to lanes_g - 1) := (others => 0);
      variable sum : wide_t;
    begin
      if rising_edge(clk) then
        if valid_2 = '1' then
          result <= stage_2;
        end if;
        if valid_1 = '1' then
          stage_2 := stage_1;
        end if;
        if in_valid = '1' then
          for i in 0 to lanes_g - 1 loop
            sum := sum_fast(product_fast(acc(i), multiplier(i)), bias(i));
            if gain /= 0 then
              sum := sum_fast(sum, product_fast(gain, residual(i)));
            end if;
            stage_1(i) := scale_fast(sum, shifts_c(shift), low, high);
          end loop;
        end if;
      end if;
    end process;
  end generate;

  synthesised : if not fast_g generate
    signal shift_1, shift_2 : index_t := 0;
    signal low_1, low_2, high_1, high_2 : bound_t := 0;
  begin
    process (clk)
    begin
      if rising_edge(clk) then
        if valid_1 = '1' then
          shift_2 <= shift_1;
          low_2 <= low_1;
          high_2 <= high_1;
        end if;
        if in_valid = '1' then
          shift_1 <= shift;
          low_1 <= low;
          high_1 <= high;
        end if;
      end if;
    end process;

    lanes : for i in 0 to lanes_g - 1 generate
      signal product   : signed(acc_bits_g + multiplier_bits_g downto 0) := (others => '0');
      signal addend    : signed(residual_bits_g + gain_bits_g - 1 downto 0) := (others => '0');
      signal bias_1    : wide_bits_t := (others => '0');
      signal sum       : wide_bits_t := (others => '0');
    begin
      process (clk)
      begin
        if rising_edge(clk) then
          if valid_2 = '1' then
            for s in shifts_c'range loop
              if shift_2 = s then
                result(i) <= scale_bits(sum, shifts_c(s), low_2, high_2);
              end if;
            end loop;
          end if;
          if valid_1 = '1' then
            sum <= resize(product, wide_bits_c) + resize(addend, wide_bits_c) + bias_1;
          end if;
          if in_valid = '1' then
            product <= to_signed(acc(i), acc_bits_g) *
              signed('0' & to_unsigned(multiplier(i), multiplier_bits_g));
            addend <= to_signed(residual(i), residual_bits_g) * to_signed(gain, gain_bits_g);
            bias_1 <= to_bits(bias(i));
          end if;
        end if;
      end process;
    end generate;
  end generate;
end architecture;
