-- SPDX-License-Identifier: Apache-2.0
-- Puts requantised codes away: lanes_g tokens of one channel come in a cycle. Walks channels, words
-- and passes for the buffers' bank_writers, counts the passes written, keeps the residual, feeds the
-- pool, streams y and serves the debug tap.
--
-- Timing: write ports are driven one cycle after in_valid, writes counts up with them; the tap two
-- cycles later.
library ieee;
use ieee.std_logic_1164.all;
use ieee.numeric_std.all;
use work.arithmetic_pkg.all;
use work.program_pkg.all;

entity writer is
  generic (
    program_g         : write_array_t;
    tokens_g          : positive;
    outputs_g         : positive;
    terms_g           : positive;
    lanes_g           : positive;
    key_banks_g       : positive;
    value_banks_g     : positive;
    activation_bits_g : positive;
    code_bits_g       : positive; -- of a code in any buffer
    result_bits_g     : positive; -- of a code that comes in
    shared_g          : boolean;  -- values go where keys go
    depth_g           : positive; -- words of the deepest buffer
    depth_kept_g      : positive;
    fast_g            : boolean);
  port (
    clk              : in  std_logic;
    rst              : in  std_logic;
    start            : in  std_logic;
    in_valid         : in  std_logic;
    codes            : in  int_array_t(0 to lanes_g - 1);
    writes           : out natural range 0 to 2047; -- passes written since start
    activation_write : out std_logic_vector(0 to tokens_g - 1);
    activation_addr  : out int_array_t(0 to tokens_g - 1);
    activation_data  : out int_array_t(0 to tokens_g * terms_g - 1);  -- (token, term)
    key_write        : out std_logic_vector(0 to key_banks_g - 1);
    key_addr         : out int_array_t(0 to key_banks_g - 1);
    key_data         : out int_array_t(0 to key_banks_g * terms_g - 1);
    value_write      : out std_logic_vector(0 to value_banks_g - 1);
    value_addr       : out int_array_t(0 to value_banks_g - 1);
    value_data       : out int_array_t(0 to value_banks_g * outputs_g - 1);
    kept_write       : out std_logic := '0';
    kept_addr        : out natural range 0 to last_of(depth_kept_g) := 0;
    kept_data        : out int_array_t(0 to lanes_g - 1);
    pool_write       : out std_logic := '0';           -- what comes is kept_data
    pool_fresh       : out std_logic := '0';           -- of the first tokens
    pool_band        : out natural range 0 to last_of(tokens_g / lanes_g) := 0;
    pool_last        : out std_logic := '0';           -- group of the block
    pool_tokens      : out natural range 0 to 64 := 0; -- of the block
    pool_channel     : out natural range 0 to 511 := 0; -- from pool_base on
    y_valid          : out std_logic := '0';
    y_last           : out std_logic := '0';
    y_data           : out integer range -32768 to 32767 := 0;
    tap_enable       : in  std_logic;
    tap_tensor       : in  natural range 0 to 15;
    tap_layer        : in  natural range 0 to 1;
    tap_row          : in  natural range 0 to 255;
    tap_valid        : out std_logic;
    tap_index        : out natural range 0 to 255;
    tap_data         : out integer range -32768 to 32767);
end entity;

