-- SPDX-License-Identifier: Apache-2.0
-- What comes of runs: y of each buffer's latest one, and the counts beside it from the ledger, as the
-- payloads of the answers to INFER and BURST. Compares each y of a burst with that of the buffer's run
-- before.
library ieee;
use ieee.std_logic_1164.all;
use ieee.numeric_std.all;

use work.answer_pkg.all;
use work.link_pkg.all;
use work.variant_pkg.all;

entity results is
  port (
    clk, rst   : in  std_logic;
    -- the ledger's, at read_place
    counts     : in  std_logic_vector(3 downto 0);
    counts_top : in  std_logic_vector(1 downto 0);
    runs_done  : in  std_logic;
    mismatch   : out std_logic; -- a pulse
    -- y of the run under way
    run_begins : in  std_logic;
    run_buffer : in  natural range 0 to 1;
    keep       : in  std_logic; -- y is a result
    y_valid    : in  std_logic;
    y_last     : in  std_logic;
    y_data     : in  integer range -32768 to 32767;
    -- the burst
    burst         : in  std_logic;
    burst_two     : in  std_logic;
    burst_stopped : in  std_logic;
    burst_buffer  : in  natural range 0 to 1; -- that runs first when there are two
    -- payload, bit by bit, one clock later; 0 unless show. slot: 0, 1 that buffer's result, 2 the
    -- burst
    show       : in  std_logic;
    slot       : in  natural range 0 to 3;
    read_index : in  answer_index_t;
    read_place : in  place_t;
    read_next  : in  std_logic; -- a pulse: on to the next byte
    read_data  : out std_logic := '0');
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
  signal element      : natural range 0 to depth_c - 1 := 0; -- that comes next
  signal we, last     : std_logic := '0';
  signal waddr, raddr : natural range 0 to 2 * depth_c - 1 := 0;
  signal wdata, rdata : y_t := (others => '0');
  signal differs      : std_logic;
  signal differed     : std_logic := '0';
  signal write_to     : natural range 0 to 2 * depth_c - 1;

  signal in_y       : std_logic := '0'; -- the payload has come to y
  signal y_buffer   : natural range 0 to 1 := 0;
  signal y_element  : natural range 0 to depth_c - 1 := 0;
  signal head       : std_logic; -- a bit of what is before y
  signal code       : std_logic_vector(15 downto 0);
  signal word_number : natural range 0 to 7;
  signal y_enable    : std_logic;

begin
  assert y_bits_c <= 16
    report "results: y_bits_c is more than an element holds" severity failure;

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
  code        <= std_logic_vector(resize(signed(rdata), 16));

  counting : process (word_number, read_place, counts, counts_top, runs_done, burst_stopped,
                      burst_two)
  begin
    head <= '0';
    case word_number is
      when 0 => head <= counts(1);
      when 1 => head <= counts(3);
      when 2 => head <= counts(0);
      when 4 => head <= counts(2);
      when 3 => -- what is above 2 ** 32
        if read_place = 0 then
          head <= counts_top(0);
        end if;
      when 5 =>
        if read_place = 0 then
          head <= counts_top(1);
        end if;
      when 6 => -- the end and the windows
        if read_place = 0 then
          head <= burst_stopped and not runs_done;
        elsif read_place = 1 then
          head <= not (burst_stopped or runs_done);
        elsif read_place = 8 then
          head <= not burst_two;
        elsif read_place = 9 then
          head <= burst_two;
        end if;
      when 7 => null;
    end case;
  end process;

  reading : process (clk)
  begin
    if rising_edge(clk) then
      if show = '0' then
        in_y <= '0';
      elsif read_next = '1'
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
      elsif read_next = '1' and read_index mod 2 = 1 then
        if y_element = outputs_c - 1 then
          y_element <= 0;
          y_buffer  <= 1 - y_buffer;
        else
          y_element <= (y_element + 1) mod depth_c;
        end if;
      end if;

      if show = '0' then
        read_data <= '0';
      elsif in_y = '1' then
        read_data <= pick(code & code, read_place);
      else
        read_data <= head;
      end if;
    end if;
  end process;
end architecture;
