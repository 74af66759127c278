-- SPDX-License-Identifier: Apache-2.0
-- Both bodies of the requantiser against each other on random and extreme operands, and against
-- results worked out by hand at ties and at both ends of saturation; and both again with one DSP a lane, which
-- takes residual and product by turns.
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
  -- scales: every kind of range, equal shifts with different ranges, equal ranges with different shifts
  constant shifts_c : int_array_t := (1, 7, 16, 17, 25, 38, 25, 1, 7, 16, 17, 38, 25, 40, 7, 1);
  constant lows_c   : int_array_t := (-128, -128, -32768, 0, -7, -127, 0, -1, -1, 0, -127, 0, -128, -1, -1, -63);
  constant highs_c  : int_array_t := (127, 127, 32767, 255, 7, 127, 32767, 0, 1, 3, 127, 255, 127, 1, 0, 63);
  constant lanes_c  : positive := 2; -- the second one sees codes of up to 9 bits
  signal clk        : std_logic := '0';
  signal in_valid   : std_logic := '0';
  signal acc, multiplier, residual, offset : int_array_t(0 to lanes_c - 1) := (others => 0);
  signal gain       : integer := 0;
  signal bias       : wide_array_t(0 to lanes_c - 1) := (others => wide_zero_c);
  signal scale      : natural range 0 to 31 := 0;
  signal fast_valid, slow_valid : std_logic;
  signal fast_result, slow_result : int_array_t(0 to lanes_c - 1);
  signal turn_valid, turn_part : std_logic := '0';
  signal turn_acc, turn_multiplier : int_array_t(0 to lanes_c - 1) := (others => 0);
  signal turn_gain  : integer := 0;
  type turns_t is array (0 to 1) of int_array_t(0 to lanes_c - 1);
  signal turned_valid : std_logic_vector(0 to 1);
  signal turned       : turns_t;
