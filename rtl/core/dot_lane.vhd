-- SPDX-License-Identifier: Apache-2.0
-- Dot product of terms_g terms in LUTs, accumulated: Booth rows in the order digit, then term, two
-- rows a pipeline stage. Every row takes its operand at its own stage, so the tile delays operands
-- once for all lanes. The digits of a weight weigh 4**i: after each digit two finished bits leave.
--
-- Timing: row r reads x and digits in cycle r/2; the accumulator takes the sum ceil(rows/2) cycles after
-- the operands of row 0, in the cycle in which enable and first are given.
library ieee;
use ieee.std_logic_1164.all;
use work.arithmetic_pkg.all;

entity dot_lane is
  generic (
    terms_g    : positive;
    x_bits_g   : positive;
    w_bits_g   : positive;
    acc_bits_g : positive);
  port (
    clk    : in  std_logic;
    x      : in  std_logic_vector(terms_g * ((w_bits_g + 1) / 2) * x_bits_g - 1 downto 0); -- (row)
    digits : in  std_logic_vector(terms_g * ((w_bits_g + 1) / 2) * 3 - 1 downto 0);        -- (row)
    enable : in  std_logic;
    first  : in  std_logic;
    acc    : out std_logic_vector(acc_bits_g - 1 downto 0));
end entity;

architecture rtl of dot_lane is
  constant digits_c : positive := (w_bits_g + 1) / 2;
  constant rows_c   : positive := terms_g * digits_c;
  constant stages_c : positive := (rows_c + 1) / 2;
  constant wide_c   : positive := x_bits_g + 2 + clog2(terms_g + 2) + 1;
  type sums_t is array (0 to rows_c) of std_logic_vector(wide_c - 1 downto 0);

  -- Largest magnitude after row r; before it when shifted for its digit.
  function magnitude(r : integer; shifted : boolean) return natural is
    variable m : natural := 0;
  begin
    for i in 0 to r loop
      if i > 0 and i mod terms_g = 0 then
        m := m / 4 + 1;
      end if;
      if i < r or not shifted then
        m := m + 2**x_bits_g;
      end if;
    end loop;
    return m;
  end function;

  function bits_for(m : natural) return positive is
    variable bits : positive := 1;
  begin
    while 2**(bits - 1) - 1 < m loop
      bits := bits + 1;
    end loop;
    return bits;
  end function;

  constant top_c    : positive := larger(bits_for(magnitude(rows_c - 1, false)), x_bits_g + 1);
  constant sum_c    : positive := top_c + 2 * (digits_c - 1);
  signal into, made, kept : sums_t;
  type low_t is array (0 to digits_c) of std_logic_vector(1 downto 0);
  signal low    : low_t; -- the finished bits of a digit, in the last stage
  signal finish : std_logic_vector(sum_c - 1 downto 0);
begin
  into(0) <= (others => '0');
  rows : for r in 0 to rows_c - 1 generate
    constant in_c  : positive := bits_for(magnitude(r, true));
    constant out_c : positive := larger(bits_for(magnitude(r, false)), x_bits_g + 1);
  begin
    row : entity work.booth_row
      generic map (x_bits_g => x_bits_g, sum_bits_g => in_c, y_bits_g => out_c)
      port map (x => x((r + 1) * x_bits_g - 1 downto r * x_bits_g),
        digit => digits((r + 1) * 3 - 1 downto r * 3), sum => into(r)(in_c - 1 downto 0),
        y => made(r)(out_c - 1 downto 0));
    filled : if out_c < wide_c generate
      made(r)(wide_c - 1 downto out_c) <= (others => made(r)(out_c - 1));
    end generate;

    registered : if r mod 2 = 1 or r = rows_c - 1 generate
      process (clk)
      begin
        if rising_edge(clk) then
          kept(r) <= made(r);
        end if;
      end process;
    end generate;
    passed : if r mod 2 = 0 and r /= rows_c - 1 generate
      kept(r) <= made(r);
    end generate;

    following : if (r + 1) mod terms_g /= 0 or r = rows_c - 1 generate
      into(r + 1) <= kept(r);
    end generate;
    next_digit : if (r + 1) mod terms_g = 0 and r /= rows_c - 1 generate
      constant delay_c : natural := stages_c - (r + 1) / 2;
      type delay_t is array (0 to delay_c) of std_logic_vector(1 downto 0);
      signal delay : delay_t;
    begin
      into(r + 1) <= (1 downto 0 => kept(r)(wide_c - 1)) & kept(r)(wide_c - 1 downto 2);
      delay(0) <= kept(r)(1 downto 0);
      steps : for k in 1 to delay_c generate
        process (clk)
        begin
          if rising_edge(clk) then
            delay(k) <= delay(k - 1);
          end if;
        end process;
      end generate;
      low((r + 1) / terms_g - 1) <= delay(delay_c);
    end generate;
  end generate;

  lows : for i in 0 to digits_c - 2 generate
    finish(2 * i + 1 downto 2 * i) <= low(i);
  end generate;
  finish(sum_c - 1 downto 2 * (digits_c - 1)) <= kept(rows_c - 1)(top_c - 1 downto 0);

  narrow : if sum_c < acc_bits_g generate
    total : entity work.accumulator
      generic map (p_bits_g => sum_c, acc_bits_g => acc_bits_g)
      port map (clk => clk, enable => enable, first => first, p => finish, acc => acc);
  end generate;
  wide : if sum_c >= acc_bits_g generate
    total : entity work.accumulator
      generic map (p_bits_g => acc_bits_g, acc_bits_g => acc_bits_g)
      port map (clk => clk, enable => enable, first => first,
        p => finish(acc_bits_g - 1 downto 0), acc => acc);
  end generate;
end architecture;
