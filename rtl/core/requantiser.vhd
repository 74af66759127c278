-- SPDX-License-Identifier: Apache-2.0
-- lanes_g requantisers in step: result = saturate((acc * multiplier + residual * gain + bias) >>
-- shifts_g(shift)), floor shift, to lows_g(bounds) and highs_g(bounds). Three cycles from in_valid
-- to out_valid. The bias holds the rounding half, so half rounds up and nothing is added here.
--
-- In the netlist a lane is two DSP48E1: residual * gain + bias in the first, product and sum in the
-- second. Few shifts and few pairs of bounds keep the rest small.
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
    lows_g            : int_array_t; -- pairs of bounds, at most 16 bits; low <= 0 <= high
    highs_g           : int_array_t;
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
    bounds     : in  natural range 0 to 31; -- index into lows_g and highs_g
    out_valid  : out std_logic;
    result     : out int_array_t(0 to lanes_g - 1));
end entity;

architecture rtl of requantiser is
  constant shifts_c : int_array_t(0 to shifts_g'length - 1) := shifts_g;
  constant lows_c   : int_array_t(0 to lows_g'length - 1) := lows_g;
  constant highs_c  : int_array_t(0 to highs_g'length - 1) := highs_g;
  subtype index_t is natural range 0 to 7;
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
            stage_1(i) := scale_fast(sum, shifts_c(shift), lows_c(bounds), highs_c(bounds));
          end loop;
        end if;
      end if;
    end process;
  end generate;

  synthesised : if not fast_g generate
    -- Bits that hold every bound and its sign.
    function bits_of_bounds return positive is
      variable bits : positive := 2;
    begin
      for c in lows_c'range loop
        while highs_c(c) > 2**(bits - 1) - 1 or lows_c(c) < -2**(bits - 1) loop
          bits := bits + 1;
        end loop;
      end loop;
      return bits;
    end function;

    constant bits_c : positive := bits_of_bounds;
    subtype code_t is signed(bits_c - 1 downto 0);
    signal shift_1, shift_2   : index_t := 0;
    signal bounds_1, bounds_2 : natural range 0 to 31 := 0;
  begin
    assert lows_c'length = highs_c'length
      report "requantiser: lows_g and highs_g are pairs" severity failure;

    process (clk)
    begin
      if rising_edge(clk) then
        if valid_1 = '1' then
          shift_2 <= shift_1;
          bounds_2 <= bounds_1;
        end if;
        if in_valid = '1' then
          shift_1 <= shift;
          bounds_1 <= bounds;
        end if;
      end if;
    end process;

    lanes : for i in 0 to lanes_g - 1 generate
      signal product : signed(acc_bits_g + multiplier_bits_g downto 0) := (others => '0');
      signal addend  : wide_bits_t := (others => '0'); -- residual and bias
      signal sum     : wide_bits_t := (others => '0');
      signal shifted : code_t; -- right where fits
      signal fits    : std_logic;
      signal code    : code_t := (others => '0');
    begin
      process (clk)
      begin
        if rising_edge(clk) then
          if valid_1 = '1' then
            sum <= resize(product, wide_bits_c) + addend;
          end if;
          if in_valid = '1' then
            product <= to_signed(acc(i), acc_bits_g) *
              signed('0' & to_unsigned(multiplier(i), multiplier_bits_g));
            addend <= resize(to_signed(residual(i), residual_bits_g) *
              to_signed(gain, gain_bits_g), wide_bits_c) + to_bits(bias(i));
          end if;
        end if;
      end process;

      choose : process (all)
        variable differ : std_logic;
      begin
        shifted <= sum(shifts_c(0) + bits_c - 1 downto shifts_c(0));
        for s in 1 to shifts_c'high loop
          if shift_2 = s then
            for k in 0 to bits_c - 1 loop
              shifted(k) <= sum(smaller(shifts_c(s) + k, wide_bits_c - 1));
            end loop;
          end if;
        end loop;
        differ := '0';
        for k in bits_c to wide_bits_c - 1 loop
          for s in shifts_c'range loop
            if (shift_2 = s or shifts_c'length = 1) and k >= shifts_c(s) + bits_c - 1 then
              differ := differ or (sum(k) xor sum(wide_bits_c - 1));
            end if;
          end loop;
        end loop;
        fits <= not differ;
      end process;

      process (clk)
        variable above, below : boolean;
      begin
        if rising_edge(clk) then
          if valid_2 = '1' then
            for c in lows_c'range loop
              if bounds_2 = c or lows_c'length = 1 then
                above := sum(wide_bits_c - 1) = '0' and (fits = '0' or shifted > highs_c(c));
                below := sum(wide_bits_c - 1) = '1' and (fits = '0' or shifted < lows_c(c));
                code <= shifted;
                if above then
                  code <= to_signed(highs_c(c), bits_c);
                elsif below then
                  code <= to_signed(lows_c(c), bits_c);
                end if;
              end if;
            end loop;
          end if;
        end if;
      end process;
      result(i) <= to_integer(code);
    end generate;
  end generate;
end architecture;
