-- SPDX-License-Identifier: Apache-2.0
-- Runs the pass program's front half: one slice of operands a cycle into the tile. A pass waits
-- until what it reads is written (three counters); the last slice of a job waits until the shadow
-- that will take its accumulators is free, which is only a distance to the job before, because a
-- drain never stalls. Addresses appear one cycle after the decision.
library ieee;
use ieee.std_logic_1164.all;
use work.arithmetic_pkg.all;
use work.program_pkg.all;

entity issuer is
  generic (
    program_g      : issue_array_t;
    key_groups_g   : positive;  -- key banks / outputs of the tile
    value_groups_g : positive); -- value banks / terms of the tile
  port (
    clk          : in  std_logic;
    rst          : in  std_logic;
    start        : in  std_logic;
    writes       : in  natural range 0 to 2047;
    softmaxes    : in  natural range 0 to 1023;
    reciprocals  : in  natural range 0 to 1023;
    slot_free    : in  std_logic; -- softmax has done with a score slot
    valid        : out std_logic;
    first        : out std_logic;
    last         : out std_logic;
    token_from   : out token_source_t;
    token_addr   : out natural range 0 to 16383;
    weight_addr  : out natural range 0 to 262143;
    -- memories of the weight port that are not read; each bit is a register: it resets many
    rom_idle     : out std_logic;
    key_idle     : out std_logic_vector(0 to key_groups_g - 1);
    value_idle   : out std_logic_vector(0 to value_groups_g - 1));
end entity;

