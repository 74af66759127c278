-- SPDX-License-Identifier: Apache-2.0
-- Dot product of terms_g terms in LUTs, accumulated: Booth rows in the order digit, then term, two
-- rows a pipeline stage. Every row takes its operand at its own stage, so the tile delays operands
-- once for all lanes. The digits of a weight weigh 4**i: after each digit two finished bits leave.
--
-- The rows make the negative dot product, whose range is one bit narrower (a digit of -2 meets the
-- lowest x), and the accumulator the complement of the sum. A partial sum is stored with an offset
-- that makes it unsigned; it starts small, grows by 2**x_bits_g with each raised row, and is half
-- the range, that is one inverted bit, when a digit is done.
--
-- Timing: row r reads x and digits in cycle r/2; the accumulator takes the sum ceil(rows/2) cycles after
-- the operands of row 0, in the cycle in which enable and first are given.
library ieee;
use ieee.std_logic_1164.all;
use ieee.numeric_std.all;
use work.arithmetic_pkg.all;

entity dot_lane is
  generic (
    terms_g    : positive;
    x_bits_g   : positive range 2 to 9;
    w_bits_g   : positive;
    acc_bits_g : positive);
  port (
    clk     : in  std_logic;
    x       : in  std_logic_vector(terms_g * ((w_bits_g + 1) / 2) * x_bits_g - 1 downto 0); -- (row)
    digits  : in  std_logic_vector(terms_g * ((w_bits_g + 1) / 2) * 3 - 1 downto 0);        -- (row)
    enable  : in  std_logic;
    first   : in  std_logic;
    acc_not : out std_logic_vector(acc_bits_g - 1 downto 0)); -- complement of the sum
end entity;

architecture rtl of dot_lane is
  constant digits_c : positive := (w_bits_g + 1) / 2;
  constant rows_c   : positive := terms_g * digits_c;
  constant stages_c : positive := (rows_c + 1) / 2;
  constant whole_c  : positive := x_bits_g + 1 + clog2(terms_g); -- bits of a sum when a digit is done
  constant half_c   : positive := 2**(whole_c - 1);
  constant step_c   : positive := 2**x_bits_g;
  type sums_t is array (0 to rows_c - 1) of std_logic_vector(whole_c - 1 downto 0);

  -- Bits in which what a digit leaves to the next is extended so that raised rows can start.
  constant entry_c  : positive := larger(whole_c - 2, x_bits_g + 1);

  -- Offset before the first row of a digit, and how many of its rows are raised to end at half_c.
  function start(digit : natural) return natural is
  begin
    if digit = 0 then
      return half_c - terms_g * step_c;
    elsif entry_c < whole_c and half_c <= 2**(entry_c - 1) + terms_g * step_c then
      return 2**(entry_c - 1);
    end if;
    return half_c;
  end function;

  function raised(r : natural) return boolean is
    constant digit : natural := r / terms_g;
  begin
    return start(digit) + (r mod terms_g + 1) * step_c <= half_c;
  end function;

  -- Bits of the sum with its offset after row r: a term is less than 2**x_bits_g once this digit is
  -- in, and less than a quarter of that before.
  function bits_after(r : natural) return positive is
    constant digit : natural := r / terms_g;
    constant done  : positive := r mod terms_g + 1;
    variable most  : natural := smaller(start(digit) + done * step_c, half_c) + done * step_c - 1;
  begin
    if digit > 0 then
      most := most + (terms_g - done) * (step_c / 4);
    end if;
    return smaller(larger(clog2(most + 1), x_bits_g + 1), whole_c);
  end function;

  constant sum_c    : positive := whole_c + 2 * (digits_c - 1);
  signal into, made, kept : sums_t;
  type low_t is array (0 to digits_c) of std_logic_vector(1 downto 0);
  signal low    : low_t; -- the finished bits of a digit, in the last stage
  signal finish : std_logic_vector(sum_c - 1 downto 0);
begin
  into(0) <= std_logic_vector(to_unsigned(start(0), whole_c));
  rows : for r in 0 to rows_c - 1 generate
    constant out_c : positive := bits_after(r);
  begin
    row : entity work.booth_row
      generic map (x_bits_g => x_bits_g, y_bits_g => out_c, raised_g => raised(r),
        signed_g => r = rows_c - 1)
      port map (x => x((r + 1) * x_bits_g - 1 downto r * x_bits_g),
        digit => digits((r + 1) * 3 - 1 downto r * 3), sum => into(r)(out_c - 1 downto 0),
        y => made(r)(out_c - 1 downto 0));
    filled : if out_c < whole_c generate
      made(r)(whole_c - 1 downto out_c) <= (others => '0');
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

    following : if (r + 1) mod terms_g /= 0 generate
      into(r + 1) <= kept(r);
    end generate;
    next_digit : if (r + 1) mod terms_g = 0 and r /= rows_c - 1 generate
      constant delay_c : natural := stages_c - (r + 1) / 2;
      constant to_c    : positive := clog2(start((r + 1) / terms_g)) + 1;
      type delay_t is array (0 to delay_c) of std_logic_vector(1 downto 0);
      signal delay : delay_t;
    begin
      -- wider, an offset of half the range is the top bit and the inverted ones below
      places : for i in 0 to whole_c - 1 generate
        finished : if i < whole_c - 3 or (i = whole_c - 3 and to_c = whole_c - 2) generate
          into(r + 1)(i) <= kept(r)(i + 2);
        end generate;
        extended : if i >= whole_c - 3 and i < to_c - 1 generate
          into(r + 1)(i) <= not kept(r)(whole_c - 1);
        end generate;
        top : if i = to_c - 1 and to_c > whole_c - 2 generate
          into(r + 1)(i) <= kept(r)(whole_c - 1);
        end generate;
        above : if i >= to_c generate
          into(r + 1)(i) <= '0';
        end generate;
      end generate;
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
  finish(sum_c - 1 downto 2 * (digits_c - 1)) <= kept(rows_c - 1);

  total : entity work.accumulator
    generic map (p_bits_g => smaller(sum_c, acc_bits_g), acc_bits_g => acc_bits_g, start_g => '1')
    port map (clk => clk, enable => enable, first => first,
      p => finish(smaller(sum_c, acc_bits_g) - 1 downto 0), carry => '0', acc => acc_not);
end architecture;
