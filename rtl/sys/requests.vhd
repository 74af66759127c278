-- SPDX-License-Identifier: Apache-2.0
-- Decides what each frame from the host gets: an answer at once (all but INFER, READ_TENSOR and
-- BURST that are accepted), or work for the engine, whose answer comes later. Checks go from the
-- frame to its meaning: CRC, type, length, values, then state.
--
-- A frame stays in link_rx until its answer at once is sent, so nothing of it is copied. Answers of
-- the engine go on meanwhile.
library ieee;
use ieee.std_logic_1164.all;
use ieee.numeric_std.all;

use work.answer_pkg.all;
use work.link_pkg.all;
use work.variant_pkg.all;

entity requests is
  port (
    clk, rst : in  std_logic; -- rst: power-on
    frame_valid   : in  std_logic;
    frame_ready   : out std_logic;
    frame_status  : in  frame_status_t;
    frame_version : in  byte_t;
    frame_type    : in  byte_t;
    frame_length  : in  std_logic_vector(15 downto 0);
    frame_args    : in  args_t;
    -- windows
    window_frame : out std_logic; -- the frame that is coming in is INFER and has its length
    fill_free    : in  std_logic;
    fill_bad     : in  std_logic;
    bad_index    : in  natural range 0 to max_payload_c - 1;
    commit       : out std_logic;
    -- tensors and bursts
    tensor_good   : in  std_logic; -- such a row exists, as far as the low bits tell
    have_newest   : in  std_logic;
    have_older    : in  std_logic;
    engine_free   : in  std_logic; -- no window held, no re-run, no burst
    start_tensor  : out std_logic;
    start_burst   : out std_logic;
    stop_burst    : out std_logic;
    -- where the sequence number goes that stands in link_rx
    seq_write     : out std_logic;
    seq_now       : out std_logic; -- to the answer at once
    -- RESET: quiet holds the engine's answers back, then engine_rst for a few clocks
    quiet        : out std_logic;
    answers_idle : in  std_logic;
    engine_rst   : out std_logic := '0';
    -- events for the counters
    snapshot      : out std_logic; -- the registers as they are now
    frame_dropped : out std_logic;
    reset_done    : out std_logic;
    -- the answer at once, until answer_taken
    answer_valid : out std_logic;
    answer_taken : in  std_logic;
    answer_error : out std_logic;
    answer_words : out natural range 0 to 31;  -- of registers
    answer_first : out natural range 0 to 31;
    identity     : out std_logic; -- or registers from 0 on, whatever answer_first is
    -- payload of an ERROR, bit by bit; 0 unless read_error
    read_error   : in  std_logic;
    read_place   : in  place_t;
    read_data    : out std_logic := '0';
    active       : out std_logic); -- can go on without the host
end entity;

architecture rtl of requests is
  constant window_bytes_c : positive := window_c * features_c;
  constant reset_clocks_c : positive := 4;

  type state_t is (idle, judge, act, answering, let_go, quiesce, resetting);

  signal state       : state_t := idle;
  signal count       : natural range 0 to reset_clocks_c - 1 := 0;
  signal code        : error_t := no_error_c;
  signal kind        : natural range 0 to 7; -- the type, when it is known
  signal known       : std_logic;
  signal length_good : std_logic;
  signal high_zero   : std_logic; -- in the arguments, what is zero in all that are good
  signal registers_good, burst_good, arguments_good, windows_there : std_logic;
  signal payload     : std_logic; -- a bit of an ERROR
