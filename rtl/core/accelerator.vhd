-- SPDX-License-Identifier: Apache-2.0
-- One inference of the variant in variant_pkg: buffers, tile, drain, softmax and writer wired to
-- the four programs. The port is fixed in ARCHITECTURE.md; docs/engine.md tells how a pass runs.
library ieee;
use ieee.std_logic_1164.all;
use ieee.numeric_std.all;
use work.arithmetic_pkg.all;
use work.program_pkg.all;
use work.variant_pkg.all;

entity accelerator is
  port (
    clk           : in  std_logic;
    rst           : in  std_logic; -- synchronous, state only
    -- the codes of a window, ascending addresses from 0; an address of 0 begins a window anew
    window_we     : in  std_logic;
    window_buffer : in  natural range 0 to 1;
    window_addr   : in  natural range 0 to last_of(window_c * features_c);
    window_data   : in  integer range -128 to 127;
    start_valid   : in  std_logic;
    start_buffer  : in  natural range 0 to 1;
    start_ready   : out std_logic;
    y_valid       : out std_logic;
    y_last        : out std_logic;
    y_data        : out integer range -32768 to 32767;
    tap_enable    : in  std_logic;
    tap_tensor    : in  natural range 0 to 15;
    tap_layer     : in  natural range 0 to 1;
    tap_row       : in  natural range 0 to 255;
    tap_valid     : out std_logic;
    tap_index     : out natural range 0 to 255;
    tap_data      : out integer range -32768 to 32767);
end entity;

