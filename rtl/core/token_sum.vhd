-- SPDX-License-Identifier: Apache-2.0
-- Adds the codes of a cycle's tokens in a tree, a register after each level. Tokens that the block
-- does not have count as zero.
--
-- Timing: the sum comes clog2(lanes_g) cycles after the codes; valid(l) is that of level l's inputs.
library ieee;
use ieee.std_logic_1164.all;
use work.arithmetic_pkg.all;
use work.program_pkg.all;

entity token_sum is
  generic (
    program_g   : write_array_t; -- for the tokens of pooled blocks
    tokens_g    : positive;      -- of a block
    lanes_g     : positive;
    code_bits_g : positive);     -- signed
  port (
    clk       : in  std_logic;
    valid     : in  std_logic_vector(0 to clog2(lanes_g));
    in_band   : in  natural range 0 to last_of(tokens_g / lanes_g); -- group
    in_tokens : in  natural range 0 to 64;                          -- valid ones of the block
    in_codes  : in  int_array_t(0 to lanes_g - 1);
    sum       : out integer);
end entity;

architecture rtl of token_sum is
  constant program  : write_array_t(0 to program_g'length - 1) := program_g;
  constant levels_c : natural := clog2(lanes_g);
  constant groups_c : positive := tokens_g / lanes_g;
  type truths_t is array (natural range <>) of boolean;

  -- tokens that some block does not have
  function missing return truths_t is
    variable found : truths_t(0 to tokens_g - 1) := (others => false);
  begin
    for i in program'range loop
      if program(i).pooled then
        for t in program(i).tokens to tokens_g - 1 loop
          found(t) := true;
        end loop;
      end if;
    end loop;
    return found;
  end function;

  -- sums that are left after so many levels
  function left(level : natural) return positive is
    variable count : positive := lanes_g;
  begin
    for i in 1 to level loop
      count := ceil_div(count, 2);
    end loop;
    return count;
  end function;

  constant missing_c : truths_t(0 to tokens_g - 1) := missing;
  -- level l begins at l * lanes_g
  signal sums : int_array_t(0 to (levels_c + 1) * lanes_g - 1);
begin
  lowest : for i in 0 to lanes_g - 1 generate
    process (all)
    begin
      sums(i) <= in_codes(i);
      for g in 0 to groups_c - 1 loop
        if missing_c(g * lanes_g + i) and (groups_c = 1 or in_band = g)
          and g * lanes_g + i >= in_tokens then
          sums(i) <= 0;
        end if;
      end loop;
    end process;
  end generate;

  tree : for l in 1 to levels_c generate
    pairs : for i in 0 to left(l) - 1 generate
      subtype level_t is integer range -2**(code_bits_g + l - 1) to 2**(code_bits_g + l - 1) - 1;
      signal added : level_t := 0;
    begin
      two : if 2 * i + 1 < left(l - 1) generate
        process (clk)
        begin
          if rising_edge(clk) then
            if valid(l - 1) = '1' then
              added <= sums((l - 1) * lanes_g + 2 * i) + sums((l - 1) * lanes_g + 2 * i + 1);
            end if;
          end if;
        end process;
      end generate;
      one : if 2 * i + 1 >= left(l - 1) generate
        process (clk)
        begin
          if rising_edge(clk) then
            if valid(l - 1) = '1' then
              added <= sums((l - 1) * lanes_g + 2 * i);
            end if;
          end if;
        end process;
      end generate;
      sums(l * lanes_g + i) <= added;
    end generate;
    idle : for i in left(l) to lanes_g - 1 generate
      sums(l * lanes_g + i) <= 0;
    end generate;
  end generate;
  sum <= sums(levels_c * lanes_g);
end architecture;
