-- SPDX-License-Identifier: Apache-2.0
-- lanes_g score distances in step: u = min(((largest - score) * multiplier + half) >> shift, top),
-- all three of the layer, half = 2**(shift - 1). Three cycles from in_valid to out_valid.
--
-- In the netlist a lane is one DSP48E1: its pre-adder takes largest and the score's complement,
-- -1 - score, and the constant that is added makes up for the one. Complements come in, because
-- whoever chooses among scores turns them over at no cost.
library ieee;
use ieee.std_logic_1164.all;
use ieee.numeric_std.all;
use work.arithmetic_pkg.all;

entity scaler is
  generic (
    lanes_g       : positive;
    score_bits_g  : positive range 2 to 24;
    multipliers_g : int_array_t; -- per layer, as the next two; each below 2**15
    shifts_g      : int_array_t; -- 1 to 38
    tops_g        : int_array_t; -- 2**bits of u - 1
    fast_g        : boolean);
  port (
    clk       : in  std_logic;
    rst       : in  std_logic;
    in_valid  : in  std_logic;
    largest   : in  int_array_t(0 to lanes_g - 1); -- not below the score
    complement : in int_array_t(0 to lanes_g - 1);
    layer     : in  natural range 0 to 1;
    out_valid : out std_logic;
    result    : out int_array_t(0 to lanes_g - 1));
end entity;

architecture rtl of scaler is
  constant layers_c      : positive := multipliers_g'length;
  constant multipliers_c : int_array_t(0 to layers_c - 1) := multipliers_g;
  constant shifts_c      : int_array_t(0 to layers_c - 1) := shifts_g;
  constant tops_c        : int_array_t(0 to layers_c - 1) := tops_g;
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
      variable half : wide_t;
    begin
      if rising_edge(clk) then
        if valid_2 = '1' then
          result <= stage_2;
        end if;
        if valid_1 = '1' then
          stage_2 := stage_1;
        end if;
        if in_valid = '1' then
          half := wide_zero_c;
          if shifts_c(layer) > 16 then
            half.high := 2**(shifts_c(layer) - 17);
          else
            half.low := 2**(shifts_c(layer) - 1);
          end if;
          for i in 0 to lanes_g - 1 loop
            stage_1(i) := scale_fast(sum_fast(product_fast(largest(i) + complement(i) + 1,
              multipliers_c(layer)), half), shifts_c(layer), 0, tops_c(layer));
          end loop;
        end if;
      end if;
    end process;
  end generate;

  synthesised : if not fast_g generate
    -- Zeros at the right of a multiplier are a smaller shift. (And a constant with zeros at the right
    -- would be split from its adder, which then is no part of the DSP.)
    function zeros(l : natural) return natural is
      variable rest  : natural := multipliers_c(l);
      variable count : natural := 0;
    begin
      while rest > 0 and rest mod 2 = 0 and count < shifts_c(l) - 1 loop
        rest := rest / 2;
        count := count + 1;
      end loop;
      return count;
    end function;

    function factor(l : natural) return natural is
    begin
      return multipliers_c(l) / 2**zeros(l);
    end function;

    function shift(l : natural) return positive is
    begin
      return shifts_c(l) - zeros(l);
    end function;

    function widest return positive is
      variable bits : positive := score_bits_g + 16;
    begin
      for l in 0 to layers_c - 1 loop
        bits := larger(bits, shift(l) + 10);
      end loop;
      return bits;
    end function;

    constant sum_bits_c : positive := widest;
    subtype sum_t is signed(sum_bits_c - 1 downto 0);

    -- half, and the multiplier that the complement lacks
    function addend(l : natural) return sum_t is
      variable half : sum_t := (others => '0');
    begin
      half(shift(l) - 1) := '1';
      return half + signed('0' & to_unsigned(factor(l), 15));
    end function;

    function code_bits return positive is
      variable bits : positive := 2;
    begin
      for l in 0 to layers_c - 1 loop
        bits := larger(bits, clog2(tops_c(l) + 1));
      end loop;
      return bits;
    end function;

    constant bits_c : positive := code_bits;
    subtype operand_t is signed(score_bits_g downto 0);
    subtype code_t is std_logic_vector(bits_c - 1 downto 0);
    signal layer_1, layer_2 : natural range 0 to 1 := 0;
    signal multiplier : signed(15 downto 0);
    signal added      : sum_t;
  begin
    process (clk)
    begin
      if rising_edge(clk) then
        layer_1 <= layer;
        layer_2 <= layer_1;
      end if;
    end process;
    multiplier <= signed('0' & to_unsigned(factor(0), 15)) when layer = 0 or layers_c = 1
      else signed('0' & to_unsigned(factor(layers_c - 1), 15));
    added <= addend(0) when layer_1 = 0 or layers_c = 1 else addend(layers_c - 1);

    lanes : for i in 0 to lanes_g - 1 generate
      signal product : signed(operand_t'length + 15 downto 0) := (others => '0');
      signal sum     : sum_t := (others => '0');
      signal code    : code_t := (others => '0');
    begin
      process (clk)
        variable over : std_logic;
      begin
        if rising_edge(clk) then
          if in_valid = '1' then
            product <= (to_signed(largest(i), operand_t'length) +
              to_signed(complement(i), operand_t'length)) * multiplier;
          end if;
          if valid_1 = '1' then
            sum <= resize(product, sum_bits_c) + added;
          end if;
          if valid_2 = '1' then
            for l in 0 to layers_c - 1 loop
              if layer_2 = l or layers_c = 1 then
                over := '0';
                for k in shift(l) + clog2(tops_c(l) + 1) to sum_bits_c - 2 loop
                  over := over or sum(k);
                end loop;
                code <= (others => '0');
                for k in 0 to clog2(tops_c(l) + 1) - 1 loop
                  code(k) <= over or sum(shift(l) + k);
                end loop;
              end if;
            end loop;
          end if;
        end if;
      end process;
      result(i) <= to_integer(unsigned(code));
    end generate;
  end generate;
end architecture;
