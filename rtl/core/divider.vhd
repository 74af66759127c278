-- SPDX-License-Identifier: Apache-2.0
-- Exact unsigned division, quotient = floor(dividend / divisor), for quotients that fit
-- quotient_bits_g: the caller promises dividend < divisor * 2**quotient_bits_g.
-- Serial: one bit a cycle, in_ready falls meanwhile, quotient_bits_g + 1 cycles from in_valid to
-- out_valid. Pipelined: one division a cycle, same latency. Its netlist does not restore: the rest's
-- sign says whether the divisor is added or taken off, so a step is one carry chain.
library ieee;
use ieee.std_logic_1164.all;
use ieee.numeric_std.all;

entity divider is
  generic (
    pipelined_g     : boolean;
    dividend_bits_g : positive range 2 to 30;
    divisor_bits_g  : positive range 2 to 29;
    quotient_bits_g : positive range 1 to 29; -- less than dividend_bits_g
    fast_g          : boolean);
  port (
    clk       : in  std_logic;
    rst       : in  std_logic;
    in_valid  : in  std_logic;
    in_ready  : out std_logic;
    dividend  : in  natural range 0 to 2**dividend_bits_g - 1;
    divisor   : in  natural range 0 to 2**divisor_bits_g - 1;
    out_valid : out std_logic;
    quotient  : out natural range 0 to 2**quotient_bits_g - 1);
end entity;

architecture rtl of divider is
  -- One step of restoring division: the rest is below the divisor before and after.
  type step_t is record
    divisor  : natural range 0 to 2**divisor_bits_g - 1;
    rest     : natural range 0 to 2**divisor_bits_g - 1;
    left     : natural range 0 to 2**quotient_bits_g - 1; -- dividend bits still to come
    quotient : natural range 0 to 2**quotient_bits_g - 1;
  end record;
  constant idle_c : step_t := (0, 0, 0, 0);

  function start(n, d : natural) return step_t is
    variable s : step_t;
  begin
    s.divisor := d;
    s.rest := (n / 2**quotient_bits_g) mod 2**divisor_bits_g;
    s.left := n mod 2**quotient_bits_g;
    s.quotient := 0;
    return s;
  end function;

  function advance(s : step_t) return step_t is
    variable next_s : step_t;
    variable rest   : natural range 0 to 2**(divisor_bits_g + 1) - 1;
  begin
    rest := 2 * s.rest + s.left / 2**(quotient_bits_g - 1);
    next_s.divisor := s.divisor;
    next_s.left := 2 * (s.left mod 2**(quotient_bits_g - 1));
    if rest >= s.divisor then
      next_s.rest := (rest - s.divisor) mod 2**divisor_bits_g;
      next_s.quotient := 2 * (s.quotient mod 2**(quotient_bits_g - 1)) + 1;
    else
      next_s.rest := rest mod 2**divisor_bits_g;
      next_s.quotient := 2 * (s.quotient mod 2**(quotient_bits_g - 1));
    end if;
    return next_s;
  end function;
begin
  serial : if not pipelined_g generate
    signal steps : natural range 0 to quotient_bits_g := 0;
    signal state : step_t := idle_c;
  begin
    in_ready <= '1' when steps = 0 else '0';
    process (clk)
    begin
      if rising_edge(clk) then
        out_valid <= '0';
        if steps > 0 then
          state <= advance(state);
          steps <= steps - 1;
          if steps = 1 then
            out_valid <= '1';
          end if;
        elsif in_valid = '1' then
          state <= start(dividend, divisor);
          steps <= quotient_bits_g;
        end if;
        if rst = '1' then
          steps <= 0;
          out_valid <= '0';
        end if;
      end if;
    end process;
    quotient <= state.quotient;
  end generate;

  pipelined : if pipelined_g and fast_g generate
    type steps_t is array (0 to quotient_bits_g) of step_t;
    signal steps : steps_t := (others => idle_c);
    signal valid : std_logic_vector(0 to quotient_bits_g) := (others => '0');
  begin
    in_ready <= '1';
    process (clk)
    begin
      if rising_edge(clk) then
        valid <= in_valid & valid(0 to quotient_bits_g - 1);
        if in_valid = '1' then
          steps(0) <= start(dividend, divisor);
        end if;
        for i in 1 to quotient_bits_g loop
          if valid(i - 1) = '1' then
            steps(i) <= advance(steps(i - 1));
          end if;
        end loop;
        if rst = '1' then
          valid <= (others => '0');
        end if;
      end if;
    end process;
    out_valid <= valid(quotient_bits_g);
    quotient <= steps(quotient_bits_g).quotient;
  end generate;

  chains : if pipelined_g and not fast_g generate
    -- rest: -divisor to divisor - 1; the lower half of left is what is still to come of the
    -- dividend, quotient bits follow it from the right
    subtype rest_t is unsigned(divisor_bits_g downto 0);
    subtype left_t is std_logic_vector(quotient_bits_g - 1 downto 0);
    type divisors_t is array (0 to quotient_bits_g) of std_logic_vector(divisor_bits_g - 1 downto 0);
    type rests_t is array (0 to quotient_bits_g) of rest_t;
    type lefts_t is array (0 to quotient_bits_g) of left_t;
    signal divisors : divisors_t;
    signal rests    : rests_t;
    signal lefts    : lefts_t;
    signal valid    : std_logic_vector(0 to quotient_bits_g) := (others => '0');
    signal n        : unsigned(divisor_bits_g + quotient_bits_g downto 0);
  begin
    in_ready <= '1';
    n <= to_unsigned(dividend, divisor_bits_g + quotient_bits_g + 1);
    process (clk)
    begin
      if rising_edge(clk) then
        valid <= in_valid & valid(0 to quotient_bits_g - 1);
        rests(0) <= n(divisor_bits_g + quotient_bits_g downto quotient_bits_g);
        lefts(0) <= std_logic_vector(n(quotient_bits_g - 1 downto 0));
        divisors(0) <= std_logic_vector(to_unsigned(divisor, divisor_bits_g));
        if rst = '1' then
          valid <= (others => '0');
        end if;
      end if;
    end process;

    steps : for i in 1 to quotient_bits_g generate
      signal adds    : std_logic; -- the divisor: the rest is negative
      signal doubled : rest_t;
      signal other   : rest_t;
      signal t       : unsigned(divisor_bits_g + 1 downto 0);
    begin
      adds <= rests(i - 1)(divisor_bits_g);
      doubled <= rests(i - 1)(divisor_bits_g - 1 downto 0) & lefts(i - 1)(quotient_bits_g - 1);
      bits : for k in 0 to divisor_bits_g - 1 generate
        other(k) <= divisors(i - 1)(k) xor adds;
      end generate;
      other(divisor_bits_g) <= adds;
      -- the borrow that makes a difference with the complement a sum enters below the lowest bit
      t <= (doubled & '0') - (other & adds);
      process (clk)
      begin
        if rising_edge(clk) then
          rests(i) <= t(divisor_bits_g + 1 downto 1);
          lefts(i) <= lefts(i - 1)(quotient_bits_g - 2 downto 0) & not t(divisor_bits_g + 1);
          divisors(i) <= divisors(i - 1);
        end if;
      end process;
    end generate;
    out_valid <= valid(quotient_bits_g);
    quotient <= to_integer(unsigned(lefts(quotient_bits_g)));
  end generate;
end architecture;
