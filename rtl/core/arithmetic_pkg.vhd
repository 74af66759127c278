-- SPDX-License-Identifier: Apache-2.0
-- The arithmetic that every entity of the core shares. docs/arithmetic.md defines it; this package
-- is its only VHDL form.
--
-- Two bodies of the same function exist where a simulator and a synthesiser want opposite things:
-- numeric_std products cost 16 us a piece under GHDL, and an integer cannot hold 48 bits. Entities
-- choose by the generic fast_g; the unit benches hold both bodies to the same vectors.
library ieee;
use ieee.std_logic_1164.all;
use ieee.numeric_std.all;

package arithmetic_pkg is
  type int_array_t is array (natural range <>) of integer;
  type word_array_t is array (natural range <>) of std_logic_vector;

  -- 48 signed bits: value = high * 2**16 + low.
  constant wide_bits_c : positive := 48;
  type wide_t is record
    high : integer;
    low  : natural range 0 to 65535;
  end record;
  type wide_array_t is array (natural range <>) of wide_t;
  constant wide_zero_c : wide_t := (high => 0, low => 0);

  function clog2(n : positive) return natural;
  function ceil_div(a, b : positive) return positive;
  function larger(a, b : integer) return integer;
  function smaller(a, b : integer) return integer;
  function common_divisor(a, b : positive) return positive; -- the greatest
  -- Last index of n things, at least 1: a range of one value has no bits, and no netlist can hold it.
  function last_of(n : positive) return positive;
  -- The power of two that n things fit in, at least 2: what the bits of an address can name.
  function span_of(n : positive) return positive;

  -- words words of the contents from first, bits bits of each from low, zeros up to depth; descending.
  function rom_part(contents : word_array_t; first, words, low, bits, depth : natural)
    return word_array_t;
  -- Whether a ROM of those words of bits bits, descending, keeps them inverted: GHDL's synthesis makes zeros of a
  -- constant of 64, 96, ... bits of which only the highest 32 are not zero, and of an inverted one it does not.
  function keeps_inverted(contents : word_array_t; bits : positive) return boolean;
  function kept(contents : word_array_t; bits : positive) return word_array_t; -- as such a ROM keeps them; descending

  -- One field of a word as an integer; bits counted from the right.
  function field_signed(word : std_logic_vector; low, bits : natural; fast : boolean) return integer;
  function field_natural(word : std_logic_vector; low, bits : natural; fast : boolean) return natural;
  function field_wide(word : std_logic_vector; low, bits : natural; fast : boolean) return wide_t;

  -- Exact in pieces of 31 bits: |a| < 2**24, |b| < 2**17.
  function product_fast(a, b : integer) return wide_t;
  function sum_fast(a, b : wide_t) return wide_t;
  -- floor(a / 2**shift), saturated to [low, high]; 1 <= shift <= 40, both bounds within 17 bits.
  function scale_fast(a : wide_t; shift : natural; low, high : integer) return integer;

  subtype wide_bits_t is signed(wide_bits_c - 1 downto 0);
  function to_bits(a : wide_t) return wide_bits_t;
end package;

