-- SPDX-License-Identifier: Apache-2.0
-- Bench of the accelerator. core_bench.c chooses windows and what to tap, knows the golden model
-- and judges; this file only drives the port. Ends by itself; a hang is a failure.
package core_bench_pkg is
  -- 0: ended; 1: run another inference
  function bench_next return integer;
  -- element of the window of this run
  function bench_code(index : integer) return integer;
  -- 0 buffer, 1 tensor, 2 layer, 3 row, 4 tap enable
  function bench_choice(which : integer) return integer;
  -- what came out; returns 0
  function bench_result(index, value : integer) return integer;
  function bench_tap(index, value : integer) return integer;
  function bench_done(cycles : integer) return integer;
  attribute foreign of bench_next : function is "VHPIDIRECT bench_next";
  attribute foreign of bench_code : function is "VHPIDIRECT bench_code";
  attribute foreign of bench_choice : function is "VHPIDIRECT bench_choice";
  attribute foreign of bench_result : function is "VHPIDIRECT bench_result";
  attribute foreign of bench_tap : function is "VHPIDIRECT bench_tap";
  attribute foreign of bench_done : function is "VHPIDIRECT bench_done";
end package;

package body core_bench_pkg is
  function bench_next return integer is
  begin
    report "bench_next: not linked" severity failure;
    return 0;
  end function;
  function bench_code(index : integer) return integer is
  begin
    report "bench_code: not linked" severity failure;
    return index;
  end function;
  function bench_choice(which : integer) return integer is
  begin
    report "bench_choice: not linked" severity failure;
    return which;
  end function;
  function bench_result(index, value : integer) return integer is
  begin
    report "bench_result: not linked" severity failure;
    return index + value;
  end function;
  function bench_tap(index, value : integer) return integer is
  begin
    report "bench_tap: not linked" severity failure;
    return index + value;
  end function;
  function bench_done(cycles : integer) return integer is
  begin
    report "bench_done: not linked" severity failure;
    return cycles;
  end function;
end package body;

library ieee;
use ieee.std_logic_1164.all;
use work.variant_pkg.all;
use work.core_bench_pkg.all;

entity core_tb is
end entity;

architecture test of core_tb is
  signal clk, rst       : std_logic := '0';
  signal window_we      : std_logic := '0';
  signal window_buffer, start_buffer : natural range 0 to 1 := 0;
  signal window_addr    : natural range 0 to window_c * features_c - 1 := 0;
  signal window_data    : integer range -128 to 127 := 0;
  signal start_valid    : std_logic := '0';
  signal start_ready    : std_logic;
  signal y_valid, y_last : std_logic;
  signal y_data         : integer range -32768 to 32767;
  signal tap_enable     : std_logic := '0';
  signal tap_tensor     : natural range 0 to 15 := 0;
  signal tap_layer      : natural range 0 to 1 := 0;
  signal tap_row        : natural range 0 to 255 := 0;
  signal tap_valid      : std_logic;
  signal tap_index      : natural range 0 to 255;
  signal tap_data       : integer range -32768 to 32767;
begin
  dut : entity work.accelerator
    port map (clk => clk, rst => rst, window_we => window_we, window_buffer => window_buffer,
      window_addr => window_addr, window_data => window_data, start_valid => start_valid,
      start_buffer => start_buffer, start_ready => start_ready, y_valid => y_valid,
      y_last => y_last, y_data => y_data, tap_enable => tap_enable, tap_tensor => tap_tensor,
      tap_layer => tap_layer, tap_row => tap_row, tap_valid => tap_valid, tap_index => tap_index,
      tap_data => tap_data);

  drive : process
    constant limit_c : positive := 1000000;
    constant settle_c : positive := 16; -- clocks after y_last in which the tap may still come
    variable cycles  : natural;
    variable elements : natural;
    variable ended   : boolean;
    variable ignored : integer;

    procedure tick is
    begin
      wait for 5 ns;
      clk <= '1';
      wait for 5 ns;
      clk <= '0';
    end procedure;
  begin
    rst <= '1';
    tick;
    tick;
    rst <= '0';
    while bench_next = 1 loop
      window_buffer <= bench_choice(0);
      start_buffer <= bench_choice(0);
      for i in 0 to window_c * features_c - 1 loop
        window_we <= '1';
        window_addr <= i;
        window_data <= bench_code(i);
        tick;
      end loop;
      window_we <= '0';
      tick;
      assert start_ready = '1' report "core_tb: not ready to start" severity failure;
      tap_tensor <= bench_choice(1);
      tap_layer <= bench_choice(2);
      tap_row <= bench_choice(3);
      tap_enable <= '0';
      if bench_choice(4) = 1 then
        tap_enable <= '1';
      end if;
      start_valid <= '1';
      tick;
      start_valid <= '0';
      cycles := 0; -- counted between edges, as rtl/sys does
      elements := 0;
      ended := false;
      while not ended loop
        tick;
        cycles := cycles + 1;
        if tap_valid = '1' then
          ignored := bench_tap(tap_index, tap_data);
        end if;
        if y_valid = '1' then
          ignored := bench_result(elements, y_data);
          elements := elements + 1;
          ended := y_last = '1';
        end if;
        assert cycles < limit_c report "core_tb: hangs" severity failure;
      end loop;
      if tap_enable = '1' then
        for i in 1 to settle_c loop
          tick;
          if tap_valid = '1' then
            ignored := bench_tap(tap_index, tap_data);
          end if;
        end loop;
      end if;
      ignored := bench_done(cycles);
      tick;
    end loop;
    wait;
  end process;
end architecture;
