-- SPDX-License-Identifier: Apache-2.0
-- READ_TENSOR: while the newest window runs again, captures a piece of one row of one tensor from the
-- accelerator's tap, and holds it until it is sent. A row of more than one piece takes another run
-- for each, while the answer waits in the middle: a memory for whole rows of 256 elements would cost
-- a hundred LUTs.
library ieee;
use ieee.std_logic_1164.all;
use ieee.numeric_std.all;

use work.answer_pkg.all;
use work.link_pkg.all;
use work.variant_pkg.all;

entity tensor_reader is
  generic (
    piece_g  : positive range 16 to 32 := 32; -- elements, a power of two
    settle_g : positive := 16); -- clocks after y_last in which tap elements may still come
  port (
    clk, rst : in  std_logic; -- rst: power-on and RESET
    -- a request; the arguments stand on args (tensor, layer, row) while read_start may come
    args       : in  args_t;
    args_good  : out std_logic; -- such a row exists; its high byte is not looked at
    read_start : in  std_logic; -- a pulse, while no answer is held
    -- window_buffers
    again      : out std_logic; -- a pulse: one more run of the same window
    rerun_last : in  std_logic;
    rerun_end  : out std_logic := '0'; -- a pulse: the tap is no longer needed
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
    answer_length : out answer_length_t;
    -- payload, bit by bit, one clock later; 0 unless show
    show        : in  std_logic;
    read_index  : in  answer_index_t;
    read_place  : in  place_t;
    read_data   : out std_logic := '0';
    -- A bit is wanted, and must wait. With abandon it never does; what is sent then is lost.
    read_wanted : in  std_logic;
    read_wait   : out std_logic;
    abandon     : in  std_logic;
    lost        : out std_logic);
end entity;

architecture rtl of tensor_reader is
  type state_t is (ready, computing, settling, answering);

  -- Ids of PROTOCOL.md 1.2.
  subtype tensor_t is natural range 0 to 15;

  function length_of(tensor : tensor_t) return answer_length_t is -- of the answer
  begin
    case tensor is
      when 1 | 2 | 3 | 4 | 7 | 8 | 10 | 11 => return 4 + 2 * d_model_c; -- h q k v c r z o
      when 5 | 6                           => return 4 + 2 * window_c; -- u e
      when 9                               => return 4 + 2 * d_ff_c; -- f
      when 12                              => return 4 + 2 * outputs_c; -- y
      when 0 | 13 | 14 | 15                => return 4;
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

  constant tap_bits_c : positive := tap_bits;
  -- Elements and the two in whose place the head of the answer lies, in pieces.
  constant pieces_c   : positive := (256 + 2 + piece_g - 1) / piece_g;

  signal state    : state_t := ready;
  signal tensor   : tensor_t := 0;
  signal layer    : natural range 0 to 1 := 0;
  signal row      : natural range 0 to 255 := 0;
  signal wait_for : natural range 0 to settle_g := 0;
  signal seen     : std_logic := '0'; -- an element has come
  signal enable   : std_logic := '0';
  signal head     : std_logic_vector(31 downto 0); -- the first four bytes
  signal code     : std_logic_vector(15 downto 0); -- an element

  signal capture_we    : std_logic := '0';
  signal capture_waddr : natural range 0 to piece_g - 1 := 0;
  signal capture_wdata : std_logic_vector(tap_bits_c - 1 downto 0) := (others => '0');
  signal capture_raddr : natural range 0 to piece_g - 1;
  signal piece, due    : natural range 0 to pieces_c - 1 := 0; -- that is captured; that is wanted
  signal tap_place     : natural range 0 to 257;
  signal missing       : std_logic;
  signal capture_rdata : std_logic_vector(tap_bits_c - 1 downto 0);
