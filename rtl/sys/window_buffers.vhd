-- SPDX-License-Identifier: Apache-2.0
-- The bookkeeping of the accelerator's two window buffers: fills them from INFER payloads, runs the
-- engine on them in order, and keeps each result until its answer is sent.
--
-- Windows are accepted, run and answered in order, and the buffers alternate. A frame is always
-- filled into the buffer that does not hold the newest accepted window, so a frame that turns out
-- bad never damages the window that READ_TENSOR runs again; when that buffer is taken, so is the
-- other one or a re-run holds it, and the frame is BUSY.
library ieee;
use ieee.std_logic_1164.all;
use ieee.numeric_std.all;

use work.link_pkg.all;
use work.variant_pkg.all;

entity window_buffers is
  port (
    clk, rst : in  std_logic; -- rst: power-on and RESET
    now      : in  cycles_t;  -- counts clocks and wraps; no wait and no inference is as long
    -- payload bytes of the frame that is coming in
    payload_valid : in  std_logic;
    payload_index : in  natural range 0 to max_payload_c - 1;
    payload_data  : in  byte_t;
    frame_type    : in  byte_t;
    frame_length  : in  natural range 0 to 65535;
    -- what became of it, and its acceptance
    fill_free     : out std_logic; -- a buffer was free when the window began
    fill_bad      : out std_logic; -- a byte is outside the width of x
    bad_index     : out natural range 0 to max_payload_c - 1 := 0; -- the first such byte
    commit        : in  std_logic; -- a pulse: window good, fill_free was 1
    commit_seq    : in  std_logic_vector(15 downto 0);
    -- READ_TENSOR
    all_free      : out std_logic; -- no window held, engine idle
    have_newest   : out std_logic;
    rerun         : in  std_logic; -- a pulse while all_free and have_newest
    rerun_last    : out std_logic; -- a pulse at the last element of y of the re-run
    rerun_release : in  std_logic; -- a pulse: the buffer may be taken again
    -- status and counters
    engine_busy    : out std_logic;
    windows_held   : out natural range 0 to 2;
    inference_done : out std_logic;
    cycles         : out cycles_t;
    -- a finished inference, until result_taken
    result_valid   : out std_logic;
    result_seq     : out std_logic_vector(15 downto 0);
    result_taken   : in  std_logic;
    read_enable    : in  std_logic;
    read_index     : in  natural range 0 to max_payload_c - 1;
    read_data      : out byte_t; -- one clock later
    -- the accelerator
    window_we     : out std_logic;
    window_buffer : out natural range 0 to 1 := 0;
    window_addr   : out natural range 0 to window_c * features_c - 1 := 0;
    window_data   : out integer range -128 to 127 := 0;
    start_valid   : out std_logic;
    start_buffer  : out natural range 0 to 1 := 0;
    start_ready   : in  std_logic;
    y_valid       : in  std_logic;
    y_last        : in  std_logic;
    y_data        : in  integer range -32768 to 32767);
end entity;

