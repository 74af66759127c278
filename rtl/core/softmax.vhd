-- SPDX-License-Identifier: Apache-2.0
-- Scores of a block of tokens in, table softmax numerators and one reciprocal per token out.
-- Collecting keeps the maximum of every token; the sweep then takes lanes_g tokens of one column a
-- cycle: u = min(((max - a) * M + half) >> shift, top), e = table(u), Z = sum of e; a divider makes
-- floor(K / Z). Two score slots, so one block is collected while the other is swept.
--
-- Latency of a sweep: tokens/lanes_g * columns cycles + 8 until the last numerator is written; a
-- reciprocal 19 cycles after its Z (serial: 19 a token).
library ieee;
use ieee.std_logic_1164.all;
use work.arithmetic_pkg.all;
use work.program_pkg.all;

entity softmax is
  generic (
    program_g         : softmax_array_t;
    tokens_g          : positive;
    requantisers_g    : positive;    -- tokens a cycle that come in
    lanes_g           : positive;    -- divides requantisers_g
    terms_g           : positive;
    columns_g         : positive;    -- keys in a row
    slots_g           : positive;    -- of reciprocals
    acc_bits_g        : positive;
    u_bits_g          : positive;    -- widest u of all layers
    e_bits_g          : positive;
    multipliers_g     : int_array_t; -- per layer, as the next three
    shifts_g          : int_array_t;
    tops_g            : int_array_t; -- 2**bits of u - 1
    dividends_g       : int_array_t;
    table_g           : int_array_t; -- (layer, u), 2**u_bits_g entries a layer
    pipelined_g       : boolean;     -- the divider
    kind_g            : string;      -- of the score memory
    fast_g            : boolean);
  port (
    clk              : in  std_logic;
    rst              : in  std_logic;
    start            : in  std_logic;
    in_valid         : in  std_logic;
    scores           : in  int_array_t(0 to requantisers_g - 1);
    slot_free        : out std_logic;
    softmaxes        : out natural range 0 to 1023; -- blocks whose numerators are written
    reciprocals      : out natural range 0 to 1023;
    numerator_write  : out std_logic_vector(0 to tokens_g - 1);
    numerator_addr   : out natural range 0 to 16383;
    numerator_data   : out int_array_t(0 to lanes_g * terms_g - 1); -- (lane, term)
    read_enable      : in  std_logic;
    reciprocal_addr  : in  natural range 0 to slots_g * (tokens_g / requantisers_g) - 1;
    reciprocal_data  : out int_array_t(0 to requantisers_g - 1);
    tap_enable       : in  std_logic;
    tap_tensor       : in  natural range 0 to 15;
    tap_layer        : in  natural range 0 to 1;
    tap_row          : in  natural range 0 to 255;
    tap_valid        : out std_logic;
    tap_index        : out natural range 0 to 255;
    tap_data         : out integer range -32768 to 32767);
end entity;

