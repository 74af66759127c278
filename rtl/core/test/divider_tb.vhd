-- SPDX-License-Identifier: Apache-2.0
-- Serial and pipelined dividers, and the pipelined one's netlist, against integer division: every
-- divisor with the dividends around the multiples that decide a bit, then random ones as fast as
-- each divider takes them.
library ieee;
use ieee.std_logic_1164.all;
use ieee.math_real.all;

entity divider_tb is
  generic (
    seed_g  : positive := 1;
    count_g : positive := 3000);
end entity;

architecture test of divider_tb is
  constant dividend_bits_c : positive := 24;
  constant divisor_bits_c  : positive := 13;
  constant quotient_bits_c : positive := 17;
  signal clk        : std_logic := '0';
  signal valid      : std_logic := '0';
  signal ready      : std_logic_vector(0 to 2);
  signal dividend   : natural range 0 to 2**dividend_bits_c - 1 := 0;
  signal divisor    : natural range 0 to 2**divisor_bits_c - 1 := 1;
  signal out_valid  : std_logic_vector(0 to 2);
  type quotients_t is array (0 to 2) of natural range 0 to 2**quotient_bits_c - 1;
  signal quotient   : quotients_t;
  signal serial_valid : std_logic;
begin
  -- all get what the serial one can take
  serial_valid <= valid and ready(0);
  kinds : for k in 0 to 2 generate
    dut : entity work.divider
      generic map (pipelined_g => k > 0, dividend_bits_g => dividend_bits_c,
        divisor_bits_g => divisor_bits_c, quotient_bits_g => quotient_bits_c, fast_g => k < 2)
      port map (clk => clk, rst => '0', in_valid => serial_valid, in_ready => ready(k),
        dividend => dividend, divisor => divisor, out_valid => out_valid(k),
        quotient => quotient(k));
  end generate;

  process
    variable seed_1  : positive := seed_g;
    variable seed_2  : positive := 4242;
    variable checked : natural := 0;
    variable x       : real;
    variable z, want : natural;

    procedure tick is
    begin
      wait for 5 ns;
      clk <= '1';
      wait for 5 ns;
      clk <= '0';
    end procedure;

    procedure divide(n, d : natural) is
      variable waited : natural := 0;
    begin
      if n >= 2**dividend_bits_c or n / d >= 2**quotient_bits_c then
        return;
      end if;
      dividend <= n;
      divisor <= d;
      valid <= '1';
      tick;
      valid <= '0';
      while out_valid /= "111" loop
        tick;
        waited := waited + 1;
        assert waited <= quotient_bits_c and (out_valid = "000" or out_valid = "111")
          report "divider_tb: not after " & integer'image(quotient_bits_c) & " cycles"
          severity failure;
      end loop;
      assert waited = quotient_bits_c report "divider_tb: too early" severity failure;
      for k in 0 to 2 loop
        assert quotient(k) = n / d
          report "divider_tb: " & integer'image(n) & " / " & integer'image(d) & " is " &
            integer'image(quotient(k)) & " in divider " & integer'image(k) severity failure;
      end loop;
      tick;
      checked := checked + 1;
    end procedure;
  begin
    tick;
    for d in 1 to 255 loop
      for q in 1 to 3 loop
        divide(q * d - 1, d);
        divide(q * d, d);
      end loop;
      divide(d * (2**quotient_bits_c - 1), d);
      divide(d * (2**quotient_bits_c - 1) - 1, d);
    end loop;
    for i in 1 to count_g loop
      uniform(seed_1, seed_2, x);
      z := 1 + integer(floor(x * real(2**divisor_bits_c - 1)));
      uniform(seed_1, seed_2, x);
      want := integer(floor(x * real(2**dividend_bits_c)));
      divide(want, z);
    end loop;
    std.textio.write(std.textio.output,
      "divider_tb: PASS " & integer'image(checked) & " quotients" & LF);
    wait;
  end process;
end architecture;
