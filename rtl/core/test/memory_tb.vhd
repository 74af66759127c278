-- SPDX-License-Identifier: Apache-2.0
-- Every kind of memory bank, of one piece and of more, against an array: random writes and reads at once, the old word when both
-- meet, read data that hold, zeros after an idle cycle.
library ieee;
use ieee.std_logic_1164.all;
use ieee.math_real.all;
use work.arithmetic_pkg.all;

entity memory_tb is
  generic (
    seed_g  : positive := 1;
    count_g : positive := 4000);
end entity;

architecture test of memory_tb is
  constant depth_c    : positive := 141; -- addresses; the shallow banks know their low bits
  constant shallow_c  : positive := 13;
  constant elements_c : positive := 3;
  constant bits_c     : positive := 5;
  type banks_t is array (0 to 7) of int_array_t(0 to elements_c - 1);
  signal clk          : std_logic := '0';
  signal write_enable, read_enable, idle : std_logic := '0';
  signal write_addr, read_addr : natural range 0 to depth_c - 1 := 0;
  signal write_data   : int_array_t(0 to elements_c - 1) := (others => 0);
  signal read_data    : banks_t;

  function kind(k : natural) return string is
  begin
    if k mod 2 = 0 then
      return "block";
    end if;
    return "distributed";
  end function;

  function depth(k : natural) return positive is
  begin
    if k < 4 then
      return shallow_c;
    end if;
    return depth_c;
  end function;
begin
  kinds : for k in 0 to 7 generate
    signal write_to : natural range 0 to depth(k) - 1;
    signal read_from : natural range 0 to depth(k) - 1;
  begin
    write_to <= write_addr mod depth(k);
    read_from <= read_addr mod depth(k);
    dut : entity work.memory_bank
      generic map (kind_g => kind(k), depth_g => depth(k), elements_g => elements_c,
        bits_g => bits_c, fast_g => k mod 4 > 1)
      port map (clk => clk, write_enable => write_enable, write_addr => write_to,
        write_data => write_data, read_enable => read_enable, idle => idle, read_addr => read_from,
        read_data => read_data(k));
  end generate;

  process
    type memory_t is array (0 to depth_c - 1) of int_array_t(0 to elements_c - 1);
    variable memory, shallow : memory_t := (others => (others => 0));
    variable want, want_shallow : int_array_t(0 to elements_c - 1) := (others => 0);
    variable seed_1  : positive := seed_g;
    variable seed_2  : positive := 99;
    variable checked : natural := 0;
    variable known   : boolean := false;

    impure function random(lowest, highest : integer) return integer is
      variable x : real;
    begin
      uniform(seed_1, seed_2, x);
      return lowest + integer(floor(x * real(highest - lowest + 1)));
    end function;
  begin
    for i in 1 to count_g loop
      write_enable <= '0';
      read_enable <= '0';
      idle <= '0';
      write_addr <= random(0, depth_c - 1);
      read_addr <= random(0, depth_c - 1);
      for e in 0 to elements_c - 1 loop
        write_data(e) <= random(-2**(bits_c - 1), 2**(bits_c - 1) - 1);
      end loop;
      if random(0, 1) = 1 then
        write_enable <= '1';
      end if;
      if random(0, 2) > 0 then
        read_enable <= '1';
      end if;
      if random(0, 4) = 0 then
        idle <= '1';
      end if;
      wait for 5 ns;
      if idle = '1' then
        want := (others => 0);
        want_shallow := (others => 0);
        known := true;
      elsif read_enable = '1' then
        want := memory(read_addr);
        want_shallow := shallow(read_addr mod shallow_c);
        known := true;
      end if;
      if write_enable = '1' then
        memory(write_addr) := write_data;
        shallow(write_addr mod shallow_c) := write_data;
      end if;
      clk <= '1';
      wait for 5 ns;
      clk <= '0';
      if known then
        for k in read_data'range loop
          assert (k < 4 and read_data(k) = want_shallow) or (k >= 4 and read_data(k) = want)
            report "memory_tb: wrong word from a " & kind(k) & " bank" severity failure;
          checked := checked + 1;
        end loop;
      end if;
    end loop;
    std.textio.write(std.textio.output,
      "memory_tb: PASS " & integer'image(checked) & " words" & LF);
    wait;
  end process;
end architecture;
