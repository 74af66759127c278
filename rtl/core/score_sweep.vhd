-- SPDX-License-Identifier: Apache-2.0
-- Keeps the scores of a block of tokens and their maxima while they come in, then sweeps them:
-- lanes_g tokens of one column a cycle leave, complemented, beside the token's maximum. Two slots, so one block comes
-- in while the other is swept.
--
-- Timing: a sweep begins the cycle after its last score, two after the last read of another; out_valid three cycles after a read is
-- chosen; tokens/lanes_g * columns cycles a block. slot_free pulses with the last read.
library ieee;
use ieee.std_logic_1164.all;
use ieee.numeric_std.all;
use work.arithmetic_pkg.all;
use work.program_pkg.all;

entity score_sweep is
  generic (
    program_g      : softmax_array_t;
    tokens_g       : positive;
    requantisers_g : positive; -- tokens a cycle that come in
    lanes_g        : positive; -- divides requantisers_g
    columns_g      : positive;
    bits_g         : positive range 2 to 24; -- of a score
    kind_g         : string;
    fast_g         : boolean);
  port (
    clk       : in  std_logic;
    rst       : in  std_logic;
    start     : in  std_logic;
    in_valid  : in  std_logic;
    scores    : in  int_array_t(0 to requantisers_g - 1);
    slot_free : out std_logic;
    out_valid : out std_logic;
    largest   : out int_array_t(0 to lanes_g - 1);
    complement : out int_array_t(0 to lanes_g - 1); -- of the score: -1 - score
    layer     : out natural range 0 to 1);
end entity;