architecture rtl of window_buffers is
  constant window_bytes_c : positive := window_c * features_c;
  -- A result: cycles and wait cycles, two words each, then y.
  constant result_words_c : positive := 32;
  constant first_y_c      : positive := 4;
  constant x_max_c        : natural := 2 ** (x_bits_c - 1) - 1;

  type slot_t is (free, waiting, running, done, held); -- held: by a re-run
  type slots_t is array (0 to 1) of slot_t;
  type seqs_t is array (0 to 1) of std_logic_vector(15 downto 0);
  type engine_t is (idle, save_wait_low, save_wait_high, computing, save_cycles_low,
                    save_cycles_high, recomputing, tap_open);

  signal slots       : slots_t := (others => free);
  signal seqs        : seqs_t := (others => (others => '0'));
  signal newest      : natural range 0 to 1 := 1;
  signal newest_good : std_logic := '0';
  signal run_next    : natural range 0 to 1 := 0; -- the oldest window that has not been run
  signal answer_next : natural range 0 to 1 := 0; -- the oldest window that has not been answered
  signal engine      : engine_t := idle;
  signal started     : cycles_t := 0; -- now, from which the cycles of a run are counted
  signal accepted    : cycles_t := 0; -- now, from which the wait of the window that waits is
  signal elapsed     : cycles_t := 0; -- of the wait, then of the run
  signal start       : std_logic := '0';
  signal rerun_wait  : std_logic := '0'; -- start_buffer is to be run again
  signal we, bad     : std_logic := '0';
  signal free_seen   : std_logic := '0';
  signal done_pulse  : std_logic := '0';
  signal last_pulse  : std_logic := '0';

  signal result_we    : std_logic := '0';
  signal result_word  : natural range 0 to result_words_c - 1 := 0;
  signal result_waddr : natural range 0 to 2 * result_words_c - 1 := 0;
  signal result_wdata : std_logic_vector(15 downto 0) := (others => '0');
  signal result_raddr : natural range 0 to 2 * result_words_c - 1;
  signal result_rdata : std_logic_vector(15 downto 0);
  signal read_high    : std_logic := '0';

  function other(buffer_number : natural range 0 to 1) return natural is
  begin
    return 1 - buffer_number;
  end function;

  function half(value : cycles_t; high : boolean) return std_logic_vector is
    variable bits : std_logic_vector(31 downto 0);
  begin
    bits := std_logic_vector(to_unsigned(value, 32));
    if high then
      return bits(31 downto 16);
    end if;
    return bits(15 downto 0);
  end function;

  impure function since(time_before : cycles_t) return cycles_t is
  begin
    return (now - time_before) mod 2 ** 24;
  end function;
