-- SPDX-License-Identifier: Apache-2.0
-- Decides what each frame from the host gets: an answer at once (IDENTIFY, READ_REGISTERS, RESET,
-- ERROR), or work for the engine, whose answer comes later. Checks go from the frame to its
-- meaning: CRC, type, length, values, then state.
library ieee;
use ieee.std_logic_1164.all;
use ieee.numeric_std.all;

use work.link_pkg.all;
use work.variant_pkg.all;

entity requests is
  port (
    clk, rst : in  std_logic; -- rst: power-on
    frame_valid   : in  std_logic;
    frame_ready   : out std_logic := '0';
    frame_status  : in  frame_status_t;
    frame_version : in  byte_t;
    frame_type    : in  byte_t;
    frame_seq     : in  std_logic_vector(15 downto 0);
    frame_length  : in  natural range 0 to 65535;
    frame_args    : in  word_t;
    -- windows
    fill_free   : in  std_logic;
    fill_bad    : in  std_logic;
    bad_index   : in  natural range 0 to max_payload_c - 1;
    commit      : out std_logic := '0';
    all_free    : in  std_logic;
    have_newest : in  std_logic;
    -- tensors
    args_good   : in  std_logic;
    tensor_idle : in  std_logic;
    read_start  : out std_logic := '0';
    -- RESET: quiet holds the engine's answers back, then engine_rst for a few clocks
    quiet        : out std_logic;
    answers_idle : in  std_logic;
    engine_rst   : out std_logic := '0';
    -- events for the counters
    frame_dropped : out std_logic := '0';
    reset_done    : out std_logic := '0';
    -- the answer at once, until answer_taken
    answer_valid  : out std_logic;
    answer_taken  : in  std_logic;
    answer_type   : out byte_t := (others => '0');
    answer_seq    : out std_logic_vector(15 downto 0) := (others => '0');
    answer_length : out natural range 0 to max_payload_c := 0;
    answer_first  : out natural range 0 to 31 := 0; -- register, for all but ERROR
    read_enable   : in  std_logic;
    read_index    : in  natural range 0 to max_payload_c - 1;
    read_data     : out byte_t := (others => '0'); -- of an ERROR, one clock later
    active        : out std_logic); -- can go on without the host
end entity;

architecture rtl of requests is
  constant window_bytes_c : positive := window_c * features_c;
  constant reset_clocks_c : positive := 4;

  type state_t is (idle, taken, quiesce, resetting);

  signal state        : state_t := idle;
  signal count        : natural range 0 to reset_clocks_c := 0;
  signal valid        : std_logic := '0';
  signal blocked      : std_logic := '0';
  signal quiet_now    : std_logic := '0';
  signal error_code   : error_t := no_error_c;
  signal error_type   : byte_t := (others => '0');
  signal error_detail : std_logic_vector(15 downto 0) := (others => '0');
