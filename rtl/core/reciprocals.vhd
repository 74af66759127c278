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
  subtype pc_t is natural range 0 to last_of(program_g'length);
  subtype lane_t is natural range 0 to last_of(lanes_g);
  subtype group_t is natural range 0 to last_of(groups_c);

  -- Where a block's reciprocals begin and its last one's group and lane. Two blocks at least: GHDL's
  -- synthesis stops at one.
  type block_t is record
    first      : natural range 0 to last_of(depth_c);
    last_group : group_t;
    last_lane  : lane_t;
  end record;
  type blocks_t is array (natural range <>) of block_t;

  function blocks_of(passes : softmax_array_t) return blocks_t is
    variable value : blocks_t(0 to last_of(passes'length));
    variable from  : softmax_t;
  begin
    for i in value'range loop
      from := passes(i mod passes'length);
      value(i).first := from.slot * groups_c;
      value(i).last_group := ceil_div(from.tokens, lanes_g) - 1;
      value(i).last_lane := from.tokens - value(i).last_group * lanes_g - 1;
    end loop;
    return value;
  end function;
  constant blocks_c : blocks_t(0 to last_of(program_g'length)) := blocks_of(program);

  function following(pc : pc_t) return pc_t is
  begin
    if pc = program_g'length - 1 then
      return 0;
    end if;
    return pc + 1;
  end function;

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
    variable pc      : pc_t := 0; -- of the block after this one
    variable pass    : block_t := blocks_c(0);
    variable lane    : lane_t := 0;
    variable band    : group_t := 0;
    variable count   : natural range 0 to program_g'length := 0;
  begin
    if rising_edge(clk) then
      lane_write <= (others => '0');
      write_addr <= pass.first + band;
      write_data(0) <= quotient;
      if out_valid = '1' then
        for i in 0 to lanes_g - 1 loop
          if i = lane then
            lane_write(i) <= '1';
          end if;
        end loop;
        if lane = pass.last_lane and band = pass.last_group then
          lane := 0;
          band := 0;
          count := count + 1;
          pass := blocks_c(pc);
          pc := following(pc);
        elsif lane = lanes_g - 1 then
          lane := 0;
          band := band + 1;
        else
          lane := lane + 1;
        end if;
      end if;
      if start = '1' or rst = '1' then
        pc := following(0);
        pass := blocks_c(0);
        lane := 0;
        band := 0;
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
