-- SPDX-License-Identifier: Apache-2.0
-- What comes of runs: y of each buffer's latest one and the counts beside it, as the payloads of the
-- answers to INFER and BURST. Compares each y of a burst with that of the buffer's run before.
--
-- There are two counts a buffer. For INFER: its cycles and its clocks of waiting. For BURST, which
-- both buffers belong to: run(0) busy cycles, run(1) runs, waited(0) all cycles, waited(1)
-- mismatches; its answer begins with them in an order that makes both payloads one choice of bytes.
library ieee;
use ieee.std_logic_1164.all;
use ieee.numeric_std.all;

use work.answer_pkg.all;
use work.link_pkg.all;
use work.variant_pkg.all;

entity results is
  port (
    clk, rst   : in  std_logic;
    -- the counters: see window_buffers
    clear      : in  std_logic_vector(1 downto 0);
    count_run  : in  std_logic_vector(1 downto 0);
    count_wait : in  std_logic_vector(1 downto 0);
    -- y of the run under way
    run_begins : in  std_logic;
    run_buffer : in  natural range 0 to 1;
    keep       : in  std_logic; -- y is a result
    y_valid    : in  std_logic;
    y_last     : in  std_logic;
    y_data     : in  integer range -32768 to 32767;
    -- the burst
    start_burst   : in  std_logic; -- a pulse, with the arguments
    args          : in  args_t;
    burst         : in  std_logic;
    burst_two     : in  std_logic;
    burst_stopped : in  std_logic;
    burst_buffer  : in  natural range 0 to 1; -- that runs first when there are two
    runs_done     : out std_logic;
    expired       : out std_logic; -- the limit has come
    -- payload, one clock later; 0 unless show. slot: 0, 1 that buffer's result, 2 the burst
    show        : in  std_logic;
    slot        : in  natural range 0 to 3;
    read_enable : in  std_logic;
    read_index  : in  answer_index_t;
    read_data   : out byte_t);
end entity;

architecture rtl of results is
  -- Elements of a y, up to a power of two; two at least, or there would be ranges of no bits.
  function depth return positive is
    variable result : positive := 2;
  begin
    while result < outputs_c loop
      result := 2 * result;
    end loop;
    return result;
  end function;

  -- y has at most y_bits_c bits, but a stand-in may have more than its variant says.
  constant depth_c    : positive := depth;
  constant y_memory_c : positive := y_bits_c;

  subtype y_t is std_logic_vector(y_memory_c - 1 downto 0);
  type low_t is array (0 to 1) of natural range 0 to 131071;

  signal run_low, wait_low : low_t;
  signal run0_high, wait0_high : natural range 0 to 65535;
  signal run1_high, wait1_high : natural range 0 to 32767;
  signal count_wait1           : std_logic;

  signal runs  : word_t := (others => '0');
  signal limit : std_logic_vector(15 downto 0) := (others => '0');
  signal all_runs, late             : std_logic := '0';

  signal element      : natural range 0 to depth_c - 1 := 0; -- that comes next
  signal we, last     : std_logic := '0';
  signal waddr, raddr : natural range 0 to 2 * depth_c - 1 := 0;
  signal wdata, rdata : y_t := (others => '0');
  signal differs      : std_logic;
  signal differed     : std_logic := '0';
  signal write_to     : natural range 0 to 2 * depth_c - 1;
  signal mismatch     : std_logic;

  signal in_y       : std_logic := '0'; -- the payload has come to y
  signal y_buffer   : natural range 0 to 1 := 0;
  signal y_element  : natural range 0 to depth_c - 1 := 0;
  signal head       : std_logic; -- the payload has not
  signal run0_byte, run1_byte, wait0_byte, wait1_byte, end_byte, code : byte_t := (others => '0');
  signal word_number : natural range 0 to 7;
  signal lane        : natural range 0 to 3;
  signal y_enable   : std_logic;

  function top_bit(high : natural) return std_logic is
  begin
    if high >= 32768 then
      return '1';
    end if;
    return '0';
  end function;

  function bits(high, low : natural) return word_t is -- the low 32
    variable result : std_logic_vector(32 downto 0);
  begin
    result := std_logic_vector(to_unsigned(high, 16)) & std_logic_vector(to_unsigned(low, 17));
    return result(31 downto 0);
  end function;

  function upper_bits(high, low : natural) return std_logic_vector is -- 31 to 16
    variable result : word_t;
  begin
    result := bits(high, low);
    return result(31 downto 16);
  end function;