architecture rtl of score_sweep is
  constant program   : softmax_array_t(0 to program_g'length - 1) := program_g;
  constant groups_c  : positive := tokens_g / requantisers_g;
  constant parts_c   : positive := requantisers_g / lanes_g;
  constant steps_c   : positive := tokens_g / lanes_g;
  constant slot_c    : positive := groups_c * columns_g; -- words of a slot
  subtype score_t is integer range -2**(bits_g - 1) to 2**(bits_g - 1) - 1;
  type score_array_t is array (natural range <>) of score_t;
  subtype pc_t is natural range 0 to last_of(program_g'length);
  signal current       : score_array_t(0 to tokens_g - 1) := (others => 0); -- of what comes in
  signal held          : score_array_t(0 to tokens_g - 1) := (others => 0); -- of what is swept
  signal full          : std_logic := '0';                                  -- pulse
  signal write_addr    : natural range 0 to last_of(2 * slot_c) := 0;
  signal read_0        : std_logic := '0';
  signal read_addr     : natural range 0 to last_of(2 * slot_c) := 0;
  signal part_0, part_1 : natural range 0 to last_of(parts_c) := 0;   -- of a word
  signal step_0, step_1 : natural range 0 to last_of(steps_c) := 0;   -- of a block
  signal layer_0, layer_1 : natural range 0 to 1 := 0;
  signal valid_1       : std_logic := '0';
  signal words         : int_array_t(0 to requantisers_g - 1);

  -- What follows from a block's tokens: groups that it drains and steps that sweep it, less one. Of
  -- two blocks at least: GHDL's synthesis stops at one.
  type extent_t is record
    last_group : natural range 0 to last_of(groups_c);
    last_step  : natural range 0 to last_of(steps_c);
    layer      : natural range 0 to 1;
  end record;
  type extents_t is array (natural range <>) of extent_t;

  function extents_of(passes : softmax_array_t) return extents_t is
    variable value : extents_t(0 to last_of(passes'length));
    variable from  : softmax_t;
  begin
    for i in value'range loop
      from := passes(i mod passes'length);
      value(i).last_group := ceil_div(from.tokens, requantisers_g) - 1;
      value(i).last_step := ceil_div(from.tokens, lanes_g) - 1;
      value(i).layer := from.layer;
    end loop;
    return value;
  end function;
  constant extents : extents_t(0 to last_of(program_g'length)) := extents_of(program);

  function following(pc : pc_t) return pc_t is
  begin
    if pc = program_g'length - 1 then
      return 0;
    end if;
    return pc + 1;
  end function;
begin
  assert requantisers_g mod lanes_g = 0
    report "score_sweep: lanes_g must divide requantisers_g" severity failure;

  -- Channels of the pass are columns; groups of tokens follow each other.
  collect : process (clk)
    variable pc     : pc_t := 0; -- of the block after this one
    variable pass   : extent_t := extents(0);
    variable column : natural range 0 to last_of(columns_g) := 0;
    variable band   : natural range 0 to groups_c := 0;
    variable slot   : natural range 0 to 1 := 0;
    variable at     : natural range 0 to 2 * slot_c := 0;
    variable score  : score_t;
  begin
    if rising_edge(clk) then
      full <= '0';
      if in_valid = '1' then
        for g in 0 to groups_c - 1 loop
          if g = band then
            for i in 0 to requantisers_g - 1 loop
              score := scores(i);
              if column = 0 or score > current(g * requantisers_g + i) then
                current(g * requantisers_g + i) <= score;
              end if;
            end loop;
          end if;
        end loop;
        at := at + 1;
        if band = pass.last_group then
          band := 0;
          if column = columns_g - 1 then
            column := 0;
            full <= '1';
            if slot = 0 then
              slot := 1;
              at := slot_c;
            else
              slot := 0;
              at := 0;
            end if;
            pass := extents(pc);
            pc := following(pc);
          else
            column := column + 1;
          end if;
        else
          band := band + 1;
        end if;
      end if;
      if start = '1' or rst = '1' then
        pc := following(0);
        pass := extents(0);
        column := 0;
        band := 0;
        slot := 0;
        at := 0;
        full <= '0';
      end if;
      write_addr <= at;
    end if;
  end process;

  memory : entity work.memory_bank
    generic map (kind_g => kind_g, depth_g => 2 * slot_c, elements_g => requantisers_g,
      bits_g => bits_g, fast_g => fast_g)
    port map (clk => clk, write_enable => in_valid, write_addr => write_addr, write_data => scores,
      read_enable => read_0, read_addr => read_addr, read_data => words);

  -- For each lane group of tokens, all columns.
  sweep : process (clk)
    variable pc      : pc_t := 0; -- of the block after this one
    variable pass    : extent_t := extents(0);
    variable pending : natural range 0 to 2 := 0;
    variable slot    : natural range 0 to 1 := 0;
    variable busy    : boolean := false;
    variable resting : boolean := false; -- the last scores still need the held maxima
    variable column  : natural range 0 to last_of(columns_g) := 0;
    variable step    : natural range 0 to last_of(steps_c) := 0;
    variable part    : natural range 0 to last_of(parts_c) := 0;
    variable band    : natural range 0 to last_of(groups_c) := 0;
    variable at      : natural range 0 to 2 * slot_c + groups_c - 1 := 0;
  begin
    if rising_edge(clk) then
      read_0 <= '0';
      slot_free <= '0';
      if full = '1' then
        pending := pending + 1;
      end if;
      if not busy and not resting and pending > 0 then
        busy := true;
        held <= current;
      end if;
      resting := false;
      if busy then
        read_0 <= '1';
        read_addr <= at;
        part_0 <= part;
        step_0 <= step;
        layer_0 <= pass.layer;
        if column = columns_g - 1 then
          column := 0;
          if step = pass.last_step then
            busy := false;
            resting := true;
            pending := pending - 1;
            slot_free <= '1';
            slot := 1 - slot;
            step := 0;
            part := 0;
            band := 0;
            pass := extents(pc);
            pc := following(pc);
          else
            step := step + 1;
            if part = parts_c - 1 then
              part := 0;
              band := band + 1;
            else
              part := part + 1;
            end if;
          end if;
          at := slot * slot_c + band;
        else
          column := column + 1;
          at := at + pass.last_group + 1;
        end if;
      end if;
      if start = '1' or rst = '1' then
        pc := following(0);
        pass := extents(0);
        pending := 0;
        slot := 0;
        busy := false;
        resting := false;
        column := 0;
        step := 0;
        part := 0;
        band := 0;
        at := 0;
        read_0 <= '0';
        slot_free <= '0';
      end if;
    end if;
  end process;

  choose : process (clk)
    variable maxima : score_array_t(0 to last_of(steps_c)); -- of a lane, by step
    variable parts  : score_array_t(0 to last_of(parts_c));
  begin
    if rising_edge(clk) then
      valid_1 <= read_0;
      out_valid <= valid_1;
      if read_0 = '1' then
        part_1 <= part_0;
        step_1 <= step_0;
        layer_1 <= layer_0;
      end if;
      if valid_1 = '1' then
        layer <= layer_1;
        for j in 0 to lanes_g - 1 loop
          for s in maxima'range loop
            maxima(s) := held((s * lanes_g + j) mod tokens_g);
          end loop;
          for k in parts'range loop
            parts(k) := words((k * lanes_g + j) mod requantisers_g);
          end loop;
          largest(j) <= maxima(step_1);
          if fast_g then
            complement(j) <= -1 - parts(part_1);
          else
            complement(j) <= to_integer(not to_signed(parts(part_1), bits_g));
          end if;
        end loop;
      end if;
      if rst = '1' then
        valid_1 <= '0';
        out_valid <= '0';
      end if;
    end if;
  end process;
end architecture;
