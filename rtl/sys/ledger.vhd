-- SPDX-License-Identifier: Apache-2.0
-- All counts of 32 bits and more, each one column of a memory of 32 rows, a row for each bit. A turn
-- goes through the rows in 32 clocks and adds to every column at once, bit by bit: a count costs three
-- LUTs, and reading it costs no choice among 32 bits. Clocks are counted in parallel up to 32, and the
-- turn adds the carry. What happens in a turn is added in the next one, so a count is right 64 clocks
-- after it changed: the 8 bytes of an answer's header take at least 88. Events of one kind are at
-- least 64 clocks apart, which no run is shorter than.
--
-- Four columns belong to the answers of INFER and BURST. For INFER: cycles of each buffer's latest run,
-- and its clocks of waiting. For BURST, which both buffers belong to: busy cycles, runs (as they
-- start), all cycles, mismatches.
library ieee;
use ieee.std_logic_1164.all;
use ieee.numeric_std.all;

use work.link_pkg.all;

entity ledger is
  port (
    clk, rst       : in  std_logic; -- rst: power-on, once, before anything is counted
    -- runs
    run_begins     : in  std_logic;
    run_counts     : in  std_logic; -- one more cycle
    inference_done : in  std_logic; -- a pulse
    run_buffer     : in  natural range 0 to 1; -- with it
    -- waiting
    commit         : in  std_logic; -- a window begins to wait
    wait_counts    : in  std_logic;
    wait_buffer    : in  natural range 0 to 1; -- the newest window
    -- the burst
    start_burst    : in  std_logic; -- a pulse, with the arguments
    args           : in  args_t; -- they move down a byte with args_next, at most 64 clocks later
    args_next      : out std_logic;
    burst          : in  std_logic;
    run_starts     : in  std_logic; -- a pulse a run of it
    mismatch       : in  std_logic; -- likewise
    runs_done      : out std_logic;
    expired        : out std_logic; -- the limit has come
    -- registers: what is read later is of the clock of taken
    snapshot       : in  std_logic; -- a pulse
    taken          : out std_logic;
    -- one bit of each
    read_place     : in  place_t;
    clocks_low     : out std_logic; -- 31 to 0, since configuration
    clocks_high    : out std_logic; -- 47 to 32
    done           : out std_logic; -- inferences
    latest         : out std_logic; -- cycles of the latest, modulo 2 ** 24
    counts         : out std_logic_vector(3 downto 0); -- see above
    counts_top     : out std_logic_vector(1 downto 0)); -- bit 32 of (0) busy and (1) all cycles
end entity;

architecture rtl of ledger is
  constant clocks_low_c  : natural := 0;
  constant clocks_high_c : natural := 1;
  constant done_c        : natural := 2;
  constant latest_c      : natural := 3;
  constant first_c       : natural := 4; -- of the answers' four
  constant run_c         : natural := 8; -- of the run under way
  constant wait_c        : natural := 9; -- of the newest window or of the burst

  constant runs_c        : natural := 10; -- wanted by the burst
  constant limit_c       : natural := 11; -- bits 31..16 of its cycles

  subtype row_t is std_logic_vector(11 downto 0);

  signal phase      : place_t := 0;
  signal turning    : std_logic;
  signal last, low  : std_logic; -- row; one of the five that are counted in parallel
  signal row, sum   : row_t; -- what was and what will be
  signal kept       : std_logic_vector(3 downto 0); -- what was of the answers' four, or 0
  signal carry      : row_t := (others => '0');
  signal run_bit, wait_bit : std_logic;
  signal next_carry : row_t;

  signal run_low, wait_low : natural range 0 to 31 := 0;
  signal run_low_seen      : natural range 0 to 31 := 0; -- of the run that is done
  -- Happened in this turn; and, for this whole turn, in the one before.
  signal run_carry, wait_carry, started, differed            : std_logic := '0';
  signal done0, done1, run_clear, wait_clear, restart, take  : std_logic := '0';
  signal doing0, doing1, run_clears, wait_clears, restarting : std_logic := '0';
  signal taking                                              : std_logic := '0';

  signal runs_same, limit_same, runs_all, limit_all : std_logic := '0';
  signal all_runs, late                             : std_logic := '0';
  signal top                                        : std_logic_vector(1 downto 0) := "00";
  signal shadow                                     : std_logic_vector(3 downto 0);

  function is_set(condition : boolean) return std_logic is
  begin
    if condition then
      return '1';
    end if;
    return '0';
  end function;

  function low_word(count : natural range 0 to 31) return word_t is
  begin
    return x"000000" & "000" & std_logic_vector(to_unsigned(count, 5));
  end function;