begin
  assert window_bytes_c <= max_payload_c
    report "window_buffers: window_c * features_c is more than a frame holds" severity failure;
  assert first_y_c + outputs_c <= result_words_c
    report "window_buffers: outputs_c is more than a result holds" severity failure;
  assert x_bits_c >= 2 and x_bits_c <= 8
    report "window_buffers: x_bits_c is not in 2..8" severity failure;

  window_we      <= we;
  start_valid    <= start;
  fill_free      <= free_seen;
  fill_bad       <= bad;
  have_newest    <= newest_good;
  cycles         <= elapsed;
  inference_done <= done_pulse;
  rerun_last     <= last_pulse;
  all_free       <= '1' when slots(0) = free and slots(1) = free else '0';
  engine_busy    <= '0' when engine = idle and rerun_wait = '0' and slots(0) /= waiting
                             and slots(1) /= waiting else '1';
  windows_held   <= 0 when slots(0) = free and slots(1) = free else
                    1 when slots(0) = free or slots(1) = free else 2;
  result_valid   <= '1' when slots(answer_next) = done else '0';
  result_seq     <= seqs(answer_next);

  result_raddr <= result_words_c * answer_next + (read_index / 2) mod result_words_c;
  read_data    <= result_rdata(15 downto 8) when read_high = '1' else result_rdata(7 downto 0);

  results : entity work.ram_dist_sys
    generic map (depth_g => 2 * result_words_c, width_g => 16)
    port map (clk => clk, write_enable => result_we, write_addr => result_waddr,
              write_data => result_wdata, read_enable => read_enable, read_addr => result_raddr,
              read_data => result_rdata);

  fill : process (clk)
    variable value : integer range -128 to 127;
  begin
    if rising_edge(clk) then
      if we = '1' then
        we <= '0';
      end if;
      if payload_valid = '1' and frame_type = infer_c and frame_length = window_bytes_c then
        value := to_integer(signed(payload_data));
        if payload_index = 0 then
          bad <= '0';
          if slots(other(newest)) = free then
            free_seen <= '1';
            we        <= '1';
          else
            free_seen <= '0';
          end if;
        elsif free_seen = '1' then
          we <= '1';
        end if;
        if (payload_index = 0 or bad = '0') and (value > x_max_c or value < -x_max_c - 1) then
          bad       <= '1';
          bad_index <= payload_index;
        end if;
        window_buffer <= other(newest);
        window_addr   <= payload_index;
        window_data   <= value;
      end if;
      if rst = '1' then
        we <= '0';
      end if;
    end if;
  end process;

  run : process (clk)
  begin
    if rising_edge(clk) then
      if start = '1' then
        start <= '0';
      end if;
      if result_we = '1' then
        result_we <= '0';
      end if;
      if done_pulse = '1' then
        done_pulse <= '0';
      end if;
      if last_pulse = '1' then
        last_pulse <= '0';
      end if;
      if read_enable = '1' then
        if read_index mod 2 = 0 then
          read_high <= '0';
        else
          read_high <= '1';
        end if;
      end if;

      -- One time is enough: the engine takes a window within a few clocks of the end of the one
      -- before, long before another frame can be complete, so two never wait at a time. It stands
      -- still from the clock before the acceptance.
      if slots(0) /= waiting and slots(1) /= waiting and commit = '0' then
        accepted <= now;
      end if;

      if commit = '1' then
        slots(other(newest)) <= waiting;
        seqs(other(newest))  <= commit_seq;
        newest               <= other(newest);
        newest_good          <= '1';
      end if;
      if result_taken = '1' then
        slots(answer_next) <= free;
        answer_next        <= other(answer_next);
      end if;
      if rerun = '1' then
        slots(newest) <= held;
        start_buffer  <= newest;
        rerun_wait    <= '1';
      end if;
      if rerun_release = '1' then
        for i in 0 to 1 loop
          if slots(i) = held then
            slots(i) <= free;
          end if;
        end loop;
      end if;

      case engine is
        when idle =>
          if rerun_wait = '1' then
            if start_ready = '1' then
              start      <= '1';
              rerun_wait <= '0';
              engine     <= recomputing;
            end if;
          elsif slots(run_next) = waiting and start_ready = '1' then
            slots(run_next) <= running;
            start_buffer    <= run_next;
            start           <= '1';
            elapsed         <= since(accepted);
            result_word     <= first_y_c;
            engine          <= save_wait_low;
          end if;

        -- The first two clocks of a computation: no engine has a result by then.
        when save_wait_low => -- the accelerator samples start now
          result_we    <= '1';
          result_waddr <= result_words_c * run_next + 2;
          result_wdata <= half(elapsed, false);
          engine       <= save_wait_high;

        when save_wait_high =>
          started      <= now;
          result_we    <= '1';
          result_waddr <= result_words_c * run_next + 3;
          result_wdata <= half(elapsed, true);
          engine       <= computing;

        when computing =>
          if y_valid = '1' then
            result_we    <= '1';
            result_waddr <= result_words_c * run_next + result_word;
            result_wdata <= std_logic_vector(to_signed(y_data, 16));
            if result_word /= result_words_c - 1 then
              result_word <= result_word + 1;
            end if;
          end if;
          if y_valid = '1' and y_last = '1' then
            done_pulse <= '1';
            elapsed    <= since(started);
            engine     <= save_cycles_low;
          end if;

        when recomputing =>
          if y_valid = '1' and y_last = '1' then
            last_pulse <= '1';
            engine     <= tap_open;
          end if;

        when tap_open => -- another start would put its own elements on the tap
          if rerun_release = '1' then
            engine <= idle;
          end if;

        when save_cycles_low =>
          result_we    <= '1';
          result_waddr <= result_words_c * run_next;
          result_wdata <= half(elapsed, false);
          engine       <= save_cycles_high;

        when save_cycles_high =>
          result_we    <= '1';
          result_waddr <= result_words_c * run_next + 1;
          result_wdata <= half(elapsed, true);
          slots(run_next) <= done;
          run_next        <= other(run_next);
          engine       <= idle;
      end case;

      if rst = '1' then
        slots       <= (others => free);
        newest      <= 1;
        newest_good <= '0';
        run_next    <= 0;
        answer_next <= 0;
        engine      <= idle;
        start       <= '0';
        rerun_wait  <= '0';
        result_we   <= '0';
        done_pulse  <= '0';
        last_pulse  <= '0';
      end if;
    end if;
  end process;
end architecture;