architecture rtl of softmax is
  constant program   : softmax_array_t(0 to program_g'length - 1) := program_g;
  constant groups_c  : positive := tokens_g / requantisers_g;
  constant parts_c   : positive := requantisers_g / lanes_g;
  constant depth_c   : positive := 2 * groups_c * columns_g;
  constant e_top_c   : positive := 2**e_bits_g - 1;
  constant z_bits_c  : positive := e_bits_g + clog2(columns_g);
  constant k_bits_c  : positive := 17 + e_bits_g;
  constant tensor_u_c : natural := 5;
  constant tensor_e_c : natural := 6;
  constant layers_c  : positive := multipliers_g'length;
  constant multipliers_c : int_array_t(0 to layers_c - 1) := multipliers_g;
  constant tops_c    : int_array_t(0 to layers_c - 1) := tops_g;
  constant dividends_c : int_array_t(0 to layers_c - 1) := dividends_g;
  constant table_c   : int_array_t(0 to table_g'length - 1) := table_g;
  subtype score_t is integer range -2**(acc_bits_g - 1) to 2**(acc_bits_g - 1) - 1;
  type maxima_t is array (0 to 2 * tokens_g - 1) of score_t;
  signal maxima        : maxima_t := (others => 0); -- (slot, token)
  signal full          : std_logic := '0';          -- pulse: a slot is collected
  signal write_addr    : natural range 0 to depth_c - 1 := 0;
  signal sweep_read    : std_logic := '0';
  signal sweep_addr    : natural range 0 to depth_c - 1 := 0;
  signal sweep_part    : natural range 0 to parts_c - 1 := 0;
  signal sweep_token   : natural range 0 to 2 * tokens_g - 1 := 0; -- of the first lane, slot included
  signal part_1        : natural range 0 to parts_c - 1 := 0;
  signal token_1       : natural range 0 to 2 * tokens_g - 1 := 0;
  signal layer_0, layer_1 : natural range 0 to 1 := 0;
  signal valid_1, valid_2 : std_logic := '0';
  signal words         : int_array_t(0 to requantisers_g - 1);
  signal distances     : int_array_t(0 to lanes_g - 1) := (others => 0);
  signal factors       : int_array_t(0 to lanes_g - 1) := (others => 0);
  signal halves        : wide_array_t(0 to lanes_g - 1) := (others => wide_zero_c);
  signal shift         : natural range 0 to layers_c - 1 := 0;
  signal top           : integer range -32768 to 32767 := 0;
  signal u_valid       : std_logic;
  signal u_codes       : int_array_t(0 to lanes_g - 1);
  signal e_valid       : std_logic := '0';
  signal e_codes, u_held : int_array_t(0 to lanes_g - 1) := (others => 0);
  signal z_ready       : std_logic;
  signal z_valid       : std_logic := '0';
  signal dividend      : natural range 0 to 2**k_bits_c - 1 := 0;
  signal divisor       : natural range 0 to 2**z_bits_c - 1 := 0;
  signal q_valid       : std_logic;
  signal quotient      : natural range 0 to 2**17 - 1;

  function half(shift_by : natural) return wide_t is
    variable value : wide_t := wide_zero_c;
  begin
    if shift_by > 16 then
      value.high := 2**(shift_by - 17);
    else
      value.low := 2**(shift_by - 1);
    end if;
    return value;
  end function;
begin
  assert requantisers_g mod lanes_g = 0
    report "softmax: lanes_g must divide requantisers_g" severity failure;

  -- Collect: channels of the pass are columns; groups of tokens follow each other.
  collect : process (clk)
    variable pc     : natural range 0 to program'length := 0;
    variable column : natural range 0 to columns_g - 1 := 0;
    variable band  : natural range 0 to groups_c - 1 := 0;
    variable slot   : natural range 0 to 1 := 0;
    variable token  : natural range 0 to 2 * tokens_g - 1;
    variable score  : score_t;
    variable at     : natural range 0 to depth_c;
    variable groups : natural range 0 to groups_c;
  begin
    if rising_edge(clk) then
      full <= '0';
      at := write_addr;
      if in_valid = '1' then
        groups := 1;
        for g in 1 to groups_c - 1 loop
          if program(pc mod program'length).tokens > g * requantisers_g then
            groups := g + 1;
          end if;
        end loop;
        for i in 0 to requantisers_g - 1 loop
          token := slot * tokens_g + band * requantisers_g + i;
          score := scores(i);
          if column = 0 or score > maxima(token) then
            maxima(token) <= score;
          end if;
        end loop;
        at := at + 1;
        if band = groups - 1 then
          band := 0;
          if column = columns_g - 1 then
            column := 0;
            full <= '1';
            slot := 1 - slot;
            at := slot * groups_c * columns_g;
            pc := pc + 1;
          else
            column := column + 1;
          end if;
        else
          band := band + 1;
        end if;
      end if;
      if start = '1' or rst = '1' then
        pc := 0;
        column := 0;
        band := 0;
        slot := 0;
        at := 0;
        full <= '0';
      end if;
      if at = depth_c then
        at := 0;
      end if;
      write_addr <= at;
    end if;
  end process;

  score_memory : entity work.memory_bank
    generic map (kind_g => kind_g, depth_g => depth_c, elements_g => requantisers_g,
      bits_g => acc_bits_g, fast_g => fast_g)
    port map (clk => clk, write_enable => in_valid, write_addr => write_addr, write_data => scores,
      read_enable => sweep_read, read_addr => sweep_addr, read_data => words);

  -- Sweep: for each lane group of tokens, all columns.
  sweep : process (clk)
    variable pc       : natural range 0 to program'length := 0;
    variable pending  : natural range 0 to 2 := 0;
    variable slot     : natural range 0 to 1 := 0;
    variable busy     : boolean := false;
    variable column   : natural range 0 to columns_g - 1 := 0;
    variable part     : natural range 0 to parts_c - 1 := 0;
    variable band    : natural range 0 to groups_c - 1 := 0;
    variable groups   : positive range 1 to groups_c := 1;
    variable pass     : softmax_t := program(0);
    variable at       : natural range 0 to depth_c + groups_c := 0;
  begin
    if rising_edge(clk) then
      sweep_read <= '0';
      slot_free <= '0';
      if full = '1' then
        pending := pending + 1;
      end if;
      if not busy and pending > 0 then
        busy := true;
        pass := program(pc);
        groups := 1;
        for g in 1 to groups_c - 1 loop
          if pass.tokens > g * requantisers_g then
            groups := g + 1;
          end if;
        end loop;
        column := 0;
        part := 0;
        band := 0;
        at := slot * groups_c * columns_g;
      end if;
      if busy then
        sweep_read <= '1';
        sweep_addr <= at;
        sweep_part <= part;
        sweep_token <= slot * tokens_g + band * requantisers_g + part * lanes_g;
        layer_0 <= pass.layer;
        if column = columns_g - 1 then
          column := 0;
          if part = parts_c - 1 or band * requantisers_g + (part + 1) * lanes_g >= pass.tokens then
            part := 0;
            if band = groups - 1 then
              band := 0;
              busy := false;
              pending := pending - 1;
              slot_free <= '1';
              slot := 1 - slot;
              pc := pc + 1;
            else
              band := band + 1;
            end if;
          else
            part := part + 1;
          end if;
          at := slot * groups_c * columns_g + band;
        else
          column := column + 1;
          at := at + groups;
        end if;
      end if;
      if start = '1' or rst = '1' then
        pc := 0;
        pending := 0;
        slot := 0;
        busy := false;
        sweep_read <= '0';
        slot_free <= '0';
      end if;
    end if;
  end process;

  -- Distance from the row's maximum, then the same requantiser as everywhere.
  distance : process (clk)
  begin
    if rising_edge(clk) then
      valid_1 <= sweep_read;
      valid_2 <= valid_1;
      if sweep_read = '1' then
        part_1 <= sweep_part;
        token_1 <= sweep_token;
        layer_1 <= layer_0;
      end if;
      if valid_1 = '1' then
        for j in 0 to lanes_g - 1 loop
          distances(j) <= maxima(token_1 + j) - words(part_1 * lanes_g + j);
          factors(j) <= multipliers_c(layer_1 mod layers_c);
          halves(j) <= half(shifts_g(shifts_g'low + (layer_1 mod layers_c)));
        end loop;
        shift <= layer_1 mod layers_c;
        top <= tops_c(layer_1 mod layers_c);
      end if;
      if rst = '1' then
        valid_1 <= '0';
        valid_2 <= '0';
      end if;
    end if;
  end process;

  scaler : entity work.requantiser
    generic map (lanes_g => lanes_g, acc_bits_g => acc_bits_g + 1, multiplier_bits_g => 15,
      residual_bits_g => 2, gain_bits_g => 2, shifts_g => shifts_g, fast_g => fast_g)
    port map (clk => clk, rst => rst, in_valid => valid_2, acc => distances, multiplier => factors,
      residual => (0 to lanes_g - 1 => 0), gain => 0, bias => halves, shift => shift, low => 0,
      high => top, out_valid => u_valid, result => u_codes);

  -- Numerators: table, sum, words of terms_g columns; then the divisions in token order.
  numerators : process (clk)
    type sums_t is array (0 to slots_g * tokens_g - 1) of natural range 0 to 2**z_bits_c - 1;
    type reciprocals_t is array (0 to slots_g * tokens_g - 1) of natural range 0 to 2**17 - 1;
    variable pc       : natural range 0 to program'length := 0;
    variable pass     : softmax_t := program(0);
    variable column   : natural range 0 to columns_g - 1 := 0;
    variable term     : natural range 0 to terms_g - 1 := 0;
    variable word     : natural range 0 to 255 := 0;
    variable token    : natural range 0 to tokens_g - 1 := 0; -- of the first lane
    variable sums     : int_array_t(0 to lanes_g - 1) := (others => 0);
    variable gathered : int_array_t(0 to lanes_g * terms_g - 1) := (others => 0);
    variable count    : natural range 0 to 1023 := 0;
    variable z        : sums_t := (others => 0);
    variable waiting  : natural range 0 to slots_g * tokens_g := 0; -- sums not yet divided
    variable z_pc     : natural range 0 to program'length := 0;
    variable z_token  : natural range 0 to tokens_g - 1 := 0;
    variable r        : reciprocals_t := (others => 0);
    variable r_pc     : natural range 0 to program'length := 0;
    variable r_token  : natural range 0 to tokens_g - 1 := 0;
    variable r_count  : natural range 0 to 1023 := 0;
    variable row      : integer;
  begin
    if rising_edge(clk) then
      numerator_write <= (others => '0');
      tap_valid <= '0';
      z_valid <= '0';
      e_valid <= u_valid;
      if read_enable = '1' then
        for i in 0 to requantisers_g - 1 loop
          reciprocal_data(i) <= r(reciprocal_addr * requantisers_g + i);
        end loop;
      end if;

      if e_valid = '1' then
        pass := program(pc mod program'length);
        for j in 0 to lanes_g - 1 loop
          if column = 0 then
            sums(j) := e_codes(j);
          else
            sums(j) := sums(j) + e_codes(j);
          end if;
          for t in 0 to terms_g - 1 loop
            if t = term then
              gathered(j * terms_g + t) := e_codes(j);
            elsif term = 0 then
              gathered(j * terms_g + t) := 0;
            end if;
          end loop;
          row := pass.first_row + token + j;
          if tap_enable = '1' and tap_row = row and tap_layer = pass.layer
            and token + j < pass.tokens then
            tap_index <= column;
            if tap_tensor = tensor_u_c then
              tap_valid <= '1';
              tap_data <= u_held(j);
            elsif tap_tensor = tensor_e_c then
              tap_valid <= '1';
              tap_data <= e_codes(j);
            end if;
          end if;
        end loop;
        if term = terms_g - 1 or column = columns_g - 1 then
          for t in 0 to tokens_g - 1 loop
            if t >= token and t < token + lanes_g then
              numerator_write(t) <= '1';
            end if;
          end loop;
          numerator_addr <= pass.base + word;
          numerator_data <= gathered;
          term := 0;
          word := word + 1;
        else
          term := term + 1;
        end if;
        if column = columns_g - 1 then
          column := 0;
          term := 0;
          word := 0;
          for j in 0 to lanes_g - 1 loop
            if token + j < pass.tokens then
              z(pass.slot * tokens_g + token + j) := sums(j);
              waiting := waiting + 1;
            end if;
          end loop;
          if token + lanes_g >= pass.tokens then
            token := 0;
            count := count + 1;
            pc := pc + 1;
          else
            token := token + lanes_g;
          end if;
        else
          column := column + 1;
        end if;
      end if;

      if u_valid = '1' then
        for j in 0 to lanes_g - 1 loop
          e_codes(j) <= table_c(program(pc mod program'length).layer * 2**u_bits_g + u_codes(j));
        end loop;
        u_held <= u_codes;
      end if;

      -- z_valid: the divider takes the one offered a cycle ago
      if waiting > 0 and z_ready = '1' and (pipelined_g or z_valid = '0') then
        z_valid <= '1';
        divisor <= z(program(z_pc mod program'length).slot * tokens_g + z_token);
        dividend <= dividends_c(program(z_pc mod program'length).layer mod layers_c);
        waiting := waiting - 1;
        if z_token = program(z_pc mod program'length).tokens - 1 then
          z_token := 0;
          z_pc := z_pc + 1;
        else
          z_token := z_token + 1;
        end if;
      end if;
      if q_valid = '1' then
        r(program(r_pc mod program'length).slot * tokens_g + r_token) := quotient;
        if r_token = program(r_pc mod program'length).tokens - 1 then
          r_token := 0;
          r_count := r_count + 1;
          r_pc := r_pc + 1;
        else
          r_token := r_token + 1;
        end if;
      end if;

      if start = '1' or rst = '1' then
        pc := 0;
        column := 0;
        term := 0;
        word := 0;
        token := 0;
        count := 0;
        waiting := 0;
        z_pc := 0;
        z_token := 0;
        r_pc := 0;
        r_token := 0;
        r_count := 0;
        e_valid <= '0';
        z_valid <= '0';
        tap_valid <= '0';
        numerator_write <= (others => '0');
      end if;
      softmaxes <= count;
      reciprocals <= r_count;
    end if;
  end process;

  division : entity work.divider
    generic map (pipelined_g => pipelined_g, dividend_bits_g => k_bits_c,
      divisor_bits_g => z_bits_c, quotient_bits_g => 17)
    port map (clk => clk, rst => rst, in_valid => z_valid, in_ready => z_ready,
      dividend => dividend, divisor => divisor, out_valid => q_valid, quotient => quotient);
end architecture;
