-- SPDX-License-Identifier: Apache-2.0
-- READ_TENSOR: has the newest window run again with the accelerator's tap on one row of one tensor,
-- captures the row, and holds the answer until it is sent.
library ieee;
use ieee.std_logic_1164.all;
use ieee.numeric_std.all;

use work.link_pkg.all;
use work.variant_pkg.all;

entity tensor_reader is
  generic (
    settle_g : positive := 16); -- clocks after y_last in which tap elements may still come
  port (
    clk, rst : in  std_logic; -- rst: power-on and RESET
    -- a request; the arguments stand on args (tensor, layer, row) while read_start may come
    args       : in  word_t;
    args_good  : out std_logic; -- such a row exists
    read_start : in  std_logic; -- a pulse, while idle
    read_seq   : in  std_logic_vector(15 downto 0);
    idle       : out std_logic;
    -- window_buffers
    rerun         : out std_logic := '0';
    rerun_last    : in  std_logic;
    rerun_release : out std_logic := '0';
    -- the accelerator's tap
    tap_enable : out std_logic;
    tap_tensor : out natural range 0 to 15;
    tap_layer  : out natural range 0 to 1;
    tap_row    : out natural range 0 to 255;
    tap_valid  : in  std_logic;
    tap_index  : in  natural range 0 to 255;
    tap_data   : in  integer range -32768 to 32767;
    -- the answer, until answer_taken
    answer_valid  : out std_logic;
    answer_taken  : in  std_logic;
    answer_failed : out std_logic; -- an ERROR frame: this variant's engine has no such tensor
    answer_seq    : out std_logic_vector(15 downto 0) := (others => '0');
    answer_length : out natural range 0 to max_payload_c;
    read_enable   : in  std_logic;
    read_index    : in  natural range 0 to max_payload_c - 1;
    read_data     : out byte_t); -- one clock later
end entity;

architecture rtl of tensor_reader is
  type state_t is (ready, computing, settling, answering);
  type row_t is record
    rows     : natural range 0 to 256;
    elements : natural range 0 to 256;
    layers   : natural range 0 to 2;
  end record;

  -- Ids of PROTOCOL.md 1.2.
  subtype tensor_t is natural range 0 to 15;

  function shape(tensor : tensor_t) return row_t is
  begin
    case tensor is
      when 1                       => return (window_c, d_model_c, 1); -- h
      when 2 | 3 | 4 | 7 | 8 | 10  => return (window_c, d_model_c, layers_c); -- q k v c r z
      when 5 | 6                   => return (heads_c * window_c, window_c, layers_c); -- u e
      when 9                       => return (window_c, d_ff_c, layers_c); -- f
      when 11                      => return (1, d_model_c, 1); -- o
      when 12                      => return (1, outputs_c, 1); -- y
      when 0 | 13 | 14 | 15        => return (0, 0, 0);
    end case;
  end function;

  -- Codes have at most 8 bits, with or without a sign; a y of more needs the whole width.
  function tap_bits return positive is
  begin
    if y_bits_c > 9 then
      return 16;
    end if;
    return 9;
  end function;

  function deepest return positive is
  begin
    if d_ff_c > 128 or d_model_c > 128 then
      return 256;
    elsif d_ff_c > 64 or d_model_c > 64 or window_c > 64 or outputs_c > 64 then
      return 128;
    end if;
    return 64;
  end function;

  constant tap_bits_c : positive := tap_bits;
  constant depth_c    : positive := deepest; -- elements of the longest row, up to a power of two

  signal state    : state_t := ready;
  signal tensor   : tensor_t := 0;
  signal layer    : natural range 0 to 1 := 0;
  signal row      : natural range 0 to 255 := 0;
  signal elements : natural range 0 to 256 := 0;
  signal missing  : natural range 0 to 256 := 0; -- elements of the row that have not come
  signal wait_for : natural range 0 to settle_g := 0;
  signal failed   : std_logic := '0';
  signal enable   : std_logic := '0';
  signal data_of  : std_logic := '0'; -- read_data comes from the capture
  signal read_odd : std_logic := '0';
  signal head     : byte_t := (others => '0'); -- one of the first four bytes

  signal capture_we    : std_logic := '0';
  signal capture_waddr : natural range 0 to depth_c - 1 := 0;
  signal capture_wdata : std_logic_vector(tap_bits_c - 1 downto 0) := (others => '0');
  signal capture_read  : std_logic;
  signal capture_raddr : natural range 0 to depth_c - 1;
  signal capture_rdata : std_logic_vector(tap_bits_c - 1 downto 0);
  signal element       : std_logic_vector(15 downto 0);
