-- SPDX-License-Identifier: Apache-2.0
-- Runs the accelerator on the windows of golden.txt and compares y: number of windows, then for each
-- the codes of x and the codes of y, one a line. sevencast-build runs it for every package.
-- Two windows in turn, the second one written while the first is computed.
library ieee;
use ieee.std_logic_1164.all;
use std.textio.all;
use work.variant_pkg.all;

entity golden_tb is
end entity;

architecture test of golden_tb is
  signal clk, rst       : std_logic := '0';
  signal window_we      : std_logic := '0';
  signal window_buffer, start_buffer : natural range 0 to 1 := 0;
  signal window_addr    : natural range 0 to window_c * features_c - 1 := 0;
  signal window_data    : integer range -128 to 127 := 0;
  signal start_valid    : std_logic := '0';
  signal start_ready    : std_logic;
  signal y_valid, y_last : std_logic;
  signal y_data         : integer range -32768 to 32767;
begin
  dut : entity work.accelerator
    port map (clk => clk, rst => rst, window_we => window_we, window_buffer => window_buffer,
      window_addr => window_addr, window_data => window_data, start_valid => start_valid,
      start_buffer => start_buffer, start_ready => start_ready, y_valid => y_valid,
      y_last => y_last, y_data => y_data, tap_enable => '0', tap_tensor => 0, tap_layer => 0,
      tap_row => 0, tap_valid => open, tap_index => open, tap_data => open);

  drive : process
    constant limit_c  : positive := 1000000;
    constant codes_c  : positive := window_c * features_c;
    type codes_t is array (0 to codes_c - 1) of integer;
    type results_t is array (0 to outputs_c - 1) of integer;
    type bank_t is array (0 to 1) of codes_t;
    type result_bank_t is array (0 to 1) of results_t;
    file golden       : text;
    variable text_line : line;
    variable windows, cycles, first_cycles, elements, written : natural := 0;
    variable x        : bank_t;
    variable y        : result_bank_t;
    variable ended    : boolean;

    impure function next_number return integer is
      variable value : integer;
    begin
      readline(golden, text_line);
      read(text_line, value);
      return value;
    end function;

    procedure load(which : natural) is
    begin
      for i in 0 to codes_c - 1 loop
        x(which)(i) := next_number;
      end loop;
      for i in 0 to outputs_c - 1 loop
        y(which)(i) := next_number;
      end loop;
    end procedure;

    procedure tick is
    begin
      wait for 5 ns;
      clk <= '1';
      wait for 5 ns;
      clk <= '0';
    end procedure;

    procedure put(which, index : natural) is
    begin
      window_we <= '1';
      window_buffer <= which;
      window_addr <= index;
      window_data <= x(which)(index);
    end procedure;
  begin
    file_open(golden, "golden.txt", read_mode);
    windows := next_number;
    rst <= '1';
    tick;
    rst <= '0';
    load(0);
    for i in 0 to codes_c - 1 loop
      put(0, i);
      tick;
    end loop;
    window_we <= '0';
    for w in 0 to windows - 1 loop
      tick;
      assert start_ready = '1' report "golden_tb: not ready to start" severity failure;
      start_valid <= '1';
      start_buffer <= w mod 2;
      tick;
      start_valid <= '0';
      cycles := 0; -- counted between edges, as rtl/sys does
      written := 0;
      ended := false;
      if w + 1 < windows then
        load((w + 1) mod 2);
      else
        written := codes_c;
      end if;
      for k in 0 to outputs_c - 1 loop
        ended := false;
        while not ended loop
          window_we <= '0';
          if written < codes_c then
            put((w + 1) mod 2, written);
            written := written + 1;
          end if;
          tick;
          cycles := cycles + 1;
          ended := y_valid = '1';
          assert cycles < limit_c report "golden_tb: hangs" severity failure;
        end loop;
        assert y_data = y(w mod 2)(k)
          report "golden_tb: window " & integer'image(w) & " y(" & integer'image(k) & ") is " &
            integer'image(y_data) & " instead of " & integer'image(y(w mod 2)(k)) severity failure;
        elements := elements + 1;
      end loop;
      assert y_last = '1' report "golden_tb: y_last is missing" severity failure;
      if w = 0 then
        first_cycles := cycles;
      end if;
      assert cycles = first_cycles report "golden_tb: cycles differ between windows" severity failure;
      while written < codes_c loop
        put((w + 1) mod 2, written);
        written := written + 1;
        tick;
      end loop;
      window_we <= '0';
    end loop;
    report "golden_tb: PASS " & integer'image(elements) & " elements " & integer'image(cycles) &
      " cycles" severity note;
    wait;
  end process;
end architecture;