begin
  fast : entity work.requantiser
    generic map (lanes_g => lanes_c, acc_bits_g => 24, multiplier_bits_g => 17, residual_bits_g => 8,
      gain_bits_g => 25, sum_bits_g => 48, code_bits_g => 9, shifts_g => shifts_c,
      lows_g => lows_c, highs_g => highs_c,
      fast_g => true)
    port map (clk => clk, rst => '0', in_valid => in_valid, acc => acc, multiplier => multiplier,
      residual => residual, gain => gain, offset => offset, bias => bias, scale => scale,
      out_valid => fast_valid, result => fast_result);
  slow : entity work.requantiser
    generic map (lanes_g => lanes_c, acc_bits_g => 24, multiplier_bits_g => 17, residual_bits_g => 8,
      gain_bits_g => 25, sum_bits_g => 48, code_bits_g => 9, shifts_g => shifts_c,
      lows_g => lows_c, highs_g => highs_c,
      fast_g => false)
    port map (clk => clk, rst => '0', in_valid => in_valid, acc => acc, multiplier => multiplier,
      residual => residual, gain => gain, offset => offset, bias => bias, scale => scale,
      out_valid => slow_valid, result => slow_result);
  turns : for k in 0 to 1 generate
    dut : entity work.requantiser
      generic map (lanes_g => lanes_c, acc_bits_g => 24, multiplier_bits_g => 17,
        residual_bits_g => 8, gain_bits_g => 25, sum_bits_g => 48, code_bits_g => 9,
        shifts_g => shifts_c, lows_g => lows_c, highs_g => highs_c, shared_g => true,
        fast_g => k = 0)
      port map (clk => clk, rst => '0', in_valid => turn_valid, in_part => turn_part,
        acc => turn_acc, multiplier => turn_multiplier, residual => residual, gain => turn_gain,
        offset => offset, bias => bias, scale => scale, out_valid => turned_valid(k),
        result => turned(k));
  end generate;

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

    -- what compute has just found, with a residual in two cycles, else in one
    procedure take_turns is
    begin
      turn_valid <= '1';
      if gain /= 0 then
        turn_part <= '1';
        turn_acc <= (others => 0);
        turn_multiplier <= residual;
        turn_gain <= gain;
        tick;
      end if;
      turn_part <= '0';
      turn_acc <= acc;
      turn_multiplier <= multiplier;
      turn_gain <= 0;
      tick;
      turn_valid <= '0';
      tick;
      assert turned_valid = "00" report "a turn too early" severity failure;
      tick;
      assert turned_valid = "11" report "a turn too late" severity failure;
      for k in turned'range loop
        assert turned(k)(0) = fast_result(0)
          and (turned(k)(1) = fast_result(1) or highs_c(scale) > 255)
          report "turns differ: " & integer'image(turned(k)(0)) & " in the place of " &
            integer'image(fast_result(0)) severity failure;
      end loop;
      tick;
      assert turned_valid = "00" report "one result too many" severity failure;
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
      assert fast_result(0) = slow_result(0)
        and (fast_result(1) = slow_result(1) or highs_c(scale) > 255)
        report "bodies differ: " & integer'image(fast_result(0)) & " and " &
          integer'image(slow_result(0)) & " for acc " & integer'image(acc(0)) & " M " &
          integer'image(multiplier(0)) & " h " & integer'image(residual(0)) & " G " &
          integer'image(gain) & " B " & integer'image(bias(0).high) & ":" &
          integer'image(bias(0).low) & " shift " & integer'image(shifts_c(scale)) severity failure;
      checked := checked + 1;
      if offset = (offset'range => 0) then
        take_turns;
      end if;
    end procedure;

    procedure expect(a, m, b_high, b_low, s, want : integer) is
    begin
      acc <= (others => a);
      multiplier <= (others => m);
      residual <= (others => 0);
      gain <= 0;
      bias <= (others => (high => b_high, low => b_low));
      scale <= s;
      compute;
      assert fast_result(0) = want
        report "acc " & integer'image(a) & ": " & integer'image(fast_result(0)) & " instead of " &
          integer'image(want) severity failure;
    end procedure;
  begin
    -- ties round up at either sign: (2k + 1) / 2 with the half in the bias
    for k in -5 to 4 loop
      expect(2 * k + 1, 1, 0, 1, 0, k + 1);
    end loop;
    -- both ends, from just inside to far outside; shift 7 with half 64
    expect(127 * 128 + 63, 1, 0, 64, 1, 127);
    expect(127 * 128 + 64, 1, 0, 64, 1, 127);
    expect(-128 * 128 - 64, 1, 0, 64, 1, -128);
    expect(-128 * 128 - 65, 1, 0, 64, 1, -128);
    expect(8388607, 131071, 0, 64, 1, 127);
    expect(-8388608, 131071, 0, 64, 1, -128);
    expect(8388607, 131071, 2**30, 0, 6, 32767);
    expect(8388607, 131071, 2**30, 0, 5, 127);
    expect(-1, 131071, 0, 0, 3, 0);
    expect(-1, 131071, 0, 0, 4, -1);
    -- a narrow range's lower end, and unsigned ones
    expect(-63 * 2, 1, 0, 0, 15, -63);
    expect(-64 * 2, 1, 0, 0, 15, -63);
    expect(-64 * 2 - 1, 1, 0, 0, 15, -63);
    expect(-62 * 2, 1, 0, 0, 15, -62);
    expect(3 * 65536 + 65535, 1, 0, 0, 9, 3);
    expect(4 * 65536, 1, 0, 0, 9, 3);
    expect(-65536, 1, 0, 0, 9, 0);
    expect(-1, 1, 0, 0, 14, -1);
    expect(8388607, 1, 0, 0, 14, 0);
    for i in 1 to count_g loop
      for l in 0 to lanes_c - 1 loop
        acc(l) <= random(-2**23, 2**23 - 1);
        multiplier(l) <= random(0, 2**17 - 1);
        residual(l) <= random(-128, 127);
        bias(l) <= (high => random(-2**29, 2**29), low => random(0, 65535));
      end loop;
      gain <= random(-2**24 + 1, 2**24 - 1);
      offset <= (others => 0);
      if i mod 3 = 0 then
        gain <= 0;
        for l in 0 to lanes_c - 1 loop
          offset(l) <= random(-2**24, 2**24 - 1);
        end loop;
      end if;
      if i mod 2 = 0 then
        for l in 0 to lanes_c - 1 loop
          acc(l) <= random(-300, 300);
          bias(l).high <= random(-2, 2);
        end loop;
      end if;
      scale <= random(0, shifts_c'length - 1);
      compute;
    end loop;
    std.textio.write(std.textio.output,
      "requantiser_tb: PASS " & integer'image(checked) & " results" & LF);
    wait;
  end process;
end architecture;