architecture rtl of writer is
  constant program  : write_array_t(0 to program_g'length - 1) := program_g;
  constant groups_c : positive := tokens_g / lanes_g;
  constant gather_c : positive := larger(terms_g, outputs_g);
  subtype result_t is integer range -2**(result_bits_g - 1) to 2**(result_bits_g - 1) - 1;
  subtype code_t is integer range -2**(code_bits_g - 1) to 2**(code_bits_g - 1) - 1;
  type result_array_t is array (natural range <>) of result_t;

  signal pass     : write_t := program(0);
  signal upcoming : write_t := program(1);
  signal pc       : natural range 0 to last_of(program'length) := 0; -- after upcoming
  signal index    : natural range 0 to 255 := 0;                     -- of the channel
  signal place    : natural range 0 to last_of(gather_c) := 0;       -- of the channel in its word
  signal band     : natural range 0 to last_of(groups_c) := 0;
  signal address  : natural range 0 to last_of(depth_g) := 0;
  signal kept     : natural range 0 to last_of(depth_kept_g) := 0;
  signal next_row : natural range 0 to 32767;
  -- as seen by the key and value buffers
  signal key_address, value_address : natural range 0 to last_of(depth_g) := 0;
  signal key_row, key_next, value_row, value_next : natural range 0 to 32767;
  signal key_turn, value_turn : natural range 0 to 255;
  signal value_place : natural range 0 to last_of(gather_c) := 0;
  signal values_whole : boolean;
  signal ended, whole, last_band : boolean;
  signal whole_activation, whole_key, whole_value : std_logic;
  signal stored   : int_array_t(0 to lanes_g - 1) := (others => 0);
  -- what came in the last cycle
  signal valid_1  : std_logic := '0';
  signal codes_1  : result_array_t(0 to lanes_g - 1) := (others => 0);
  signal tensor_1 : natural range 0 to 15 := 0;
  signal layer_1  : natural range 0 to 1 := 0;
  signal row_1    : natural range 0 to 255 := 0;
  signal rows_1   : natural range 0 to 64 := 0;
  signal index_1  : natural range 0 to 255 := 0;
  signal tap_codes : int_array_t(0 to lanes_g - 1);

  -- the collapsed form's h goes to three buffers at once; then no pass goes to one of two alone
  function spreads return boolean is
  begin
    for i in program'range loop
      if program(i).destination = to_attention then
        return true;
      end if;
    end loop;
    return false;
  end function;
  constant spreads_c : boolean := spreads;

  -- whether codes of that destination go through the write port of keys
  function beside_keys(destination : destination_t) return boolean is
  begin
    return destination = to_key or (shared_g and destination = to_value);
  end function;

  -- the program as one of the three sees it
  function part_of(destination : destination_t) return write_array_t is
    variable part : write_array_t(0 to program'length - 1) := program;
  begin
    for i in part'range loop
      if part(i).destination = to_attention then
        part(i).destination := destination;
        if destination = to_key then
          part(i).rotation := part(i).key_rotation;
        elsif destination = to_value then
          part(i).rotation := part(i).value_rotation;
        end if;
      elsif destination = to_key and beside_keys(part(i).destination) then
        part(i).destination := to_key;
      end if;
    end loop;
    return part;
  end function;

  -- what a buffer keeps of a code: unsigned ones of the buffer's own width less half their range,
  -- which is a turn of the top bit
  function kept_code(code : integer; offset : boolean) return code_t is
    variable bits : signed(result_bits_g - 1 downto 0);
    variable word : signed(code_bits_g - 1 downto 0);
    variable less : natural := 0;
  begin
    if fast_g then
      if offset then
        less := 2**(activation_bits_g - 1);
      end if;
      -- wider are only y, which goes to no buffer, and what is not valid
      return smaller(larger(code, code_t'low + less) - less, code_t'high);
    end if;
    bits := to_signed(code, result_bits_g);
    word := bits(code_bits_g - 1 downto 0);
    if offset then
      word(code_bits_g - 1 downto activation_bits_g - 1) :=
        (others => not bits(activation_bits_g - 1));
    end if;
    return to_integer(word);
  end function;
begin
  assert program'length > 1
    report "writer: a program has more than one pass" severity failure;
  assert not shared_g or (terms_g = outputs_g and key_banks_g = value_banks_g and not spreads_c)
    report "writer: keys and values that are not alike" severity failure;

  last_band <= groups_c = 1 or band = pass.last_group;
  ended <= index = pass.last_index;
  whole <= ended or (pass.destination = to_value and place = outputs_g - 1)
    or (pass.destination /= to_value and place = terms_g - 1);
  next_row <= address + pass.row_step;
  alone : if not spreads_c generate
    whole_activation <= '1' when whole and pass.destination = to_activation else '0';
    whole_key <= '1' when whole and beside_keys(pass.destination) else '0';
    whole_value <= '1' when whole and pass.destination = to_value else '0';
    key_row <= address;
    key_next <= next_row;
    key_turn <= pass.rotation;
    value_row <= address;
    value_next <= next_row;
    value_turn <= pass.rotation;
    value_place <= place;
    values_whole <= whole;
  end generate;
  together : if spreads_c generate
    signal at : natural range 0 to last_of(gather_c) := 0; -- of the channel in its word of values
  begin
    values_whole <= ended or at = outputs_g - 1;
    whole_activation <= '1' when whole
      and (pass.destination = to_activation or pass.destination = to_attention) else '0';
    whole_key <= '1' when whole and pass.destination = to_attention else '0';
    whole_value <= '1' when values_whole and pass.destination = to_attention else '0';
    key_row <= key_address;
    key_next <= key_address + pass.row_step;
    key_turn <= pass.key_rotation;
    value_row <= value_address;
    value_next <= value_address + 1;
    value_turn <= pass.value_rotation;
    value_place <= at;

    process (clk)
    begin
      if rising_edge(clk) then
        if in_valid = '1' and last_band then
          if ended then
            key_address <= upcoming.key_base;
            value_address <= upcoming.value_base;
            at <= 0;
          elsif pass.destination = to_attention then
            if whole then
              key_address <= key_address + 1;
            end if;
            if values_whole then
              value_address <= value_address + pass.value_step;
              at <= 0;
            else
              at <= at + 1;
            end if;
          end if;
        end if;
        if start = '1' then
          key_address <= program(0).key_base;
          value_address <= program(0).value_base;
          at <= 0;
        end if;
      end if;
    end process;
  end generate;

  stores : for i in 0 to lanes_g - 1 generate
    stored(i) <= kept_code(codes(i), pass.offset);
    kept_data(i) <= codes_1(i);
    tap_codes(i) <= codes_1(i);
  end generate;

  walk : process (clk)
    variable count : natural range 0 to last_of(program'length + 1) := 0;
    variable fresh : boolean;
  begin
    if rising_edge(clk) then
      fresh := false;
      if in_valid = '1' then
        if pass.keep and not (last_band and ended) then
          kept <= kept + 1;
        end if;
        if not last_band then
          band <= band + 1;
        else
          band <= 0;
          if ended then
            fresh := true;
            count := count + 1;
          else
            index <= index + 1;
            if whole then
              place <= 0;
              address <= address + pass.word_step;
            else
              place <= place + 1;
            end if;
          end if;
        end if;
      end if;
      if fresh then
        pass <= upcoming;
        index <= upcoming.first_index;
        place <= 0;
        address <= upcoming.base;
        kept <= upcoming.kept_base;
        upcoming <= program(pc);
        if pc < program'length - 1 then
          pc <= pc + 1;
        end if;
      end if;
      if start = '1' then
        pass <= program(0);
        index <= program(0).first_index;
        place <= 0;
        band <= 0;
        address <= program(0).base;
        kept <= program(0).kept_base;
        upcoming <= program(1);
        pc <= smaller(2, program'length - 1);
        count := 0;
      end if;
      if rst = '1' then
        count := 0;
      end if;
      writes <= count;
    end if;
  end process;

  -- what goes on beside the buffers
  beside : process (clk)
  begin
    if rising_edge(clk) then
      valid_1 <= in_valid;
      kept_write <= '0';
      pool_write <= '0';
      y_valid <= '0';
      y_last <= '0';
      if in_valid = '1' then
        if pass.keep then
          kept_write <= '1';
        end if;
        if pass.pooled then
          pool_write <= '1';
        end if;
        if pass.destination = to_output then
          y_valid <= '1';
          if ended then
            y_last <= '1';
          end if;
        end if;
      end if;
      if in_valid = '1' then
        for i in 0 to lanes_g - 1 loop
          codes_1(i) <= codes(i);
        end loop;
        y_data <= codes(0);
      end if;
      kept_addr <= kept;
      pool_fresh <= '0';
      if pass.first_block then
        pool_fresh <= '1';
      end if;
      pool_last <= '0';
      if last_band then
        pool_last <= '1';
      end if;
      pool_band <= band;
      pool_tokens <= pass.tokens;
      pool_channel <= index + pass.pool_base;
      tensor_1 <= pass.tensor;
      layer_1 <= pass.layer;
      row_1 <= pass.first_token;
      rows_1 <= pass.tokens;
      for g in 1 to groups_c - 1 loop
        if band = g then
          row_1 <= pass.first_token + g * lanes_g;
          rows_1 <= pass.tokens - g * lanes_g;
        end if;
      end loop;
      index_1 <= index;
      if rst = '1' then
        valid_1 <= '0';
        y_valid <= '0';
        y_last <= '0';
      end if;
    end if;
  end process;

  activations : entity work.bank_writer
    generic map (program_g => part_of(to_activation), destination_g => to_activation, tokens_g => tokens_g,
      lanes_g => lanes_g, banks_g => tokens_g, places_g => terms_g, code_bits_g => code_bits_g)
    port map (clk => clk, in_valid => in_valid, codes => stored, band => band, place => place,
      whole => whole_activation, rotation => pass.rotation, tokens => pass.tokens,
      this_row => address, next_row => next_row, write => activation_write,
      addr => activation_addr, data => activation_data);
  keys : entity work.bank_writer
    generic map (program_g => part_of(to_key), destination_g => to_key, tokens_g => tokens_g,
      lanes_g => lanes_g, banks_g => key_banks_g, places_g => terms_g, code_bits_g => code_bits_g)
    port map (clk => clk, in_valid => in_valid, codes => stored, band => band, place => place,
      whole => whole_key, rotation => key_turn, tokens => pass.tokens,
      this_row => key_row, next_row => key_next, write => key_write, addr => key_addr,
      data => key_data);
  apart : if not shared_g generate
    values : entity work.bank_writer
      generic map (program_g => part_of(to_value), destination_g => to_value, tokens_g => tokens_g,
        lanes_g => lanes_g, banks_g => value_banks_g, places_g => outputs_g,
        code_bits_g => code_bits_g)
      port map (clk => clk, in_valid => in_valid, codes => stored, band => band,
        place => value_place, whole => whole_value, rotation => value_turn, tokens => pass.tokens,
        this_row => value_row, next_row => value_next, write => value_write, addr => value_addr,
        data => value_data);
  end generate;
  alike : if shared_g generate
    -- nobody reads them; wide constants are what GHDL's synthesis loses bits of
    value_write <= (others => whole_value);
    value_addr <= (others => value_row);
    value_data <= (others => stored(0));
  end generate;

  tap : entity work.writer_tap
    generic map (lanes_g => lanes_g, bits_g => result_bits_g)
    port map (clk => clk, rst => rst, enable => tap_enable, tensor => tap_tensor,
      layer => tap_layer, row => tap_row, in_valid => valid_1, in_tensor => tensor_1,
      in_layer => layer_1, in_row => row_1, in_rows => rows_1, in_index => index_1,
      in_codes => tap_codes, tap_valid => tap_valid, tap_index => tap_index,
      tap_data => tap_data);
end architecture;