begin
  assert y_bits_c <= 16
    report "results: y_bits_c is more than an element holds" severity failure;

  run0 : entity work.cycle_counter
    generic map (high_bits_g => 16)
    port map (clk => clk, clear => clear(0), count => count_run(0), low => run_low(0),
              high => run0_high);
  wait0 : entity work.cycle_counter
    generic map (high_bits_g => 16)
    port map (clk => clk, clear => clear(0), count => count_wait(0), low => wait_low(0),
              high => wait0_high);
  run1 : entity work.cycle_counter
    generic map (high_bits_g => 15)
    port map (clk => clk, clear => clear(1), count => count_run(1), low => run_low(1),
              high => run1_high);
  wait1 : entity work.cycle_counter
    generic map (high_bits_g => 15)
    port map (clk => clk, clear => clear(1), count => count_wait1, low => wait_low(1),
              high => wait1_high);

  head        <= show and not in_y;
  runs_done   <= all_runs;
  expired     <= late;
  count_wait1 <= count_wait(1) or mismatch;

  limits : process (clk)
  begin
    if rising_edge(clk) then
      if burst = '1' then
        all_runs <= '0';
        if bits(run1_high, run_low(1)) = runs then
          all_runs <= '1';
        end if;
        if upper_bits(wait0_high, wait_low(0)) = limit then
          late <= '1';
        end if;
      end if;
      if start_burst = '1' then
        runs  <= args(31 downto 0);
        limit <= args(47 downto 32);
        late  <= '0';
      end if;
    end if;
  end process;

  -- A run's y. During a burst what was there is read in the clock in which an element comes, and
  -- compared in the next, just before it is written over.
  write_to <= depth_c * run_buffer + element;
  raddr    <= write_to when burst = '1' and show = '0' else depth_c * y_buffer + y_element;
  y_enable <= show or (burst and y_valid);
  differs  <= '1' when burst = '1' and we = '1' and wdata /= rdata else '0';
  mismatch <= last and burst and (differs or differed);

  memory : entity work.ram_dist_sys
    generic map (depth_g => 2 * depth_c, width_g => y_memory_c)
    port map (clk => clk, write_enable => we, write_addr => waddr, write_data => wdata,
              read_enable => y_enable, read_addr => raddr, read_data => rdata);

  keeping : process (clk)
  begin
    if rising_edge(clk) then
      if we = '1' then
        we <= '0';
      end if;
      if last = '1' then
        last     <= '0';
        differed <= '0';
      elsif differs = '1' then
        differed <= '1';
      end if;
      if run_begins = '1' then
        element <= 0;
      elsif keep = '1' and y_valid = '1' then
        we      <= '1';
        last    <= y_last;
        waddr   <= write_to;
        wdata   <= std_logic_vector(to_signed(y_data, y_memory_c));
        element <= (element + 1) mod depth_c;
      end if;
      if rst = '1' then
        we       <= '0';
        last     <= '0';
        differed <= '0';
      end if;
    end if;
  end process;

  -- In the order of a burst's answer: runs, mismatches, busy cycles, cycles. That of INFER is cycles
  -- and wait: words 2 and 4 of buffer 0, 0 and 1 of buffer 1.
  word_number <= (read_index / 4) mod 8 when slot = 2 else
                 (read_index / 4) mod 2 when slot = 1 else
                 2 when (read_index / 4) mod 2 = 0 else 4;
  lane        <= read_index mod 4;

  -- Each count has a byte of its own that is 0 unless it is meant: an or costs less than a choice.
  read_data <= run0_byte or run1_byte or wait0_byte or wait1_byte or end_byte or code;

  reading : process (clk)
    variable y : std_logic_vector(15 downto 0);
  begin
    if rising_edge(clk) then
      if show = '0' then
        in_y <= '0';
      elsif read_enable = '1'
            and ((slot = 2 and read_index = burst_head_c - 1) or (slot /= 2 and read_index = 7)) then
        in_y <= '1';
      end if;
      if in_y = '0' then
        y_element <= 0;
        y_buffer  <= burst_buffer;
        if slot < 2 then
          y_buffer <= slot mod 2;
        elsif burst_two = '0' then
          y_buffer <= 1 - burst_buffer;
        end if;
      elsif read_enable = '1' and read_index mod 2 = 1 then
        if y_element = outputs_c - 1 then
          y_element <= 0;
          y_buffer  <= 1 - y_buffer;
        else
          y_element <= (y_element + 1) mod depth_c;
        end if;
      end if;

      if head = '0' or word_number /= 0 then
        run1_byte <= (others => '0');
      elsif read_enable = '1' then
        run1_byte <= byte_of(bits(run1_high, run_low(1)), lane);
      end if;
      if head = '0' or word_number /= 1 then
        wait1_byte <= (others => '0');
      elsif read_enable = '1' then
        wait1_byte <= byte_of(bits(wait1_high, wait_low(1)), lane);
      end if;
      if head = '0' or word_number /= 2 then
        run0_byte <= (others => '0');
      elsif read_enable = '1' then
        run0_byte <= byte_of(bits(run0_high, run_low(0)), lane);
      end if;
      if head = '0' or word_number /= 4 then
        wait0_byte <= (others => '0');
      elsif read_enable = '1' then
        wait0_byte <= byte_of(bits(wait0_high, wait_low(0)), lane);
      end if;
      -- What is left: two bits above 2 ** 32, the end and the windows.
      if head = '0' or lane >= 2 then
        end_byte <= (others => '0');
      elsif read_enable = '1' then
        end_byte <= (others => '0');
        if lane = 0 then
          if word_number = 3 then
            end_byte(0) <= top_bit(run0_high);
          elsif word_number = 5 then
            end_byte(0) <= top_bit(wait0_high);
          elsif word_number = 6 and all_runs = '0' then
            end_byte(0) <= burst_stopped;
            end_byte(1) <= not burst_stopped;
          end if;
        elsif word_number = 6 then
          end_byte(0) <= not burst_two;
          end_byte(1) <= burst_two;
        end if;
      end if;

      if show = '0' or in_y = '0' then
        code <= (others => '0');
      elsif read_enable = '1' then
        y := std_logic_vector(resize(signed(rdata), 16));
        if read_index mod 2 = 0 then
          code <= y(7 downto 0);
        else
          code <= y(15 downto 8);
        end if;
      end if;
    end if;
  end process;
end architecture;