package body arithmetic_pkg is
  function clog2(n : positive) return natural is
    variable bits : natural := 0;
    variable rest : natural := n - 1;
  begin
    while rest > 0 loop
      bits := bits + 1;
      rest := rest / 2;
    end loop;
    return bits;
  end function;

  function ceil_div(a, b : positive) return positive is
  begin
    return (a + b - 1) / b; -- lint: allow division because only constants are divided
  end function;

  function smaller(a, b : integer) return integer is
  begin
    if a < b then
      return a;
    end if;
    return b;
  end function;

  function larger(a, b : integer) return integer is
  begin
    if a > b then
      return a;
    end if;
    return b;
  end function;

  function common_divisor(a, b : positive) return positive is
    variable x : positive := a;
    variable y : positive := b;
  begin
    while x /= y loop
      if x > y then
        x := x - y;
      else
        y := y - x;
      end if;
    end loop;
    return x;
  end function;

  function last_of(n : positive) return positive is
  begin
    return larger(n - 1, 1);
  end function;

  function rom_part(contents : word_array_t; first, words, low, bits, depth : natural)
    return word_array_t is
    variable part : word_array_t(depth - 1 downto 0)(bits - 1 downto 0) :=
      (others => (others => '0'));
  begin
    for i in 0 to words - 1 loop
      part(i) := contents(first + i)(low + bits - 1 downto low);
    end loop;
    return part;
  end function;

  function keeps_inverted(contents : word_array_t; bits : positive) return boolean is
    constant all_c  : positive := contents'length * bits;
    variable at     : natural := 0;
  begin
    if all_c mod 32 /= 0 or all_c <= 32 then
      return false;
    end if;
    for i in contents'low to contents'high loop
      for b in 0 to bits - 1 loop
        if contents(i)(b) = '1' then
          return false;
        end if;
        at := at + 1;
        if at = all_c - 32 then
          return true;
        end if;
      end loop;
    end loop;
    return true;
  end function;

  function kept(contents : word_array_t; bits : positive) return word_array_t is
    variable memory : word_array_t(contents'length - 1 downto 0)(bits - 1 downto 0) := contents;
  begin
    if keeps_inverted(contents, bits) then
      for i in memory'range loop
        memory(i) := not memory(i);
      end loop;
    end if;
    return memory;
  end function;

  function span_of(n : positive) return positive is
  begin
    return 2**clog2(larger(n, 2));
  end function;

  function field_signed(word : std_logic_vector; low, bits : natural; fast : boolean) return integer is
    variable value : integer := 0;
  begin
    if not fast then
      return to_integer(signed(word(low + bits - 1 downto low)));
    end if;
    if word(low + bits - 1) = '1' then
      value := -1;
    end if;
    for i in low + bits - 2 downto low loop
      value := 2 * value;
      if word(i) = '1' then
        value := value + 1;
      end if;
    end loop;
    return value;
  end function;

  function field_natural(word : std_logic_vector; low, bits : natural; fast : boolean) return natural is
    variable value : natural := 0;
  begin
    if not fast then
      return to_integer(unsigned(word(low + bits - 1 downto low)));
    end if;
    for i in low + bits - 1 downto low loop
      value := 2 * value;
      if word(i) = '1' then
        value := value + 1;
      end if;
    end loop;
    return value;
  end function;

  function field_wide(word : std_logic_vector; low, bits : natural; fast : boolean) return wide_t is
    variable value : wide_t;
  begin
    if bits > 16 then
      value.low := field_natural(word, low, 16, fast);
      value.high := field_signed(word, low + 16, bits - 16, fast);
    elsif word(low + bits - 1) = '1' then
      value.low := field_natural(word, low, bits, fast) + (2**16 - 2**bits);
      value.high := -1;
    else
      value.low := field_natural(word, low, bits, fast);
      value.high := 0;
    end if;
    return value;
  end function;

  function product_fast(a, b : integer) return wide_t is
    constant a_low  : natural := a mod 4096;
    constant a_high : integer := (a - a_low) / 4096;
    constant p_low  : integer := a_low * b;
    constant p_high : integer := a_high * b;
    constant p_mod  : natural := p_low mod 65536;
    constant q_mod  : natural := p_high mod 16;
    variable low    : natural;
    variable value  : wide_t;
  begin
    low := q_mod * 4096 + p_mod;
    value.low := low mod 65536;
    value.high := (p_high - q_mod) / 16 + (p_low - p_mod) / 65536 + low / 65536;
    return value;
  end function;

  function sum_fast(a, b : wide_t) return wide_t is
    constant low   : natural := a.low + b.low;
    variable value : wide_t;
  begin
    value.low := low mod 65536;
    value.high := a.high + b.high + low / 65536;
    return value;
  end function;

  function scale_fast(a : wide_t; shift : natural; low, high : integer) return integer is
    variable divisor : positive;
    variable rest    : natural;
    variable value   : integer;
  begin
    if shift >= 16 then
      divisor := 2**(shift - 16);
      -- lint: allow division because the fast body is never synthesised
      rest := a.high mod divisor;
      -- lint: allow division because the fast body is never synthesised
      value := (a.high - rest) / divisor;
    else
      divisor := 2**shift;
      -- a quotient of 2**17 saturates whatever the bounds: the product below cannot overflow
      if a.high >= 2**(shift + 1) then
        value := high;
      elsif a.high < -2**(shift + 1) then
        value := low;
      else
        -- lint: allow division because the fast body is never synthesised
        value := a.high * 2**(16 - shift) + a.low / divisor;
      end if;
    end if;
    if value > high then
      return high;
    elsif value < low then
      return low;
    end if;
    return value;
  end function;

  function to_bits(a : wide_t) return wide_bits_t is
  begin
    return to_signed(a.high, 32) & signed(to_unsigned(a.low, 16));
  end function;
end package body;
