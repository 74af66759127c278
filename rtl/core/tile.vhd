-- SPDX-License-Identifier: Apache-2.0
-- The matrix tile: tokens_g x outputs_g dot products of terms_g terms a cycle, summed before the
-- accumulator. When a job's last slice leaves the pipeline its accumulators are captured into a
-- shadow, from which the drain unit takes requantisers_g tokens of one output a cycle while the
-- next job runs.
--
-- Timing: operands with in_valid at cycle 0 are accumulated at cycle stages_g + 2; captured pulses
-- in the cycle in which the shadow is first valid (stages_g + 3 after a job's last slice); acc
-- follows drain_output and drain_group by one cycle.
library ieee;
use ieee.std_logic_1164.all;
use work.arithmetic_pkg.all;

entity tile is
  generic (
    tokens_g       : positive;
    outputs_g      : positive;
    terms_g        : positive;
    requantisers_g : positive; -- divides tokens_g
    token_bits_g   : positive range 2 to 9;
    weight_bits_g  : positive range 2 to 8;
    acc_bits_g     : positive range 4 to 25;
    stages_g       : natural);
  port (
    clk          : in  std_logic;
    rst          : in  std_logic;
    in_valid     : in  std_logic;
    in_first     : in  std_logic; -- first slice of a job
    in_last      : in  std_logic;
    tokens       : in  int_array_t(0 to tokens_g * terms_g - 1);  -- (token, term)
    weights      : in  int_array_t(0 to outputs_g * terms_g - 1); -- (output, term)
    captured     : out std_logic;
    drain_output : in  natural range 0 to last_of(outputs_g);
    drain_group  : in  natural range 0 to last_of(tokens_g / requantisers_g);
    acc          : out int_array_t(0 to requantisers_g - 1));
end entity;

architecture rtl of tile is
  subtype token_t is integer range -2**(token_bits_g - 1) to 2**(token_bits_g - 1) - 1;
  subtype weight_t is integer range -2**(weight_bits_g - 1) to 2**(weight_bits_g - 1) - 1;
  subtype acc_t is integer range -2**(acc_bits_g - 1) to 2**(acc_bits_g - 1) - 1;
  type token_array_t is array (0 to tokens_g * terms_g - 1) of token_t;
  type weight_array_t is array (0 to outputs_g * terms_g - 1) of weight_t;
  type acc_array_t is array (0 to outputs_g * tokens_g - 1) of acc_t;
  type pipe_t is array (0 to stages_g) of acc_array_t;
  subtype flags_t is std_logic_vector(0 to stages_g + 1);
begin
  assert tokens_g mod requantisers_g = 0
    report "tile: requantisers_g must divide tokens_g" severity failure;

  process (clk)
    variable token   : token_array_t;
    variable weight  : weight_array_t;
    variable pipe    : pipe_t := (others => (others => 0));
    variable sums    : acc_array_t := (others => 0);
    variable shadow  : acc_array_t := (others => 0);
    variable valid   : flags_t := (others => '0');
    variable first   : flags_t := (others => '0');
    variable last    : flags_t := (others => '0');
    variable capture : std_logic := '0';
    variable sum     : acc_t;
  begin
    if rising_edge(clk) then
      -- drain: reads the shadow as it was before this edge
      for r in 0 to requantisers_g - 1 loop
        acc(r) <= shadow(drain_output * tokens_g + drain_group * requantisers_g + r);
      end loop;
      -- capture
      captured <= capture;
      if capture = '1' then
        shadow := sums;
      end if;
      capture := '0';
      -- accumulate
      if valid(stages_g + 1) = '1' then
        for i in sums'range loop
          if first(stages_g + 1) = '1' then
            sums(i) := pipe(stages_g)(i);
          else
            sums(i) := sums(i) + pipe(stages_g)(i);
          end if;
        end loop;
        capture := last(stages_g + 1);
      end if;
      -- sum of products, as deep as the lanes' pipeline
      for s in stages_g downto 1 loop
        if valid(s) = '1' then
          pipe(s) := pipe(s - 1);
        end if;
      end loop;
      if valid(0) = '1' then
        for o in 0 to outputs_g - 1 loop
          for t in 0 to tokens_g - 1 loop
            sum := 0;
            for u in 0 to terms_g - 1 loop
              sum := sum + token(t * terms_g + u) * weight(o * terms_g + u);
            end loop;
            pipe(0)(o * tokens_g + t) := sum;
          end loop;
        end loop;
      end if;
      valid := in_valid & valid(0 to stages_g);
      first := in_first & first(0 to stages_g);
      last := in_last & last(0 to stages_g);
      if in_valid = '1' then
        for i in token'range loop
          token(i) := tokens(i);
        end loop;
        for i in weight'range loop
          weight(i) := weights(i);
        end loop;
      end if;
      if rst = '1' then
        valid := (others => '0');
        capture := '0';
        captured <= '0';
      end if;
    end if;
  end process;
end architecture;