architecture rtl of accelerator is
  constant t_c            : positive := tile_tokens_c;
  constant p_c            : positive := tile_outputs_c;
  constant u_c            : positive := tile_terms_c;
  constant r_c            : positive := requantisers_c;
  constant groups_c       : positive := t_c / r_c;
  constant key_groups_c   : positive := ceil_div(key_banks_c, p_c);
  constant value_groups_c : positive := ceil_div(value_banks_c, u_c);
  constant stream_width_c : positive :=
    larger(stream_bits_c * stream_slices_c, bias_bits_c + row_field_c);
  constant stream_word_bits_c : natural := stream_bits_c + smaller(stream_bits_c, 1); -- and a mark
  constant deepest_c      : positive :=
    larger(activation_depth_c, larger(key_depth_c, value_depth_c));
  type token_words_t is array (0 to t_c - 1) of int_array_t(0 to u_c - 1);
  type key_words_t is array (0 to key_banks_c - 1) of int_array_t(0 to u_c - 1);
  type value_words_t is array (0 to value_banks_c - 1) of int_array_t(0 to p_c - 1);

  signal start          : std_logic;
  signal busy           : std_logic := '0';
  signal buffer_base    : natural range 0 to window_depth_c := 0;
  signal tap_on         : std_logic := '0';
  signal tap_t          : natural range 0 to 15 := 0;
  signal tap_r          : natural range 0 to 255 := 0;
  signal tap_l          : natural range 0 to 1 := 0;

  signal writes         : natural range 0 to 2047;
  signal softmaxes, reciprocals : natural range 0 to 1023;
  signal slot_free      : std_logic;

  signal issue_valid, issue_first, issue_last : std_logic;
  signal token_from     : token_source_t;
  signal token_addr     : natural range 0 to 16383;
  signal weight_addr    : natural range 0 to 262143;
  signal rom_idle       : std_logic;
  signal key_idle       : std_logic_vector(0 to key_groups_c - 1);
  signal value_idle     : std_logic_vector(0 to value_groups_c - 1);

  signal read_window, read_activation, read_numerator : std_logic;
  signal window_idle, activation_idle, numerator_idle : std_logic; -- zeros come
  signal window_read_addr : natural range 0 to span_of(window_depth_c) - 1;
  signal activation_read_addr : natural range 0 to span_of(activation_depth_c) - 1;
  signal numerator_read_addr : natural range 0 to span_of(numerator_depth_c) - 1;
  signal weight_read_addr : natural range 0 to span_of(weight_depth_c) - 1;
  signal key_read_addr  : natural range 0 to span_of(key_depth_c) - 1;
  signal value_read_addr : natural range 0 to span_of(value_depth_c) - 1;
  signal window_words, activation_words, numerator_words : token_words_t;
  signal key_words      : key_words_t;
  signal value_words    : value_words_t;
  signal weight_word    : std_logic_vector(p_c * u_c * weight_bits_c - 1 downto 0);

  signal stream_piece   : std_logic_vector(larger(stream_word_bits_c, 1) - 1 downto 0);
  signal stream_constants : std_logic_vector(stream_width_c - 1 downto 0);
  signal stream_valid, stream_next : std_logic;

  signal valid_1, first_1, last_1 : std_logic := '0';
  signal token_from_1   : token_source_t := from_window;
  signal from_rom_1     : std_logic := '0';
  signal valid_2, first_2, last_2 : std_logic := '0';
  signal tokens         : int_array_t(0 to t_c * u_c - 1) := (others => 0);
  signal weights        : int_array_t(0 to p_c * u_c - 1) := (others => 0);

  signal captured       : std_logic;
  signal tile_output    : natural range 0 to last_of(p_c);
  signal tile_group     : natural range 0 to last_of(groups_c);
  signal tile_acc       : int_array_t(0 to r_c - 1);

  signal drain_read     : std_logic;
  signal kept_read_addr : natural range 0 to last_of(kept_depth_c);
  signal kept_read_data : int_array_t(0 to r_c - 1);
  signal pool_read_addr : natural range 0 to last_of(pool_depth_c);
  signal pool_read_data : integer;
  signal reciprocal_addr : natural range 0 to last_of(softmax_slots_c * groups_c);
  signal reciprocal_data : int_array_t(0 to r_c - 1);
  signal score_valid    : std_logic;
  signal result_valid   : std_logic;
  signal result         : int_array_t(0 to r_c - 1);

  signal activation_write : std_logic_vector(0 to t_c - 1);
  signal activation_addr : int_array_t(0 to t_c - 1);
  signal activation_data : int_array_t(0 to t_c * u_c - 1);
  signal key_write      : std_logic_vector(0 to key_banks_c - 1);
  signal key_addr       : int_array_t(0 to key_banks_c - 1);
  signal key_data       : int_array_t(0 to key_banks_c * u_c - 1);
  signal value_write    : std_logic_vector(0 to value_banks_c - 1);
  signal value_addr     : int_array_t(0 to value_banks_c - 1);
  signal value_data     : int_array_t(0 to value_banks_c * p_c - 1);
  signal kept_write     : std_logic;
  signal kept_addr      : natural range 0 to last_of(kept_depth_c);
  signal kept_data      : int_array_t(0 to r_c - 1);
  signal pool_write, pool_fresh, pool_last : std_logic;
  signal pool_band      : natural range 0 to last_of(groups_c);
  signal pool_tokens    : natural range 0 to 64;
  signal pool_channel   : natural range 0 to 511;
  signal numerator_write : std_logic_vector(0 to t_c - 1);
  signal numerator_addr : natural range 0 to 16383;
  signal numerator_data : int_array_t(0 to softmax_lanes_c * u_c - 1);
  signal window_write   : std_logic_vector(0 to t_c - 1) := (others => '0');
  signal window_write_addr : natural range 0 to last_of(window_depth_c) := 0;
  signal window_write_data : int_array_t(0 to u_c - 1) := (others => 0);

  signal last_y         : std_logic;
  signal writer_tap_valid, softmax_tap_valid : std_logic;
  signal writer_tap_index, softmax_tap_index : natural range 0 to 255;
  signal writer_tap_data, softmax_tap_data : integer range -32768 to 32767;