begin
  kind  <= to_integer(unsigned(frame_type(2 downto 0)));
  known <= '1' when frame_type(7 downto 3) = "00000" and kind /= 0 else '0';

  process (kind, frame_length)
    variable expected : natural range 0 to 65535;
  begin
    case kind is
      when 0 | 1 | 5 | 7 => expected := 0;
      when 2 | 4         => expected := 4;
      when 3             => expected := window_bytes_c;
      when 6             => expected := 8;
    end case;
    length_good <= '0';
    if frame_length = std_logic_vector(to_unsigned(expected, 16)) then
      length_good <= '1';
    end if;
  end process;

  window_frame <= '1' when known = '1' and length_good = '1' and kind = 3 else '0';

  -- Of the four bytes of READ_REGISTERS and READ_TENSOR, the eight of BURST.
  high_zero      <= '1' when frame_args(63 downto 56) = x"00" else '0';
  registers_good <= '1' when frame_args(47 downto 37) = "00000000000"
                             and frame_args(55 downto 53) = "000"
                             and frame_args(52 downto 48) /= "00000"
                             and unsigned('0' & frame_args(36 downto 32))
                                 + unsigned(frame_args(52 downto 48)) <= registers_c
                    else '0';
  burst_good     <= '1' when frame_args(55 downto 50) = "000000"
                             and (frame_args(49) xor frame_args(48)) = '1' else '0';

  arguments_good <= '1' when high_zero = '1' and ((kind = 2 and registers_good = '1')
                                                  or (kind = 4 and tensor_good = '1')
                                                  or (kind = 6 and burst_good = '1')) else '0';
  windows_there  <= '1' when have_newest = '1' and (have_older = '1' or kind = 4
                                                    or frame_args(48) = '1') else '0';

  -- Each field's bit first, then the choice of the field.
  error_bit : process (code, read_place, frame_type, frame_version, frame_length, bad_index)
  begin
    payload <= pick(x"0000" & frame_type & std_logic_vector(to_unsigned(code, 8)), read_place);
    if read_place >= 16 then
      case code is
        when bad_version_c => payload <= pick(x"00" & frame_version & x"0000", read_place);
        when bad_length_c  => payload <= pick(frame_length & x"0000", read_place);
        when bad_value_c   =>
          payload <= pick(std_logic_vector(to_unsigned(bad_index, 16)) & x"0000", read_place);
        when no_error_c | bad_crc_c | bad_type_c | busy_c | no_window_c | bad_argument_c => null;
      end case;
    end if;
  end process;

  answer_error  <= '1' when code /= no_error_c else '0';
  answer_valid  <= '1' when state = answering else '0';
  answer_words  <= 16 when kind = 1 else
                   to_integer(unsigned(frame_args(52 downto 48))) when kind = 2 else 0;
  answer_first  <= to_integer(unsigned(frame_args(36 downto 32)));
  identity      <= '1' when kind /= 2 else '0';
  frame_ready   <= '1' when state = let_go else '0';
  snapshot      <= '1' when state = act else '0';
  seq_write     <= '1' when state = act else '0';
  seq_now       <= '1' when code /= no_error_c or (kind /= 3 and kind /= 4 and kind /= 6) else '0';
  commit        <= '1' when state = act and code = no_error_c and kind = 3 else '0';
  start_tensor  <= '1' when state = act and code = no_error_c and kind = 4 else '0';
  start_burst   <= '1' when state = act and code = no_error_c and kind = 6 else '0';
  stop_burst    <= '1' when state = act and code = no_error_c and kind = 7 else '0';
  frame_dropped <= '1' when state = act and (code = bad_crc_c or code = bad_version_c
                                             or code = bad_length_c) else '0';
  reset_done    <= '1' when state = resetting and count = 0 else '0';
  quiet         <= '1' when state = quiesce or state = resetting else '0';
  active        <= '1' when (state = idle and frame_valid = '1') or state = judge or state = act
                            or state = let_go or state = resetting
                            or (state = quiesce and answers_idle = '1') else '0';

  process (clk)
  begin
    if rising_edge(clk) then
      if read_error = '0' then
        read_data <= '0';
      else
        read_data <= payload;
      end if;

      case state is
        when idle => -- the frame
          count <= reset_clocks_c - 1;
          if frame_valid = '1' then
            state <= judge;
            code  <= no_error_c;
            case frame_status is
              when frame_bad_crc     => code <= bad_crc_c;
              when frame_bad_version => code <= bad_version_c;
              when frame_too_long    => code <= bad_length_c;
              when frame_good =>
                if known = '0' then
                  code <= bad_type_c;
                elsif length_good = '0' then
                  code <= bad_length_c;
                end if;
            end case;
          end if;

        when judge => -- its meaning, then the state
          state <= act;
          if code = no_error_c and kind = 3 then
            if fill_bad = '1' then
              code <= bad_value_c;
            elsif fill_free = '0' then
              code <= busy_c;
            end if;
          elsif code = no_error_c and (kind = 2 or kind = 4 or kind = 6) then
            if arguments_good = '0' then
              code <= bad_argument_c;
            elsif kind /= 2 and windows_there = '0' then
              code <= no_window_c;
            elsif kind /= 2 and engine_free = '0' then
              code <= busy_c;
            end if;
          end if;

        when act =>
          state <= answering;
          if code = no_error_c then
            case kind is
              when 3 | 4 | 6         => state <= let_go;
              when 5                 => state <= quiesce;
              when 0 | 1 | 2 | 7     => null;
            end case;
          end if;

        when answering =>
          if answer_taken = '1' then
            state <= let_go;
          end if;

        when let_go => -- link_rx lets go of the frame
          state <= idle;

        when quiesce => -- until no frame is under way
          if answers_idle = '1' then
            engine_rst <= '1';
            state      <= resetting;
          end if;

        when resetting =>
          if count /= 0 then
            count <= count - 1;
          else
            engine_rst <= '0';
            state      <= answering;
          end if;
      end case;

      if rst = '1' then
        state      <= idle;
        engine_rst <= '0';
      end if;
    end if;
  end process;
end architecture;