begin
  answer_valid <= valid;
  quiet        <= quiet_now;
  active       <= '1' when (state = idle and frame_valid = '1' and (valid = '0' or blocked = '0'))
                           or state = taken
                           or state = resetting
                           or (state = quiesce and answers_idle = '1' and valid = '0')
                  else '0';

  process (clk)
    variable code       : error_t;
    variable detail     : natural range 0 to 65535;
    variable first_reg  : natural range 0 to 31;
    variable count_regs : natural range 0 to 31;
  begin
    if rising_edge(clk) then
      if valid = '1' and answer_taken = '1' then
        valid <= '0';
      end if;
      if read_enable = '1' then
        if read_index = 0 then
          read_data <= std_logic_vector(to_unsigned(error_code, 8));
        elsif read_index = 1 then
          read_data <= error_type;
        elsif read_index = 2 then
          read_data <= error_detail(7 downto 0);
        else
          read_data <= error_detail(15 downto 8);
        end if;
      end if;

      case state is
        when idle =>
          if frame_valid = '1' and frame_status = frame_good and frame_type = reset_c
             and frame_length = 0 then
            quiet_now <= '1';
            state     <= quiesce;
          elsif frame_valid = '1' then
            code       := no_error_c;
            detail     := 0;
            first_reg  := 0;
            count_regs := 0;
            if frame_status = frame_bad_version then
              code   := bad_version_c;
              detail := to_integer(unsigned(frame_version));
            elsif frame_status = frame_too_long then
              code   := bad_length_c;
              detail := frame_length;
            elsif frame_status = frame_bad_crc then
              code := bad_crc_c;

            elsif frame_type = identify_c then
              count_regs := 16;
              if frame_length /= 0 then
                code   := bad_length_c;
                detail := frame_length;
              end if;

            elsif frame_type = read_registers_c then
              first_reg  := to_integer(unsigned(frame_args(4 downto 0)));
              count_regs := to_integer(unsigned(frame_args(20 downto 16)));
              if frame_length /= 4 then
                code   := bad_length_c;
                detail := frame_length;
              elsif frame_args(15 downto 5) /= "00000000000"
                    or frame_args(31 downto 21) /= "00000000000" or count_regs = 0
                    or first_reg + count_regs > registers_c then
                code := bad_argument_c;
              end if;

            elsif frame_type = infer_c then
              if frame_length /= window_bytes_c then
                code   := bad_length_c;
                detail := frame_length;
              elsif fill_bad = '1' then
                code   := bad_value_c;
                detail := bad_index;
              elsif fill_free = '0' then
                code := busy_c;
              end if;

            elsif frame_type = read_tensor_c then
              if frame_length /= 4 then
                code   := bad_length_c;
                detail := frame_length;
              elsif args_good = '0' then
                code := bad_argument_c;
              elsif have_newest = '0' then
                code := no_window_c;
              elsif all_free = '0' or tensor_idle = '0' then
                code := busy_c;
              end if;

            elsif frame_type = reset_c then
              code   := bad_length_c;
              detail := frame_length;

            else
              code := bad_type_c;
            end if;

            blocked <= '0';
            if code = no_error_c and frame_type = infer_c then
              commit      <= '1';
              frame_ready <= '1';
              state       <= taken;
            elsif code = no_error_c and frame_type = read_tensor_c then
              read_start  <= '1';
              frame_ready <= '1';
              state       <= taken;
            elsif valid = '1' then
              blocked <= '1'; -- the answer before is not out yet
            else
              valid        <= '1';
              frame_ready  <= '1';
              state        <= taken;
              answer_seq   <= frame_seq;
              answer_first <= first_reg;
              if code = no_error_c then
                answer_type   <= frame_type or answer_c;
                answer_length <= 4 * count_regs;
              else
                answer_type   <= error_c;
                answer_length <= 4;
                error_code    <= code;
                error_type    <= frame_type;
                error_detail  <= std_logic_vector(to_unsigned(detail, 16));
              end if;
              if code = bad_crc_c or code = bad_version_c or code = bad_length_c then
                frame_dropped <= '1';
              end if;
            end if;
          end if;

        when taken => -- link_rx lets go of the frame
          frame_ready   <= '0';
          frame_dropped <= '0';
          commit        <= '0';
          read_start    <= '0';
          reset_done    <= '0';
          state         <= idle;

        when quiesce => -- answers at once still go out, then no frame is under way
          if answers_idle = '1' and valid = '0' then
            answer_seq <= frame_seq;
            engine_rst <= '1';
            count      <= reset_clocks_c - 1;
            state      <= resetting;
          end if;

        when resetting =>
          if count /= 0 then
            count <= count - 1;
          else
            engine_rst    <= '0';
            quiet_now     <= '0';
            reset_done    <= '1';
            answer_type   <= reset_c or answer_c;
            answer_length <= 0;
            valid         <= '1';
            frame_ready   <= '1';
            state         <= taken;
          end if;
      end case;

      if rst = '1' then
        state         <= idle;
        valid         <= '0';
        blocked       <= '0';
        quiet_now     <= '0';
        engine_rst    <= '0';
        frame_ready   <= '0';
        frame_dropped <= '0';
        commit        <= '0';
        read_start    <= '0';
        reset_done    <= '0';
      end if;
    end if;
  end process;
end architecture;
