-- SPDX-License-Identifier: Apache-2.0
-- A table, a RAM with a registered read, one with contents and an asynchronous read, one of single bits;
-- a depth that is no power of two; a register read at a computed place.
library ieee;
use ieee.std_logic_1164.all;
use ieee.numeric_std.all;

entity memories is
  port (
    clk : in  std_logic;
    a   : in  std_logic_vector(63 downto 0);
    y   : out std_logic_vector(63 downto 0));
end entity;

architecture rtl of memories is
  type table_t is array (0 to 31) of signed(8 downto 0);
  function fill return table_t is
    variable t : table_t;
  begin
    for i in t'range loop
      t(i) := to_signed((i * i * 7) mod 511 - 255, 9);
    end loop;
    return t;
  end function;
  constant table_c : table_t := fill;
  type words_t is array (0 to 15) of std_logic_vector(11 downto 0);
  signal words : words_t := (others => (others => '0'));
  type few_t is array (0 to 9) of unsigned(3 downto 0);
  signal few   : few_t := (0 => x"a", 3 => x"7", others => x"5");
  type flags_t is array (0 to 7) of std_logic_vector(0 downto 0);
  signal flags : flags_t := (others => "1");
  signal row   : std_logic_vector(11 downto 0) := (others => '0');
  signal flag  : std_logic_vector(0 downto 0) := "0";
  signal entry : signed(8 downto 0) := (others => '0');
  signal bits  : std_logic_vector(15 downto 0) := (others => '0');
  signal place : natural range 0 to 9;
begin
  place <= to_integer(unsigned(a(15 downto 13)));
  process (clk)
  begin
    if rising_edge(clk) then
      entry <= table_c(to_integer(unsigned(a(4 downto 0))));
      row <= words(to_integer(unsigned(a(8 downto 5))));
      if a(9) = '1' then
        words(to_integer(unsigned(a(13 downto 10)))) <= a(35 downto 24);
      end if;
      if a(10) = '1' then
        few(place) <= unsigned(a(39 downto 36));
      end if;
      flag <= flags(to_integer(unsigned(a(42 downto 40))));
      if a(43) = '1' then
        flags(to_integer(unsigned(a(46 downto 44)))) <= a(47 downto 47);
      end if;
      bits <= bits(11 downto 0) & a(51 downto 48);
    end if;
  end process;
  y <= std_logic_vector(entry) & row & std_logic_vector(few(place)) & flag & bits &
       (0 => bits(to_integer(unsigned(a(56 downto 53))))) & "000" & x"0000" & "00";
end architecture;