begin
  runs_done  <= all_runs;
  expired    <= late;
  counts_top <= top;
  taken      <= take and last;
  turning    <= not rst;
  args_next  <= restarting and is_set(phase mod 8 = 7);

  live : entity work.ram_dist_now
    generic map (depth_g => 32, width_g => row_t'length)
    port map (clk => clk, write_enable => turning, write_addr => phase, write_data => sum,
              read_addr => phase, read_data => row);
  -- As it was at the beginning of the turn: the carry to the high part comes a turn late.
  registers : entity work.ram_dist_now
    generic map (depth_g => 32, width_g => 4)
    port map (clk => clk, write_enable => taking, write_addr => phase,
              write_data => shadow, read_addr => read_place, read_data(0) => clocks_low,
              read_data(1) => clocks_high, read_data(2) => done, read_data(3) => latest);
  shadow <= sum(latest_c downto clocks_high_c) & row(clocks_low_c);
  answers : entity work.ram_dist_now
    generic map (depth_g => 32, width_g => 4)
    port map (clk => clk, write_enable => turning, write_addr => phase,
              write_data => sum(first_c + 3 downto first_c), read_addr => read_place,
              read_data => counts);

  last <= is_set(phase = 31);
  low  <= is_set(phase < 5);

  run_bit  <= pick(low_word(run_low_seen), phase mod 8) when low = '1'
              else row(run_c) xor carry(run_c);
  wait_bit <= pick(low_word(wait_low), phase mod 8) when low = '1'
              else row(wait_c) xor carry(wait_c);

  kept(0) <= row(first_c) and not restarting and (burst or not doing0);
  kept(1) <= row(first_c + 1) and not restarting and not doing1;
  kept(2) <= '0';
  kept(3) <= row(first_c + 3) and not restarting;

  adding : process (row, carry, phase, low, run_bit, wait_bit, kept, doing0, doing1, run_clears,
                    wait_clears, burst, wait_buffer, restarting, args)
  begin
    next_carry <= row and carry;
    sum        <= row xor carry;
    -- Clocks: 32 more each turn.
    next_carry(clocks_low_c) <= (row(clocks_low_c) and carry(clocks_low_c)) or is_set(phase = 4);
    if phase >= 16 then
      sum(clocks_high_c) <= '0';
    end if;
    if doing0 = '1' or doing1 = '1' then
      sum(latest_c) <= run_bit and is_set(phase < 24);
    end if;
    if low = '1' then
      sum(run_c)  <= '0';
      sum(wait_c) <= '0';
      next_carry(run_c)  <= carry(run_c);
      next_carry(wait_c) <= carry(wait_c);
    end if;
    if run_clears = '1' then
      sum(run_c) <= '0';
    end if;
    if wait_clears = '1' then
      sum(wait_c) <= '0';
    end if;
    sum(first_c)            <= kept(0) xor (run_bit and doing0) xor carry(first_c);
    next_carry(first_c)     <= (kept(0) and run_bit and doing0)
                               or (carry(first_c) and (kept(0) or (run_bit and doing0)));
    sum(first_c + 1)        <= kept(1) xor (run_bit and doing1) xor carry(first_c + 1);
    next_carry(first_c + 1) <= kept(1) and carry(first_c + 1);
    sum(first_c + 2)        <= row(first_c + 2);
    if burst = '1' or wait_buffer = 0 then
      sum(first_c + 2) <= wait_bit;
    end if;
    sum(first_c + 3)        <= kept(3) xor carry(first_c + 3);
    next_carry(first_c + 3) <= kept(3) and carry(first_c + 3);
    sum(runs_c)  <= row(runs_c);
    sum(limit_c) <= row(limit_c);
    if restarting = '1' then -- runs is in bytes 0 to 3, limit in 4 and 5
      sum(runs_c)  <= pick(args(7 downto 0) & args(7 downto 0) & args(7 downto 0)
                           & args(7 downto 0), phase);
      sum(limit_c) <= pick(args(23 downto 16) & args(23 downto 16) & x"0000", phase);
    end if;
    if burst = '0' and wait_buffer = 1 then
      sum(first_c + 3) <= wait_bit;
    end if;
  end process;

  runs_all  <= is_set(sum(runs_c) = sum(first_c + 1)) and (runs_same or is_set(phase = 0));
  limit_all <= is_set(sum(limit_c) = sum(wait_c)) and (limit_same or is_set(phase mod 16 = 0));

  process (clk)
  begin
    if rising_edge(clk) then
      phase      <= (phase + 1) mod 32;
      carry      <= next_carry;
      runs_same  <= runs_all;
      limit_same <= limit_all;

      if last = '1' then
        carry                <= (others => '0');
        carry(clocks_high_c) <= next_carry(clocks_low_c);
        carry(done_c)        <= done0 or done1;
        carry(run_c)         <= run_carry;
        carry(wait_c)        <= wait_carry;
        carry(first_c + 1)   <= started;
        carry(first_c + 3)   <= differed;

        run_carry  <= '0';
        wait_carry <= '0';
        started    <= '0';
        differed   <= '0';

        doing0      <= done0;
        doing1      <= done1;
        run_clears  <= run_clear;
        wait_clears <= wait_clear;
        restarting  <= restart;
        taking      <= take;
        done0       <= '0';
        done1       <= '0';
        run_clear   <= '0';
        wait_clear  <= '0';
        restart     <= '0';
        take        <= '0';

        top(0) <= (top(0) xor next_carry(first_c)) and not restart;
        top(1) <= (top(1) xor next_carry(wait_c)) and not wait_clear;
        if burst = '1' and restart = '0' then
          all_runs <= runs_all;
          if limit_all = '1' then
            late <= '1';
          end if;
        end if;
      end if;

      -- What comes in the last clock of a turn counts for the one after the next.
      if run_begins = '1' then
        run_low   <= 0;
        run_clear <= '1';
      elsif run_counts = '1' then
        run_low <= (run_low + 1) mod 32;
        if run_low = 31 then
          run_carry <= '1';
        end if;
      end if;
      if inference_done = '1' then
        run_low_seen <= run_low;
        if burst = '1' or run_buffer = 0 then
          done0 <= '1';
        else
          done1 <= '1';
        end if;
      end if;
      if commit = '1' or start_burst = '1' then
        wait_low   <= 0;
        wait_clear <= '1';
      elsif wait_counts = '1' then
        wait_low <= (wait_low + 1) mod 32;
        if wait_low = 31 then
          wait_carry <= '1';
        end if;
      end if;
      if start_burst = '1' then
        late    <= '0';
        restart <= '1';
      end if;
      if run_starts = '1' then
        started <= '1';
      end if;
      if mismatch = '1' then
        differed <= '1';
      end if;
      if snapshot = '1' then
        take <= '1';
      end if;

      if rst = '1' then
        phase <= 0;
        carry <= (others => '0');
      end if;
    end if;
  end process;
end architecture;
