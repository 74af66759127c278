-- SPDX-License-Identifier: Apache-2.0
-- The bookkeeping of the accelerator's two window buffers: fills them from INFER payloads and runs
-- the engine: on accepted windows in order, once more on the newest for READ_TENSOR, again and again
-- on one or both for BURST.
--
-- Windows are accepted, run and answered in order, and the buffers alternate. A frame is always
-- filled into the buffer that does not hold the newest accepted window, so a frame that turns out
-- bad never damages the window that is run again; when that buffer is taken, so is the
-- other one or a re-run holds it, and the frame is BUSY. So never more than one window waits.
library ieee;
use ieee.std_logic_1164.all;
use ieee.numeric_std.all;

use work.link_pkg.all;
use work.variant_pkg.all;

entity window_buffers is
  port (
    clk, rst : in  std_logic; -- rst: power-on and RESET
    -- payload bytes of the frame that is coming in
    payload_valid : in  std_logic;
    payload_first : in  std_logic;
    payload_data  : in  byte_t;
    window_frame  : in  std_logic; -- it is a window
    -- what became of it, and its acceptance
    fill_free     : out std_logic; -- a buffer was free when the window began
    fill_bad      : out std_logic; -- a byte is outside the width of x
    bad_index     : out natural range 0 to max_payload_c - 1; -- the first such byte
    commit        : in  std_logic; -- a pulse: window good, fill_free was 1
    fill_buffer   : out natural range 0 to 1; -- where it is then
    have_newest   : out std_logic;
    have_older    : out std_logic;
    -- tensors and bursts, both special: a pulse while engine_free starts one
    engine_free   : out std_logic;
    start_tensor  : in  std_logic;
    again_tensor  : in  std_logic; -- a pulse while the tensor is not answered: run it once more
    rerun         : out std_logic; -- the run that is starting is special
    start_burst   : in  std_logic;
    two_windows   : in  std_logic; -- with start_burst
    stop_burst    : in  std_logic;
    tensor_last   : out std_logic; -- a pulse at the last element of y of the re-run
    tensor_end    : in  std_logic; -- a pulse: the tap is no longer needed
    burst         : out std_logic; -- goes on, or is not answered
    burst_two     : out std_logic;
    burst_stopped : out std_logic;
    burst_valid   : out std_logic; -- its answer can be sent
    special_taken : in  std_logic; -- a pulse: the answer is sent
    -- status and counters
    engine_busy    : out std_logic;
    windows_held   : out natural range 0 to 2;
    inference_done : out std_logic;
    -- the results and their counts
    run_begins     : out std_logic;
    run_counts     : out std_logic;
    run_buffer     : out natural range 0 to 1;
    keep           : out std_logic;
    run_starts     : out std_logic; -- a pulse a run of a burst
    wait_counts    : out std_logic; -- a window waits, or a burst goes on
    runs_done      : in  std_logic;
    expired        : in  std_logic;
    -- a finished inference, until result_taken
    result_valid   : out std_logic;
    result_buffer  : out natural range 0 to 1;
    result_taken   : in  std_logic;
    -- the accelerator
    window_we     : out std_logic;
    window_buffer : out natural range 0 to 1;
    window_addr   : out natural range 0 to window_c * features_c - 1 := 0;
    window_data   : out integer range -128 to 127 := 0;
    start_valid   : out std_logic;
    start_buffer  : out natural range 0 to 1;
    start_ready   : in  std_logic;
    y_last        : in  std_logic);
end entity;

architecture rtl of window_buffers is
  constant window_bytes_c : positive := window_c * features_c;
  constant x_max_c        : natural := 2 ** (x_bits_c - 1) - 1;

  type engine_t is (idle, starting, computing, tap_open);
  subtype buffer_t is natural range 0 to 1;

  signal taken, done   : std_logic_vector(1 downto 0) := "00"; -- by a window; its result is there
  signal waiting       : std_logic := '0'; -- the newest window
  signal newest        : buffer_t := 1;
  signal answer_next   : buffer_t := 0; -- the oldest window that has not been answered
  signal newest_good, older_good : std_logic := '0';
  signal fill, run     : buffer_t;
  signal engine        : engine_t := idle;
  signal running       : buffer_t := 0;
  signal wanted        : std_logic := '0'; -- a special run is to begin
  signal special       : std_logic := '0'; -- from its request to its answer's end
  signal special_run   : std_logic := '0'; -- the run under way is
  signal held          : buffer_t := 0;    -- the buffer that a re-run needs
  signal in_burst, two, stopped, ended, begun : std_logic := '0';
  signal fill_ok, we, bad, free_seen, fresh   : std_logic := '0';
  signal address       : natural range 0 to window_bytes_c - 1 := 0;
  signal data          : integer range -128 to 127 := 0;
  signal first_bad     : natural range 0 to window_bytes_c - 1 := 0;
  signal last_run, finishes, starts, normal_computes, burst_run : std_logic;
