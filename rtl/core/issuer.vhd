-- SPDX-License-Identifier: Apache-2.0
-- Runs the pass program's front half: one slice of operands a cycle into the tile. A pass waits
-- until what it reads is written (three counters); the last slice of a job waits until the shadow
-- that will take its accumulators is free, which is only a distance to the job before, because a
-- drain never stalls. Addresses appear one cycle after the decision.
library ieee;
use ieee.std_logic_1164.all;
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
    slice        : out natural range 0 to 255;
    token_from   : out token_source_t;
    token_addr   : out natural range 0 to 16383;
    weight_from  : out weight_source_t;
    weight_addr  : out natural range 0 to 262143;
    weight_group : out natural range 0 to 63);
end entity;

architecture rtl of issuer is
  constant program : issue_array_t(0 to program_g'length - 1) := program_g;
begin
  process (clk)
    variable pass      : issue_t;                      -- the one that runs
    variable upcoming  : issue_t := program(0);        -- fetched ahead
    variable pc        : natural range 0 to program'length := 0;
    variable running   : boolean := false;             -- upcoming is valid
    variable busy      : boolean := false;             -- pass is valid
    variable at_slice  : natural range 0 to 255 := 0;
    variable at_job    : natural range 0 to 255 := 0;
    variable address   : natural range 0 to 262143 := 0;
    variable row       : natural range 0 to 262143 := 0; -- first word of the job's row of keys
    variable band     : natural range 0 to 63 := 0;
    variable hold      : natural range 0 to 4095 := 0;
    variable slots     : natural range 0 to 2 := 0;
    variable may_issue : boolean;
  begin
    if rising_edge(clk) then
      valid <= '0';
      first <= '0';
      last <= '0';
      if slot_free = '1' then
        slots := slots - 1;
      end if;
      if not busy and running and writes >= upcoming.writes
        and softmaxes >= upcoming.softmaxes and reciprocals >= upcoming.reciprocals
        and (not upcoming.scores or slots < 2) then
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
        if pc = program'length - 1 then
          running := false;
        else
          pc := pc + 1;
          upcoming := program(pc);
        end if;
      end if;

      may_issue := busy and (at_slice /= pass.last_slice or hold = 0);
      if hold > 0 then
        hold := hold - 1;
      end if;
      if may_issue then
        valid <= '1';
        slice <= at_slice;
        token_from <= pass.token_from;
        token_addr <= pass.token_base + at_slice;
        weight_from <= pass.weight_from;
        weight_addr <= address;
        weight_group <= band;
        if at_slice = 0 then
          first <= '1';
        end if;
        if at_slice = pass.last_slice then
          last <= '1';
          at_slice := 0;
          if at_job = pass.last_job then
            busy := false;
            hold := pass.drain_last;
          else
            at_job := at_job + 1;
            hold := pass.drain;
          end if;
          case pass.weight_from is
            when from_rom =>
              address := address + 1;
            when from_key =>
              if band = key_groups_g - 1 then
                band := 0;
                row := address + 1;
              else
                band := band + 1;
              end if;
              address := row;
            when from_value =>
              band := 0;
              address := address + 1;
          end case;
        else
          at_slice := at_slice + 1;
          case pass.weight_from is
            when from_rom | from_key =>
              address := address + 1;
            when from_value =>
              if band = value_groups_g - 1 then
                band := 0;
                address := address + 1;
              else
                band := band + 1;
              end if;
          end case;
        end if;
      end if;

      if start = '1' then
        pc := 0;
        upcoming := program(0);
        running := true;
      end if;
      if rst = '1' then
        running := false;
        busy := false;
        hold := 0;
        slots := 0;
        valid <= '0';
      end if;
    end if;
  end process;
end architecture;
