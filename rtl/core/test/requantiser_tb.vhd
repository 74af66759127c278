-- SPDX-License-Identifier: Apache-2.0
-- Both bodies of the requantiser against each other on random and extreme operands, and against
-- results worked out by hand at ties and at both ends of saturation.
library ieee;
use ieee.std_logic_1164.all;
use ieee.math_real.all;
use work.arithmetic_pkg.all;

entity requantiser_tb is
  generic (
    seed_g  : positive := 1;
    count_g : positive := 4000);
end entity;

architecture test of requantiser_tb is
  constant shifts_c : int_array_t := (1, 7, 16, 17, 25, 38);
  constant lows_c   : int_array_t := (-128, -32768, 0, -7, -127, 0, -1);
  constant highs_c  : int_array_t := (127, 32767, 255, 7, 127, 32767, 0);
  signal clk        : std_logic := '0';
  signal in_valid   : std_logic := '0';
  signal acc, multiplier, residual : int_array_t(0 to 0) := (others => 0);
  signal gain       : integer := 0;
  signal bias       : wide_array_t(0 to 0) := (others => wide_zero_c);
  signal shift      : natural range 0 to 7 := 0;
  signal bounds     : natural range 0 to 31 := 0;
  signal fast_valid, slow_valid : std_logic;
  signal fast_result, slow_result : int_array_t(0 to 0);
begin
  fast : entity work.requantiser
    generic map (lanes_g => 1, acc_bits_g => 24, multiplier_bits_g => 17, residual_bits_g => 8,
      gain_bits_g => 25, shifts_g => shifts_c, lows_g => lows_c, highs_g => highs_c,
      fast_g => true)
    port map (clk => clk, rst => '0', in_valid => in_valid, acc => acc, multiplier => multiplier,
      residual => residual, gain => gain, bias => bias, shift => shift, bounds => bounds,
      out_valid => fast_valid, result => fast_result);
  slow : entity work.requantiser
    generic map (lanes_g => 1, acc_bits_g => 24, multiplier_bits_g => 17, residual_bits_g => 8,
      gain_bits_g => 25, shifts_g => shifts_c, lows_g => lows_c, highs_g => highs_c,
      fast_g => false)
    port map (clk => clk, rst => '0', in_valid => in_valid, acc => acc, multiplier => multiplier,
      residual => residual, gain => gain, bias => bias, shift => shift, bounds => bounds,
      out_valid => slow_valid, result => slow_result);

  process
    variable seed_1 : positive := seed_g;
    variable seed_2 : positive := 777;
    variable checked : natural := 0;

    impure function random(lowest, highest : integer) return integer is
      variable x : real;
    begin
      uniform(seed_1, seed_2, x);
      if x < 0.05 then
        return lowest;
      elsif x > 0.95 then
        return highest;
      end if;
      uniform(seed_1, seed_2, x);
      return lowest + integer(floor(x * (real(highest) - real(lowest) + 1.0)));
    end function;

    procedure tick is
    begin
      wait for 5 ns;
      clk <= '1';
      wait for 5 ns;
      clk <= '0';
    end procedure;

    procedure compute is
    begin
      in_valid <= '1';
      tick;
      in_valid <= '0';
      tick;
      assert fast_valid = '0' and slow_valid = '0' report "too early" severity failure;
      tick;
      assert fast_valid = '1' and slow_valid = '1' report "too late" severity failure;
      assert fast_result = slow_result
        report "bodies differ: " & integer'image(fast_result(0)) & " and " &
          integer'image(slow_result(0)) & " for acc " & integer'image(acc(0)) & " M " &
          integer'image(multiplier(0)) & " h " & integer'image(residual(0)) & " G " &
          integer'image(gain) & " B " & integer'image(bias(0).high) & ":" &
          integer'image(bias(0).low) & " shift " & integer'image(shifts_c(shift)) severity failure;
      checked := checked + 1;
    end procedure;

    procedure expect(a, m, b_high, b_low, s, b, want : integer) is
    begin
      acc(0) <= a;
      multiplier(0) <= m;
      residual(0) <= 0;
      gain <= 0;
      bias(0) <= (high => b_high, low => b_low);
      shift <= s;
      bounds <= b;
      compute;
      assert fast_result(0) = want
        report "acc " & integer'image(a) & ": " & integer'image(fast_result(0)) & " instead of " &
          integer'image(want) severity failure;
    end procedure;
  begin
    -- ties round up at either sign: (2k + 1) / 2 with the half in the bias
    for k in -5 to 4 loop
      expect(2 * k + 1, 1, 0, 1, 0, 0, k + 1);
    end loop;
    -- both ends, from just inside to far outside; shift 7 with half 64
    expect(127 * 128 + 63, 1, 0, 64, 1, 0, 127);
    expect(127 * 128 + 64, 1, 0, 64, 1, 0, 127);
    expect(-128 * 128 - 64, 1, 0, 64, 1, 0, -128);
    expect(-128 * 128 - 65, 1, 0, 64, 1, 0, -128);
    expect(8388607, 131071, 0, 64, 1, 0, 127);
    expect(-8388608, 131071, 0, 64, 1, 0, -128);
    expect(8388607, 131071, 2**30, 0, 5, 1, 259);
    expect(-1, 131071, 0, 0, 1, 2, 0);
    expect(-1, 131071, 0, 0, 1, 3, -7);
    for i in 1 to count_g loop
      acc(0) <= random(-2**23, 2**23 - 1);
      multiplier(0) <= random(0, 2**17 - 1);
      residual(0) <= random(-128, 127);
      gain <= random(-2**24 + 1, 2**24 - 1);
      if i mod 3 = 0 then
        gain <= 0;
      end if;
      bias(0) <= (high => random(-2**29, 2**29), low => random(0, 65535));
      if i mod 2 = 0 then
        acc(0) <= random(-300, 300);
        bias(0).high <= random(-2, 2);
      end if;
      shift <= random(0, shifts_c'length - 1);
      bounds <= random(0, lows_c'length - 1);
      compute;
    end loop;
    std.textio.write(std.textio.output,
      "requantiser_tb: PASS " & integer'image(checked) & " results" & LF);
    wait;
  end process;
end architecture;