begin
  assert window_bytes_c <= max_payload_c
    report "window_buffers: window_c * features_c is more than a frame holds" severity failure;
  assert x_bits_c >= 2 and x_bits_c <= 8
    report "window_buffers: x_bits_c is not in 2..8" severity failure;

  fill <= 1 - newest;
  run  <= 1 - running;

  window_we     <= we;
  window_buffer <= fill;
  window_addr   <= address;
  window_data   <= data;
  fill_buffer   <= fill;
  fill_free     <= free_seen;
  fill_bad      <= bad;
  bad_index     <= first_bad;
  have_newest   <= newest_good;
  have_older    <= older_good;
  fill_ok       <= '1' when taken(fill) = '0' and in_burst = '0'
                            and (special = '0' or held = newest) else '0';

  engine_free   <= '1' when taken = "00" and special = '0' else '0';
  engine_busy   <= '1' when engine /= idle or waiting = '1' or wanted = '1' else '0';
  windows_held  <= 0 when taken = "00" else 2 when taken = "11" else 1;
  result_valid  <= done(answer_next);
  result_buffer <= answer_next;
  burst         <= in_burst;
  burst_two     <= two;
  burst_stopped <= stopped;
  burst_valid   <= ended;

  start_valid   <= '1' when engine = starting else '0';
  start_buffer  <= running;
  run_buffer    <= running;
  starts        <= '1' when engine = starting and start_ready = '1' else '0';
  finishes      <= '1' when engine = computing and y_last = '1' else '0';
  rerun         <= special_run;
  last_run      <= runs_done or stopped or expired;
  tensor_last   <= finishes and special_run and not in_burst;
  keep          <= '1' when engine = computing and (special_run = '0' or in_burst = '1') else '0';

  normal_computes <= '1' when engine = computing and y_last = '0'
                              and (special_run = '0' or in_burst = '1') else '0';
  run_begins      <= '1' when engine = starting else '0';
  run_counts      <= normal_computes;
  -- A burst has all its cycles counted from the second clock of the first run to the last y, which
  -- makes up for the clock in which that is seen.
  burst_run       <= special_run and in_burst;
  run_starts      <= starts and burst_run;
  wait_counts     <= '1' when waiting = '1' or (burst_run = '1' and begun = '1'
                                                and (engine = computing or engine = starting))
                     else '0';

  filling : process (clk)
  begin
    if rising_edge(clk) then
      if we = '1' then
        we <= '0';
      end if;
      if fresh = '1' then
        fresh <= '0';
        if bad = '0' and (data > x_max_c or data < -x_max_c - 1) then
          bad       <= '1';
          first_bad <= address;
        end if;
      end if;
      if payload_valid = '1' and window_frame = '1' then
        fresh <= '1';
        data  <= to_integer(signed(payload_data));
        if payload_first = '1' then
          address   <= 0;
          bad       <= '0';
          free_seen <= fill_ok;
          we        <= fill_ok;
        else
          we <= free_seen;
          if address /= window_bytes_c - 1 then
            address <= address + 1;
          end if;
        end if;
      end if;
      if rst = '1' then
        we <= '0';
      end if;
    end if;
  end process;

  running_windows : process (clk)
  begin
    if rising_edge(clk) then
      inference_done <= '0';

      if payload_valid = '1' and payload_first = '1' and window_frame = '1' and fill_ok = '1' then
        older_good <= '0';
      end if;
      if commit = '1' then
        taken(fill) <= '1';
        waiting     <= '1';
        newest      <= fill;
        newest_good <= '1';
        older_good  <= newest_good;
      end if;
      if result_taken = '1' then
        taken(answer_next) <= '0';
        done(answer_next)  <= '0';
        answer_next        <= 1 - answer_next;
      end if;

      if start_tensor = '1' or start_burst = '1' or again_tensor = '1' then
        wanted <= '1';
      end if;
      if start_tensor = '1' or start_burst = '1' then
        special <= '1';
        held    <= newest;
        two     <= two_windows;
        stopped <= '0';
        begun   <= '0';
      end if;
      if start_burst = '1' then
        in_burst <= '1';
      end if;
      if stop_burst = '1' then
        stopped <= '1';
      end if;
      if special_taken = '1' then
        special  <= '0';
        in_burst <= '0';
        ended    <= '0';
      end if;

      case engine is
        when idle =>
          special_run <= not waiting;
          if waiting = '1' then
            running <= newest;
            engine  <= starting;
          elsif wanted = '1' then
            wanted  <= '0';
            running <= held;
            if in_burst = '1' and two = '1' then
              running <= fill;
            end if;
            engine <= starting;
          end if;

        when starting =>
          if start_ready = '1' then
            if special_run = '0' then
              waiting <= '0';
            end if;
            engine <= computing;
          end if;

        when computing =>
          begun <= '1';
          if y_last = '1' then
            if special_run = '0' then
              inference_done <= '1';
              done(running)  <= '1';
              engine         <= idle;
            elsif in_burst = '0' then
              engine <= tap_open;
            else
              inference_done <= '1';
              if two = '1' then
                running <= run;
              end if;
              if last_run = '1' then
                ended  <= '1';
                engine <= idle;
              else
                engine <= starting;
              end if;
            end if;
          end if;

        when tap_open => -- another start would put its own elements on the tap
          if tensor_end = '1' then
            engine <= idle;
          end if;
      end case;

      if rst = '1' then
        taken          <= "00";
        done           <= "00";
        waiting        <= '0';
        newest         <= 1;
        newest_good    <= '0';
        older_good     <= '0';
        answer_next    <= 0;
        engine         <= idle;
        wanted         <= '0';
        special        <= '0';
        in_burst       <= '0';
        ended          <= '0';
        inference_done <= '0';
      end if;
    end if;
  end process;
end architecture;
