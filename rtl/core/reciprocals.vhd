-- SPDX-License-Identifier: Apache-2.0
-- One exact division a token: r = floor(dividend of the layer / z), kept until the drain of a
-- context pass reads it, lanes_g tokens a cycle. Sums wait in a queue while the divider works.
--
-- Timing: a z that meets an idle divider is counted 21 cycles later; serial: one in 19 cycles.
library ieee;
use ieee.std_logic_1164.all;
use work.arithmetic_pkg.all;
use work.program_pkg.all;

entity reciprocals is
  generic (
    program_g   : softmax_array_t;
    tokens_g    : positive;
    lanes_g     : positive; -- tokens a cycle that are read; divides tokens_g
    slots_g     : positive;
    z_bits_g    : positive;
    k_bits_g    : positive; -- of a dividend
    dividends_g : int_array_t; -- per layer
    pipelined_g : boolean;
    fast_g      : boolean);
  port (
    clk         : in  std_logic;
    rst         : in  std_logic;
    start       : in  std_logic;
    in_valid    : in  std_logic;
    z           : in  natural range 0 to 2**z_bits_g - 1;
    layer       : in  natural range 0 to 1;
    blocks      : out natural range 0 to 1023; -- whose reciprocals are there
    read_enable : in  std_logic;
    read_addr   : in  natural range 0 to last_of(slots_g * (tokens_g / lanes_g));
    read_data   : out int_array_t(0 to lanes_g - 1));
end entity;

architecture rtl of reciprocals is
  constant program   : softmax_array_t(0 to program_g'length - 1) := program_g;
  constant groups_c  : positive := tokens_g / lanes_g;
  constant depth_c   : positive := slots_g * groups_c;
  constant queue_c   : positive := 2**clog2(slots_g * tokens_g + 1);
  constant layers_c  : positive := dividends_g'length;
  constant dividends_c : int_array_t(0 to layers_c - 1) := dividends_g;
  constant quotient_bits_c : positive := 17;
  subtype place_t is natural range 0 to last_of(queue_c);
  signal put, get    : place_t := 0;
  signal queue_in    : int_array_t(0 to 0);
  signal queue_out   : int_array_t(0 to 0);
  signal queue_read  : std_logic;
  signal ready, offered : std_logic := '0';
  signal dividend    : natural range 0 to 2**k_bits_g - 1 := 0;
  signal divisor     : natural range 0 to 2**z_bits_g - 1;
  signal out_valid   : std_logic;
  signal quotient    : natural range 0 to 2**quotient_bits_c - 1;
  signal lane_write  : std_logic_vector(0 to lanes_g - 1) := (others => '0');
  signal write_addr  : natural range 0 to last_of(depth_c) := 0;
  signal write_data  : int_array_t(0 to 0) := (others => 0);
  type data_t is array (0 to lanes_g - 1) of int_array_t(0 to 0);
  signal data        : data_t;
begin
  -- a signed memory holds the unsigned sum with a bit more; the layer cannot change while sums of
  -- another one wait, so it need not be queued
  queue_in(0) <= z;
  queue_read <= '1' when put /= get and ready = '1' and (pipelined_g or offered = '0') else '0';
  queue : entity work.memory_bank
    generic map (kind_g => "distributed", depth_g => queue_c, elements_g => 1,
      bits_g => z_bits_g + 1, fast_g => fast_g)
    port map (clk => clk, write_enable => in_valid, write_addr => put, write_data => queue_in,
      read_enable => queue_read, read_addr => get, read_data => queue_out);
  divisor <= queue_out(0) mod 2**z_bits_g;

  offer : process (clk)
  begin
    if rising_edge(clk) then
      offered <= queue_read;
      if in_valid = '1' then
        put <= (put + 1) mod queue_c;
        if layers_c = 1 or layer = 0 then
          dividend <= dividends_c(0);
        else
          dividend <= dividends_c(layers_c - 1);
        end if;
      end if;
      if queue_read = '1' then
        get <= (get + 1) mod queue_c;
      end if;
      if start = '1' or rst = '1' then
        put <= 0;
        get <= 0;
        offered <= '0';
      end if;
    end if;
  end process;

  division : entity work.divider
    generic map (pipelined_g => pipelined_g, dividend_bits_g => k_bits_g,
      divisor_bits_g => z_bits_g, quotient_bits_g => quotient_bits_c, fast_g => fast_g)
    port map (clk => clk, rst => rst, in_valid => offered, in_ready => ready,
      dividend => dividend, divisor => divisor, out_valid => out_valid, quotient => quotient);

  keep : process (clk)
    variable pc      : natural range 0 to last_of(program'length) := 0;
    variable pass    : softmax_t := program(0);
    variable lane    : natural range 0 to last_of(lanes_g) := 0;
    variable band    : natural range 0 to groups_c := 0;
    variable token   : natural range 0 to tokens_g := 0;
    variable count   : natural range 0 to 1023 := 0;
  begin
    if rising_edge(clk) then
      lane_write <= (others => '0');
      if out_valid = '1' then
        for i in 0 to lanes_g - 1 loop
          if i = lane then
            lane_write(i) <= '1';
          end if;
        end loop;
        write_addr <= pass.slot * groups_c + band;
        write_data(0) <= quotient;
        if token = pass.tokens - 1 then
          token := 0;
          lane := 0;
          band := 0;
          count := count + 1;
          if pc = program'length - 1 then
            pc := 0;
          else
            pc := pc + 1;
          end if;
          pass := program(pc);
        else
          token := token + 1;
          if lane = lanes_g - 1 then
            lane := 0;
            band := band + 1;
          else
            lane := lane + 1;
          end if;
        end if;
      end if;
      if start = '1' or rst = '1' then
        pc := 0;
        pass := program(0);
        lane := 0;
        band := 0;
        token := 0;
        count := 0;
        lane_write <= (others => '0');
      end if;
      -- a cycle before the last one is written: no drain can be that fast
      blocks <= count;
    end if;
  end process;

  banks : for i in 0 to lanes_g - 1 generate
    bank : entity work.memory_bank
      generic map (kind_g => "distributed", depth_g => depth_c, elements_g => 1,
        bits_g => quotient_bits_c + 1, fast_g => fast_g)
      port map (clk => clk, write_enable => lane_write(i), write_addr => write_addr,
        write_data => write_data, read_enable => read_enable, read_addr => read_addr,
        read_data => data(i));
    read_data(i) <= data(i)(0);
  end generate;
end architecture;
