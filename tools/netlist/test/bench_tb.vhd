-- SPDX-License-Identifier: Apache-2.0
-- Runs one sample for cycles_g clocks on random words and writes its output, a line a cycle, in the
-- same way as bench.cpp does with the netlist. The script puts an instance of every sample in the place
-- of the marker, and sample_g chooses one.
library ieee;
use ieee.std_logic_1164.all;
use ieee.numeric_std.all;
use std.textio.all;

entity bench_tb is
  generic (
    cycles_g : positive := 2000;
    sample_g : string   := "none";
    output_g : string   := "none");
end entity;

architecture bench of bench_tb is
  signal clk  : std_logic := '0';
  signal a, y : std_logic_vector(63 downto 0) := (others => '0');

  -- xorshift64: three shifts, the same words in bench.cpp
  function next_word(word : unsigned(63 downto 0)) return unsigned is
    variable x : unsigned(63 downto 0) := word;
  begin
    x := x xor shift_left(x, 13);
    x := x xor shift_right(x, 7);
    x := x xor shift_left(x, 17);
    return x;
  end function;
begin
  -- INSTANCES

  process
    file output     : text open write_mode is output_g;
    variable text_v : line;
    variable word   : unsigned(63 downto 0) := x"2545f4914f6cdd1d";
  begin
    for i in 1 to cycles_g loop
      word := next_word(word);
      a <= std_logic_vector(word);
      wait for 5 ns;
      clk <= '1';
      wait for 5 ns;
      clk <= '0';
      wait for 5 ns;
      hwrite(text_v, y);
      writeline(output, text_v);
    end loop;
    wait;
  end process;
end architecture;