begin
  assert d_ff_c <= 256 and d_model_c <= 256 and heads_c * window_c <= 256 and layers_c <= 2
         and window_c <= 128 and outputs_c <= 128
    report "tensor_reader: variant_pkg has a tensor that the tap cannot address" severity failure;

  idle          <= '1' when state = ready else '0';
  tap_enable    <= enable;
  tap_tensor    <= tensor;
  tap_layer     <= layer;
  tap_row       <= row;
  answer_valid  <= '1' when state = answering else '0';
  answer_failed <= failed;
  answer_length <= 4 when failed = '1' else 4 + 2 * elements;

  capture_read  <= '1' when read_enable = '1' and state = answering else '0';
  capture_raddr <= ((read_index + 2044) / 2) mod depth_c; -- elements begin at byte 4
  read_data     <= head when data_of = '0' else
                   element(15 downto 8) when read_odd = '1' else element(7 downto 0);
  element       <= std_logic_vector(resize(signed(capture_rdata), 16));

  capture : entity work.ram_dist_sys
    generic map (depth_g => depth_c, width_g => tap_bits_c)
    port map (clk => clk, write_enable => capture_we, write_addr => capture_waddr,
              write_data => capture_wdata, read_enable => capture_read,
              read_addr => capture_raddr, read_data => capture_rdata);

  -- Only while a frame stands on args; args changes four times a frame at most.
  check : process (args)
    variable s : row_t;
  begin
    args_good <= '0';
    if args(7 downto 4) = "0000" and args(15 downto 9) = "0000000"
       and args(31 downto 24) = x"00" then
      s := shape(to_integer(unsigned(args(3 downto 0))));
      if to_integer(unsigned(args(23 downto 16))) < s.rows
         and to_integer(unsigned(args(8 downto 8))) < s.layers then
        args_good <= '1';
      end if;
    end if;
  end process;

  process (clk)
    variable s : row_t;
  begin
    if rising_edge(clk) then
      if capture_we = '1' then
        capture_we <= '0';
      end if;

      if enable = '1' and tap_valid = '1' and tap_index < elements then
        capture_we    <= '1';
        capture_waddr <= tap_index mod depth_c;
        capture_wdata <= std_logic_vector(to_signed(tap_data, tap_bits_c));
        if missing /= 0 then
          missing <= missing - 1;
        end if;
      end if;

      if read_enable = '1' then
        read_odd <= '0';
        if read_index mod 2 = 1 then
          read_odd <= '1';
        end if;
        data_of <= '1';
        if read_index < 4 then
          data_of <= '0';
        end if;
        if failed = '1' then
          if read_index = 0 then
            head <= std_logic_vector(to_unsigned(bad_argument_c, 8));
          elsif read_index = 1 then
            head <= read_tensor_c;
          else
            head <= (others => '0');
          end if;
        elsif read_index = 0 then
          head <= std_logic_vector(to_unsigned(tensor, 8));
        elsif read_index = 1 then
          head <= std_logic_vector(to_unsigned(layer, 8));
        elsif read_index = 2 then
          head <= std_logic_vector(to_unsigned(row, 8));
        else
          head <= (others => '0');
        end if;
      end if;

      case state is
        when ready =>
          if read_start = '1' then
            s          := shape(to_integer(unsigned(args(3 downto 0))));
            tensor     <= to_integer(unsigned(args(3 downto 0)));
            layer      <= to_integer(unsigned(args(8 downto 8)));
            row        <= to_integer(unsigned(args(23 downto 16)));
            elements   <= s.elements;
            answer_seq <= read_seq;
            missing    <= s.elements;
            failed     <= '0';
            enable     <= '1';
            rerun      <= '1';
            state      <= computing;
          end if;

        when computing =>
          rerun    <= '0';
          wait_for <= settle_g;
          if rerun_last = '1' then
            state <= settling;
          end if;

        when settling =>
          if wait_for /= 0 then
            wait_for <= wait_for - 1;
          else
            if missing /= 0 then
              failed <= '1';
            end if;
            enable        <= '0';
            rerun_release <= '1';
            state         <= answering;
          end if;

        when answering =>
          rerun_release <= '0';
          if answer_taken = '1' then
            state <= ready;
          end if;
      end case;

      if rst = '1' then
        state         <= ready;
        enable        <= '0';
        rerun         <= '0';
        rerun_release <= '0';
        capture_we    <= '0';
      end if;
    end if;
  end process;
end architecture;