architecture rtl of issuer is
  constant program : issue_array_t(0 to program_g'length - 1) := program_g;

  -- The largest value of each field of this program: no register or comparison is wider.
  function largest return issue_t is
    variable most : issue_t := program(0);
  begin
    for i in program'range loop
      most.writes := larger(most.writes, program(i).writes);
      most.softmaxes := larger(most.softmaxes, program(i).softmaxes);
      most.reciprocals := larger(most.reciprocals, program(i).reciprocals);
      most.token_base := larger(most.token_base, program(i).token_base);
      most.weight_base := larger(most.weight_base, program(i).weight_base);
      most.last_slice := larger(most.last_slice, program(i).last_slice);
      most.last_job := larger(most.last_job, program(i).last_job);
      most.drain := larger(most.drain, larger(program(i).drain, program(i).drain_last));
    end loop;
    return most;
  end function;

  -- One more than the last address of the weight port.
  function address_end return positive is
    variable most, slices, jobs : natural := 0;
  begin
    for i in program'range loop
      slices := program(i).last_slice + 1;
      jobs := program(i).last_job + 1;
      if program(i).weight_from = from_key then
        jobs := ceil_div(jobs, key_groups_g);
      elsif program(i).weight_from = from_value then
        slices := ceil_div(slices, value_groups_g);
      end if;
      most := larger(most, program(i).weight_base + jobs * slices);
    end loop;
    return most;
  end function;

  constant most_c    : issue_t := largest;
  constant address_c : positive := address_end;
  -- counts go no further than to the passes of the program
  constant count_c   : positive := 2**clog2(program_g'length + 1);
  constant bands_c   : positive := larger(key_groups_g, value_groups_g);

  -- What a pass is while it runs, and what it waits for before.
  type run_t is record
    scores      : boolean;
    token_from  : token_source_t;
    token_base  : natural range 0 to last_of(most_c.token_base + 1);
    weight_from : weight_source_t;
    weight_base : natural range 0 to last_of(most_c.weight_base + 1);
    last_slice  : natural range 0 to last_of(most_c.last_slice + 1);
    last_job    : natural range 0 to last_of(most_c.last_job + 1);
    drain       : natural range 0 to last_of(most_c.drain + 1);
    drain_last  : natural range 0 to last_of(most_c.drain + 1);
  end record;
  type wait_t is record
    writes      : natural range 0 to last_of(most_c.writes + 1);
    softmaxes   : natural range 0 to last_of(most_c.softmaxes + 1);
    reciprocals : natural range 0 to last_of(most_c.reciprocals + 1);
  end record;

  function run_of(pass : issue_t) return run_t is
  begin
    return (scores => pass.scores, token_from => pass.token_from, token_base => pass.token_base,
      weight_from => pass.weight_from, weight_base => pass.weight_base,
      last_slice => pass.last_slice, last_job => pass.last_job, drain => pass.drain,
      drain_last => pass.drain_last);
  end function;

  function wait_of(pass : issue_t) return wait_t is
  begin
    return (writes => pass.writes, softmaxes => pass.softmaxes, reciprocals => pass.reciprocals);
  end function;
begin
  assert program'length > 1
    report "issuer: a program has more than one pass" severity failure;

  process (clk)
    variable pass      : run_t;                     -- the one that runs
    variable upcoming  : run_t := run_of(program(0)); -- fetched ahead
    variable waits     : wait_t := wait_of(program(0)); -- of upcoming
    variable pc        : natural range 0 to program'length - 1 := 0; -- of the one after
    variable refetch   : boolean := false;
    variable running   : boolean := false;          -- upcoming is to run
    variable busy      : boolean := false;          -- pass is valid
    variable begins    : boolean;
    variable at_slice  : natural range 0 to last_of(most_c.last_slice + 1) := 0;
    variable at_job    : natural range 0 to last_of(most_c.last_job + 1) := 0;
    variable address   : natural range 0 to address_c := 0;
    variable row       : natural range 0 to address_c := 0; -- first word of the job's row of keys
    variable band      : natural range 0 to last_of(bands_c) := 0;
    variable hold      : natural range 0 to last_of(most_c.drain + 1) := 0;
    variable slots     : natural range 0 to 2 := 0;
    variable may_issue : boolean;
    variable ends      : boolean; -- the last slice of a job
    variable next_address : natural range 0 to address_c;
  begin
    if rising_edge(clk) then
      valid <= '0';
      first <= '0';
      last <= '0';
      rom_idle <= '1';
      key_idle <= (others => '1');
      value_idle <= (others => '1');
      if slot_free = '1' then
        slots := slots - 1;
      end if;
      begins := not busy and running and writes mod count_c >= waits.writes
        and softmaxes mod count_c >= waits.softmaxes
        and reciprocals mod count_c >= waits.reciprocals
        and (not upcoming.scores or slots < 2);
      if begins then
        pass := upcoming;
        busy := true;
        at_slice := 0;
        at_job := 0;
        band := 0;
        address := pass.weight_base;
        row := pass.weight_base;
        if pass.scores then
          slots := slots + 1;
        end if;
      end if;
      -- behind the last pass the first one is fetched again
      if begins or refetch then
        upcoming := run_of(program(pc));
        waits := wait_of(program(pc));
      end if;
      if begins then
        running := running and pc /= 0;
        if pc = program'length - 1 then
          pc := 0;
        else
          pc := pc + 1;
        end if;
      end if;

      ends := at_slice = pass.last_slice;
      may_issue := busy and (not ends or hold = 0);
      if hold > 0 then
        hold := hold - 1;
      end if;
      if may_issue then
        valid <= '1';
        token_from <= pass.token_from;
        token_addr <= pass.token_base + at_slice;
        weight_addr <= address;
        case pass.weight_from is
          when from_rom =>
            rom_idle <= '0';
          when from_key =>
            for g in key_idle'range loop
              if band = g then
                key_idle(g) <= '0';
              end if;
            end loop;
          when from_value =>
            for g in value_idle'range loop
              if band = g then
                value_idle(g) <= '0';
              end if;
            end loop;
        end case;
        if at_slice = 0 then
          first <= '1';
        end if;
        -- keys: each band of a row of keys takes all slices again; values: each slice all bands
        next_address := address + 1;
        if pass.weight_from = from_key and ends then
          if band = key_groups_g - 1 then
            band := 0;
            row := next_address;
          else
            band := band + 1;
          end if;
          next_address := row;
        elsif pass.weight_from = from_value and not ends and band /= value_groups_g - 1 then
          band := band + 1;
          next_address := address;
        elsif pass.weight_from = from_value then
          band := 0;
        end if;
        address := next_address;
        if ends then
          last <= '1';
          at_slice := 0;
          if at_job = pass.last_job then
            busy := false;
            hold := pass.drain_last;
          else
            at_job := at_job + 1;
            hold := pass.drain;
          end if;
        else
          at_slice := at_slice + 1;
        end if;
      end if;

      refetch := false;
      if start = '1' then
        pc := 1;
        running := true;
      end if;
      if rst = '1' then
        pc := 0;
        refetch := true;
        running := false;
        busy := false;
        hold := 0;
        slots := 0;
        valid <= '0';
      end if;
    end if;
  end process;
end architecture;