begin
  start <= start_valid and not busy;
  start_ready <= not busy;
  y_last <= last_y;

  control : process (clk)
  begin
    if rising_edge(clk) then
      if start = '1' then
        busy <= '1';
        buffer_base <= start_buffer * (window_depth_c / 2);
        tap_on <= tap_enable;
        tap_t <= tap_tensor;
        tap_l <= tap_layer;
        tap_r <= tap_row;
      elsif last_y = '1' then
        busy <= '0';
      end if;
      if rst = '1' then
        busy <= '0';
      end if;
    end if;
  end process;

  -- Windows come row by row; tile_terms_c features of a row make a word.
  window_writer : process (clk)
    variable feature : natural range 0 to last_of(features_c) := 0;
    variable term    : natural range 0 to last_of(u_c) := 0;
    variable token   : natural range 0 to last_of(t_c) := 0;
    variable row     : natural range 0 to window_depth_c + window_slices_c := 0; -- first word of the block
    variable word    : natural range 0 to last_of(window_depth_c) := 0; -- in the row
  begin
    if rising_edge(clk) then
      window_write <= (others => '0');
      if window_we = '1' then
        if window_addr = 0 then
          feature := 0;
          term := 0;
          token := 0;
          word := 0;
          row := window_buffer * (window_depth_c / 2);
        end if;
        for u in 0 to u_c - 1 loop
          if u = term then
            window_write_data(u) <= window_data;
          end if;
        end loop;
        if term = u_c - 1 or feature = features_c - 1 then
          for t in 0 to t_c - 1 loop
            if t = token then
              window_write(t) <= '1';
            end if;
          end loop;
          window_write_addr <= row + word;
        end if;
        if feature = features_c - 1 then
          feature := 0;
          term := 0;
          word := 0;
          if token = t_c - 1 then
            token := 0;
            row := row + window_slices_c;
          else
            token := token + 1;
          end if;
        else
          feature := feature + 1;
          if term = u_c - 1 then
            term := 0;
            word := word + 1;
          else
            term := term + 1;
          end if;
        end if;
      end if;
    end if;
  end process;

  issue : entity work.issuer
    generic map (program_g => issue_program_c, key_groups_g => key_groups_c,
      value_groups_g => value_groups_c)
    port map (clk => clk, rst => rst, start => start, writes => writes, softmaxes => softmaxes,
      reciprocals => reciprocals, slot_free => slot_free, valid => issue_valid,
      first => issue_first, last => issue_last, token_from => token_from,
      token_addr => token_addr, weight_addr => weight_addr, rom_idle => rom_idle,
      key_idle => key_idle, value_idle => value_idle);

  -- Memories of the token port. Addresses that are not theirs are cut to fit.
  read_window <= issue_valid when token_from = from_window else '0';
  read_activation <= issue_valid when token_from = from_activation else '0';
  read_numerator <= issue_valid when token_from = from_numerator else '0';
  -- In a netlist a token is the OR of what is read; for a simulator to clear words costs more.
  window_idle <= '0' when fast_c else not read_window;
  activation_idle <= '0' when fast_c else not read_activation;
  numerator_idle <= '0' when fast_c else not read_numerator;
  -- lint: allow division because the span is a power of two
  window_read_addr <= (token_addr + buffer_base) mod span_of(window_depth_c);
  -- lint: allow division because the span is a power of two
  activation_read_addr <= token_addr mod span_of(activation_depth_c);
  -- lint: allow division because the span is a power of two
  numerator_read_addr <= token_addr mod span_of(numerator_depth_c);
  token_banks : for t in 0 to t_c - 1 generate
    window_bank : entity work.memory_bank
      generic map (kind_g => window_kind_c, depth_g => window_depth_c, elements_g => u_c,
        bits_g => x_bits_c, fast_g => fast_c)
      port map (clk => clk, write_enable => window_write(t), write_addr => window_write_addr,
        write_data => window_write_data, read_enable => read_window, idle => window_idle,
        read_addr => window_read_addr, read_data => window_words(t));
    activation_bank : entity work.memory_bank
      generic map (kind_g => activation_kind_c, depth_g => activation_depth_c, elements_g => u_c,
        bits_g => activation_bits_c, fast_g => fast_c)
      port map (clk => clk, write_enable => activation_write(t),
        write_addr => activation_addr(t),
        write_data => activation_data(t * u_c to t * u_c + u_c - 1),
        read_enable => read_activation, idle => activation_idle,
        read_addr => activation_read_addr,
        read_data => activation_words(t));
    numerator_bank : entity work.memory_bank
      generic map (kind_g => numerator_kind_c, depth_g => numerator_depth_c, elements_g => u_c,
        bits_g => e_bits_c, signed_g => false, fast_g => fast_c)
      port map (clk => clk, write_enable => numerator_write(t),
        write_addr => numerator_addr,
        write_data => numerator_data((t mod softmax_lanes_c) * u_c to
          (t mod softmax_lanes_c) * u_c + u_c - 1),
        read_enable => read_numerator, idle => numerator_idle, read_addr => numerator_read_addr,
        read_data => numerator_words(t));
  end generate;

  -- Memories of the weight port. What is not read gives zeros.
  -- lint: allow division because the span is a power of two
  weight_read_addr <= weight_addr mod span_of(weight_depth_c);
  -- lint: allow division because the span is a power of two
  key_read_addr <= weight_addr mod span_of(key_depth_c);
  -- lint: allow division because the span is a power of two
  value_read_addr <= weight_addr mod span_of(value_depth_c);
  weight_memory : entity work.weight_rom
    generic map (contents_g => weight_rom_c, addresses_g => bank_addresses_c,
      depths_g => bank_depths_c, words_g => bank_words_c, widths_g => bank_bits_c,
      blocks_g => bank_blocks_c, streams_g => bank_streams_c, depth_g => span_of(weight_depth_c),
      weights_g => p_c * u_c, bits_g => weight_bits_c, constants_g => stream_word_bits_c)
    port map (clk => clk, idle => rom_idle, read_addr => weight_read_addr,
      read_data => weight_word, constants => stream_piece);
  stream_generate : if stream_bits_c > 0 generate
    stream_valid <= valid_1 and from_rom_1 when token_from_1 /= from_nothing else '0';
    stream : entity work.constant_stream
      generic map (bits_g => larger(stream_bits_c, 2), slices_g => larger(stream_slices_c, 1),
        depth_g => stream_depth_c, fast_g => fast_c)
      port map (clk => clk, rst => rst, start => start, in_valid => stream_valid,
        piece => stream_piece, read_enable => drain_read, read_next => stream_next,
        constants => stream_constants);
  end generate;
  no_stream : if stream_bits_c = 0 generate
    stream_valid <= '0';
    stream_constants <= (others => '0');
  end generate;
  -- Keys and values that are alike in words and banks lie in the same LUT RAM, values behind the keys.
  attention_banks : if attention_shared_c generate
    banks : for b in 0 to key_banks_c - 1 generate
      used : if b < window_c generate
        bank : entity work.ram_distributed_pair
          generic map (depth_g => key_depth_c, elements_g => u_c, bits_g => key_bits_c,
            fast_g => fast_c)
          port map (clk => clk, write_enable => key_write(b), write_addr => key_addr(b),
            write_data => key_data(b * u_c to b * u_c + u_c - 1), read_addr => key_read_addr,
            first_idle => key_idle(b / p_c), first_data => key_words(b),
            second_idle => value_idle(b / u_c), second_data => value_words(b));
      end generate;
      unused : if b >= window_c generate
        key_words(b) <= (others => 0);
        value_words(b) <= (others => 0);
      end generate;
    end generate;
  end generate;
  key_banks : for b in 0 to key_banks_c - 1 generate
    used : if b < window_c and not attention_shared_c generate
      bank : entity work.memory_bank
        generic map (kind_g => key_kind_c, depth_g => key_depth_c, elements_g => u_c,
          bits_g => key_bits_c, fast_g => fast_c)
        port map (clk => clk, write_enable => key_write(b), write_addr => key_addr(b),
          write_data => key_data(b * u_c to b * u_c + u_c - 1), read_enable => '1',
          idle => key_idle(b / p_c), read_addr => key_read_addr, read_data => key_words(b));
    end generate;
    unused : if b >= window_c and not attention_shared_c generate
      key_words(b) <= (others => 0);
    end generate;
  end generate;
  value_banks : for b in 0 to value_banks_c - 1 generate
    used : if b < window_c and not attention_shared_c generate
      bank : entity work.memory_bank
        generic map (kind_g => value_kind_c, depth_g => value_depth_c, elements_g => p_c,
          bits_g => value_bits_c, fast_g => fast_c)
        port map (clk => clk, write_enable => value_write(b), write_addr => value_addr(b),
          write_data => value_data(b * p_c to b * p_c + p_c - 1), read_enable => '1',
          idle => value_idle(b / u_c), read_addr => value_read_addr, read_data => value_words(b));
    end generate;
    unused : if b >= window_c and not attention_shared_c generate
      value_words(b) <= (others => 0);
    end generate;
  end generate;

  -- Operands: one cycle after the memories.
  flags : process (clk)
  begin
    if rising_edge(clk) then
      valid_1 <= issue_valid;
      first_1 <= issue_first;
      last_1 <= issue_last;
      token_from_1 <= token_from;
      from_rom_1 <= not rom_idle;
      valid_2 <= valid_1;
      first_2 <= first_1;
      last_2 <= last_1;
      if rst = '1' then
        valid_1 <= '0';
        valid_2 <= '0';
      end if;
    end if;
  end process;

  simulated_tokens : if fast_c generate
    process (clk)
    begin
      if rising_edge(clk) then
        if valid_1 = '1' then
          for t in 0 to t_c - 1 loop
            for u in 0 to u_c - 1 loop
              case token_from_1 is
                when from_window =>
                  tokens(t * u_c + u) <= window_words(t)(u);
                when from_activation =>
                  tokens(t * u_c + u) <= activation_words(t)(u);
                when from_numerator =>
                  tokens(t * u_c + u) <= numerator_words(t)(u);
                when from_nothing =>
                  tokens(t * u_c + u) <= 0;
              end case;
            end loop;
          end loop;
        end if;
      end if;
    end process;
  end generate;
  netlist_tokens : if not fast_c generate
    tokens_of : for t in 0 to t_c - 1 generate
      terms_of : for u in 0 to u_c - 1 generate
        subtype code_t is std_logic_vector(token_port_bits_c - 1 downto 0);
        signal code : code_t := (others => '0');
      begin
        process (clk)
        begin
          if rising_edge(clk) then
            if valid_1 = '1' then
              code <= std_logic_vector(to_signed(window_words(t)(u), token_port_bits_c))
                or std_logic_vector(to_signed(activation_words(t)(u), token_port_bits_c))
                or std_logic_vector(to_signed(numerator_words(t)(u), token_port_bits_c));
            end if;
          end if;
        end process;
        tokens(t * u_c + u) <= to_integer(signed(code));
      end generate;
    end generate;
  end generate;

  -- A weight is the OR of the ROM and of every group of key and value banks: one at most is not zero.
  simulated_weights : if fast_c generate
    process (clk)
      variable code : integer;
    begin
      if rising_edge(clk) then
        if valid_1 = '1' then
          for p in 0 to p_c - 1 loop
            for u in 0 to u_c - 1 loop
              code := field_signed(weight_word, (p * u_c + u) * weight_bits_c, weight_bits_c,
                fast_c);
              for g in 0 to key_groups_c - 1 loop
                code := code + key_words(g * p_c + p)(u);
              end loop;
              for g in 0 to value_groups_c - 1 loop
                code := code + value_words(g * u_c + u)(p);
              end loop;
              weights(p * u_c + u) <= code;
            end loop;
          end loop;
        end if;
      end if;
    end process;
  end generate;
  netlist_weights : if not fast_c generate
    outputs_of : for p in 0 to p_c - 1 generate
      terms_of : for u in 0 to u_c - 1 generate
        subtype code_t is std_logic_vector(weight_port_bits_c - 1 downto 0);
        signal code : code_t := (others => '0');
      begin
        process (clk)
          variable sources : code_t;
        begin
          if rising_edge(clk) then
            if valid_1 = '1' then
              sources := std_logic_vector(resize(signed(weight_word(
                (p * u_c + u + 1) * weight_bits_c - 1 downto (p * u_c + u) * weight_bits_c)),
                weight_port_bits_c));
              for g in 0 to key_groups_c - 1 loop
                sources := sources or
                  std_logic_vector(to_signed(key_words(g * p_c + p)(u), weight_port_bits_c));
              end loop;
              for g in 0 to value_groups_c - 1 loop
                sources := sources or
                  std_logic_vector(to_signed(value_words(g * u_c + u)(p), weight_port_bits_c));
              end loop;
              code <= sources;
            end if;
          end if;
        end process;
        weights(p * u_c + u) <= to_integer(signed(code));
      end generate;
    end generate;
  end generate;

  matrix : entity work.tile
    generic map (tokens_g => t_c, outputs_g => p_c, terms_g => u_c, requantisers_g => r_c,
      token_bits_g => token_port_bits_c, weight_bits_g => weight_port_bits_c,
      acc_bits_g => tile_acc_bits_c, stages_g => lane_stages_c, chains_g => chains_c,
      fast_g => fast_tile_c)
    port map (clk => clk, rst => rst, in_valid => valid_2, in_first => first_2, in_last => last_2,
      tokens => tokens, weights => weights, captured => captured, drain_output => tile_output,
      drain_group => tile_group, acc => tile_acc);

  drainage : entity work.drain
    generic map (program_g => drain_program_c, lanes_g => r_c, outputs_g => p_c,
      groups_g => groups_c, acc_bits_g => acc_bits_c, multiplier_bits_g => multiplier_bits_c,
      residual_bits_g => kept_bits_c, gain_bits_g => gain_bits_c,
      sum_bits_g => sum_bits_c, code_bits_g => code_bits_c, shifts_g => shifts_c,
      lows_g => lows_c, highs_g => highs_c,
      channel_rom_g => channel_rom_c, gain_rom_g => gain_rom_c, position_rom_g => position_rom_c,
      channel_block_bits_g => channel_block_bits_c, gain_block_bits_g => gain_block_bits_c,
      position_block_bits_g => position_block_bits_c, stream_bits_g => stream_width_c,
      bias_bits_g => bias_bits_c, position_bits_g => position_bits_c,
      position_drop_g => position_drop_c, gain_field_g => gain_field_c, row_field_g => row_field_c,
      depth_kept_g => kept_depth_c, channels_g => pool_depth_c, slots_g => softmax_slots_c,
      shared_g => requantiser_dsps_c = 1, fast_g => fast_c)
    port map (clk => clk, rst => rst, start => start, captured => captured,
      tile_output => tile_output, tile_group => tile_group, tile_acc => tile_acc,
      kept_addr => kept_read_addr, kept_data => kept_read_data, pool_addr => pool_read_addr,
      pool_data => pool_read_data, reciprocal_addr => reciprocal_addr,
      reciprocal_data => reciprocal_data, stream_next => stream_next,
      stream_constants => stream_constants, read_enable => drain_read, score_valid => score_valid,
      out_valid => result_valid, result => result);

  kept : entity work.memory_bank
    generic map (kind_g => kept_kind_c, depth_g => kept_depth_c, elements_g => r_c,
      bits_g => kept_bits_c, fast_g => fast_c)
    port map (clk => clk, write_enable => kept_write, write_addr => kept_addr,
      write_data => kept_data, read_enable => drain_read, read_addr => kept_read_addr,
      read_data => kept_read_data);

  encoder : if not collapsed_c generate
    pooling : entity work.pool
      generic map (program_g => write_program_c, tokens_g => t_c, lanes_g => r_c,
        channels_g => pool_depth_c, code_bits_g => kept_bits_c, bits_g => pool_bits_c,
        fast_g => fast_c)
      port map (clk => clk, rst => rst, in_valid => pool_write, in_fresh => pool_fresh,
        in_band => pool_band, in_last => pool_last, in_tokens => pool_tokens,
        in_channel => pool_channel, in_codes => kept_data, read_enable => drain_read,
        read_addr => pool_read_addr, read_data => pool_read_data);
  end generate;
  collapsed : if collapsed_c generate
    reading_out : entity work.readout
      generic map (program_g => write_program_c, tokens_g => t_c, lanes_g => r_c,
        outputs_g => outputs_c, code_bits_g => readout_code_bits_c,
        weight_bits_g => readout_weight_bits_c, weight_rom_g => readout_rom_c,
        weight_block_bits_g => readout_block_bits_c, bits_g => readout_bits_c, drop_g => readout_drop_c,
        fast_g => fast_c)
      port map (clk => clk, rst => rst, start => start, in_valid => pool_write,
        in_band => pool_band, in_tokens => pool_tokens, in_channel => pool_channel,
        in_codes => kept_data, read_enable => drain_read, read_addr => pool_read_addr,
        read_data => pool_read_data);
  end generate;

  attention : entity work.softmax
    generic map (program_g => softmax_program_c, tokens_g => t_c, requantisers_g => r_c,
      lanes_g => softmax_lanes_c, terms_g => u_c, columns_g => window_c,
      slots_g => softmax_slots_c, score_bits_g => score_bits_c, u_bits_g => u_bits_c,
      e_bits_g => e_bits_c, multipliers_g => score_multipliers_c, shifts_g => score_shifts_c,
      tops_g => score_tops_c, dividends_g => dividends_c, table_g => exponential_c,
      pipelined_g => divider_pipelined_c, kind_g => score_kind_c, fast_g => fast_c)
    port map (clk => clk, rst => rst, start => start, in_valid => score_valid, scores => tile_acc,
      slot_free => slot_free, softmaxes => softmaxes, reciprocals => reciprocals,
      numerator_write => numerator_write, numerator_addr => numerator_addr,
      numerator_data => numerator_data, read_enable => drain_read,
      reciprocal_addr => reciprocal_addr, reciprocal_data => reciprocal_data,
      tap_enable => tap_on, tap_tensor => tap_t, tap_layer => tap_l, tap_row => tap_r,
      tap_valid => softmax_tap_valid, tap_index => softmax_tap_index,
      tap_data => softmax_tap_data);

  writeback : entity work.writer
    generic map (program_g => write_program_c, tokens_g => t_c, outputs_g => p_c, terms_g => u_c,
      lanes_g => r_c, key_banks_g => key_banks_c, value_banks_g => value_banks_c,
      activation_bits_g => activation_bits_c, code_bits_g => stored_bits_c,
      result_bits_g => result_bits_c, shared_g => attention_shared_c, depth_g => deepest_c, depth_kept_g => kept_depth_c,
      fast_g => fast_c)
    port map (clk => clk, rst => rst, start => start, in_valid => result_valid, codes => result,
      writes => writes, activation_write => activation_write, activation_addr => activation_addr,
      activation_data => activation_data, key_write => key_write, key_addr => key_addr,
      key_data => key_data, value_write => value_write, value_addr => value_addr,
      value_data => value_data, kept_write => kept_write, kept_addr => kept_addr,
      kept_data => kept_data, pool_write => pool_write, pool_fresh => pool_fresh,
      pool_band => pool_band, pool_last => pool_last, pool_tokens => pool_tokens,
      pool_channel => pool_channel, y_valid => y_valid, y_last => last_y, y_data => y_data,
      tap_enable => tap_on, tap_tensor => tap_t, tap_layer => tap_l, tap_row => tap_r,
      tap_valid => writer_tap_valid, tap_index => writer_tap_index, tap_data => writer_tap_data);

  tap_valid <= writer_tap_valid or softmax_tap_valid;
  tap_index <= softmax_tap_index when softmax_tap_valid = '1' else writer_tap_index;
  tap_data <= softmax_tap_data when softmax_tap_valid = '1' else writer_tap_data;
end architecture;