begin
  assert d_ff_c <= 256 and d_model_c <= 256 and heads_c * window_c <= 256 and layers_c <= 2
         and window_c <= 128 and outputs_c <= 128
    report "tensor_reader: variant_pkg has a tensor that the tap cannot address" severity failure;

  tap_enable    <= enable;
  tap_tensor    <= tensor;
  tap_layer     <= layer;
  tap_row       <= row;
  answer_valid  <= '1' when state = answering else '0';
  answer_failed <= not seen;
  answer_length <= length_of(tensor);

  -- Elements begin at byte 4.
  capture_raddr <= (read_index / 2) mod piece_g;
  tap_place     <= tap_index + 2;
  due           <= (read_index / (2 * piece_g)) mod 16;
  missing       <= '1' when show = '1' and read_wanted = '1'
                            and (piece /= due or state /= answering) else '0';
  read_wait     <= missing and not abandon;
  lost          <= missing and abandon;
  again         <= '1' when state = answering and missing = '1' and abandon = '0' else '0';
  code          <= std_logic_vector(resize(signed(capture_rdata), 16));

  -- The arguments again, or why there is no such tensor.
  head <= x"00" & std_logic_vector(to_unsigned(row, 8)) & "0000000"
          & std_logic_vector(to_unsigned(layer, 1)) & x"0"
          & std_logic_vector(to_unsigned(tensor, 4)) when seen = '1' else
          x"0000" & read_tensor_c & std_logic_vector(to_unsigned(bad_argument_c, 8));

  capture : entity work.ram_dist_sys
    generic map (depth_g => piece_g, width_g => tap_bits_c)
    port map (clk => clk, write_enable => capture_we, write_addr => capture_waddr,
              write_data => capture_wdata, read_enable => show,
              read_addr => capture_raddr, read_data => capture_rdata);

  check : process (args)
    variable row_of : natural range 0 to 255;
    variable exists : boolean;
  begin
    row_of := to_integer(unsigned(args(55 downto 48)));
    case tensor_t'(to_integer(unsigned(args(35 downto 32)))) is
      when 0 | 13 | 14 | 15 => exists := false;
      when 11 | 12          => exists := row_of = 0; -- o y
      when 5 | 6            => exists := row_of < heads_c * window_c; -- u e
      when 1 | 2 | 3 | 4 | 7 | 8 | 9 | 10 => exists := row_of < window_c;
    end case;
    -- h, o and y have layer 0 alone
    if args(40) = '1' and (layers_c = 1 or args(35 downto 32) = "0001"
                           or args(35 downto 34) = "11" or args(35 downto 32) = "1011") then
      exists := false;
    end if;
    args_good <= '0';
    if args(39 downto 36) = "0000" and args(47 downto 41) = "0000000" and exists then
      args_good <= '1';
    end if;
  end process;

  process (clk)
  begin
    if rising_edge(clk) then
      if capture_we = '1' then
        capture_we <= '0';
      end if;
      if enable = '1' and tap_valid = '1' then
        if tap_place / piece_g = piece then
          capture_we <= '1';
        end if;
        capture_waddr <= tap_place mod piece_g;
        capture_wdata <= std_logic_vector(to_signed(tap_data, tap_bits_c));
        seen          <= '1';
      end if;

      if show = '0' then
        read_data <= '0';
      elsif read_index < 4 then
        read_data <= pick(head, read_place);
      else
        read_data <= pick(code & code, read_place);
      end if;

      case state is
        when ready =>
          if read_start = '1' then
            tensor <= to_integer(unsigned(args(35 downto 32)));
            layer  <= to_integer(unsigned(args(40 downto 40)));
            row    <= to_integer(unsigned(args(55 downto 48)));
            piece  <= 0;
            seen   <= '0';
            enable <= '1';
            state  <= computing;
          end if;

        when computing =>
          wait_for <= settle_g;
          if rerun_last = '1' then
            state <= settling;
          end if;

        when settling =>
          if wait_for /= 0 then
            wait_for <= wait_for - 1;
          else
            enable    <= '0';
            rerun_end <= '1';
            state     <= answering;
          end if;

        when answering =>
          rerun_end <= '0';
          if answer_taken = '1' then
            state <= ready;
          elsif missing = '1' and abandon = '0' then
            piece  <= due;
            enable <= '1';
            state  <= computing;
          end if;
      end case;

      if rst = '1' then
        state      <= ready;
        enable     <= '0';
        rerun_end  <= '0';
        capture_we <= '0';
      end if;
    end if;
  end process;
end architecture;
