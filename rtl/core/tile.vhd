-- SPDX-License-Identifier: Apache-2.0
-- The matrix tile: tokens_g x outputs_g dot products of terms_g terms a cycle, summed before the
-- accumulator. When a job's last slice leaves the pipeline its accumulators are captured into a
-- shadow, from which the drain unit takes requantisers_g tokens of one output a cycle while the
-- next job runs.
--
-- The first chains_g groups of dot products, each of as many as share a multiplier, are made by chains
-- of DSPs, the others by lanes of LUTs.
--
-- Timing: operands with in_valid in cycle 0 are accumulated at the end of cycle stages_g; captured
-- pulses in the cycle in which the shadow is first valid, stages_g + 2 after a job's last slice; acc
-- follows drain_output and drain_group by one cycle. Both bodies keep the same time.
library ieee;
use ieee.std_logic_1164.all;
use ieee.numeric_std.all;
use work.arithmetic_pkg.all;
use work.tile_pkg.all;

entity tile is
  generic (
    tokens_g       : positive;
    outputs_g      : positive;
    terms_g        : positive;
    requantisers_g : positive; -- divides tokens_g
    token_bits_g   : positive range 2 to 9;
    weight_bits_g  : positive range 2 to 8;
    acc_bits_g     : positive range 4 to 25;
    stages_g       : positive; -- of the lanes: (terms_g * digits of a weight + 1) / 2 at least
    chains_g       : natural;
    fast_g         : boolean); -- one loop instead of lanes
  port (
    clk          : in  std_logic;
    rst          : in  std_logic;
    in_valid     : in  std_logic;
    in_first     : in  std_logic; -- first slice of a job
    in_last      : in  std_logic;
    tokens       : in  int_array_t(0 to tokens_g * terms_g - 1);  -- (token, term)
    weights      : in  int_array_t(0 to outputs_g * terms_g - 1); -- (output, term)
    captured     : out std_logic;
    drain_output : in  natural range 0 to last_of(outputs_g);
    drain_group  : in  natural range 0 to last_of(tokens_g / requantisers_g);
    acc          : out int_array_t(0 to requantisers_g - 1));
end entity;

architecture rtl of tile is
  constant lanes_c : positive := tokens_g * outputs_g;
begin
  assert tokens_g mod requantisers_g = 0
    report "tile: requantisers_g must divide tokens_g" severity failure;
  assert stages_g >= (terms_g * ((weight_bits_g + 1) / 2) + 1) / 2
    report "tile: stages_g is too short for the lanes" severity failure;
  assert chains_g = 0 or stages_g >= terms_g
    report "tile: stages_g is too short for the chains" severity failure;

  simulated : if fast_g generate
    subtype token_t is integer range -2**(token_bits_g - 1) to 2**(token_bits_g - 1) - 1;
    subtype weight_t is integer range -2**(weight_bits_g - 1) to 2**(weight_bits_g - 1) - 1;
    subtype acc_t is integer range -2**(acc_bits_g - 1) to 2**(acc_bits_g - 1) - 1;
    type token_array_t is array (0 to tokens_g * terms_g - 1) of token_t;
    type weight_array_t is array (0 to outputs_g * terms_g - 1) of weight_t;
    type acc_array_t is array (0 to lanes_c - 1) of acc_t;
    type pipe_t is array (1 to stages_g) of acc_array_t;
    subtype flags_t is std_logic_vector(1 to stages_g);
  begin
    process (clk)
      variable token   : token_array_t;
      variable weight  : weight_array_t;
      variable pipe    : pipe_t := (others => (others => 0));
      variable sums    : acc_array_t := (others => 0);
      variable shadow  : acc_array_t := (others => 0);
      variable valid   : flags_t := (others => '0');
      variable first   : flags_t := (others => '0');
      variable last    : flags_t := (others => '0');
      variable capture : std_logic := '0';
      variable sum     : acc_t;
    begin
      if rising_edge(clk) then
        -- drain: reads the shadow as it was before this edge
        for r in 0 to requantisers_g - 1 loop
          acc(r) <= shadow(drain_output * tokens_g + drain_group * requantisers_g + r);
        end loop;
        captured <= capture;
        if capture = '1' then
          shadow := sums;
        end if;
        capture := '0';
        if valid(stages_g) = '1' then
          for i in sums'range loop
            if first(stages_g) = '1' then
              sums(i) := pipe(stages_g)(i);
            else
              sums(i) := sums(i) + pipe(stages_g)(i);
            end if;
          end loop;
          capture := last(stages_g);
        end if;
        for s in stages_g downto 2 loop
          if valid(s - 1) = '1' then
            pipe(s) := pipe(s - 1);
          end if;
        end loop;
        if in_valid = '1' then
          for i in token'range loop
            token(i) := tokens(i);
          end loop;
          for i in weight'range loop
            weight(i) := weights(i);
          end loop;
          for o in 0 to outputs_g - 1 loop
            for t in 0 to tokens_g - 1 loop
              sum := 0;
              for u in 0 to terms_g - 1 loop
                sum := sum + token(t * terms_g + u) * weight(o * terms_g + u);
              end loop;
              pipe(1)(o * tokens_g + t) := sum;
            end loop;
          end loop;
        end if;
        for s in stages_g downto 2 loop
          valid(s) := valid(s - 1);
          first(s) := first(s - 1);
          last(s) := last(s - 1);
        end loop;
        valid(1) := in_valid;
        first(1) := in_first;
        last(1) := in_last;
        if rst = '1' then
          valid := (others => '0');
          capture := '0';
          captured <= '0';
        end if;
      end if;
    end process;
  end generate;

  lanes : if not fast_g generate
    constant rows_c : positive := terms_g * ((weight_bits_g + 1) / 2);
    constant late_c : natural := stages_g - (rows_c + 1) / 2; -- stage of the first row
    -- a chain makes chain_w_c outputs of chain_x_c tokens
    constant chain_w_c : positive := chain_outputs(terms_g, token_bits_g, weight_bits_g);
    constant chain_x_c : positive := chain_tokens(terms_g, token_bits_g, weight_bits_g);
    constant chains_w_c : natural := outputs_g / chain_w_c;
    constant chains_x_c : natural := tokens_g / chain_x_c;
    type token_stages_t is array (0 to stages_g - 1)
      of std_logic_vector(tokens_g * terms_g * token_bits_g - 1 downto 0);
    type weight_stages_t is array (0 to stages_g - 1)
      of std_logic_vector(outputs_g * terms_g * weight_bits_g - 1 downto 0);
    type sums_t is array (0 to lanes_c - 1) of std_logic_vector(acc_bits_g - 1 downto 0);
    signal x : token_stages_t;
    signal w : weight_stages_t; -- odd bits inverted, as the rows take them
    signal sums : sums_t; -- of lanes the complement
    signal shadow : sums_t;
    signal valid, first, last : std_logic_vector(1 to stages_g) := (others => '0');
    signal capture : std_logic := '0';

    function odd_bits return std_logic_vector is
      variable odd : std_logic_vector(weight_bits_g - 1 downto 0) := (others => '0');
    begin
      for i in odd'range loop
        if i mod 2 = 1 then
          odd(i) := '1';
        end if;
      end loop;
      return odd;
    end function;
    constant odd_c : std_logic_vector(weight_bits_g - 1 downto 0) := odd_bits;

    -- Chains go through the outputs, then the tokens.
    function chained(output, token : natural) return boolean is
      constant across : natural := output / chain_w_c;
      constant down   : natural := token / chain_x_c;
    begin
      return across < chains_w_c and down < chains_x_c and down * chains_w_c + across < chains_g;
    end function;

    -- The drain chooses by a tree of two-way choices: of ifs a netlist makes a priority.
    constant groups_c       : positive := tokens_g / requantisers_g;
    constant levels_c       : natural := clog2(outputs_g);
    constant group_levels_c : natural := clog2(groups_c);
    type choices_t is array (0 to 2**(levels_c + group_levels_c) - 1)
      of std_logic_vector(acc_bits_g - 1 downto 0);

    function chosen(choices : choices_t; output, group_of : natural) return std_logic_vector is
      constant output_bits : unsigned(levels_c downto 0) := to_unsigned(output, levels_c + 1);
      constant group_bits  : unsigned(group_levels_c downto 0) :=
        to_unsigned(group_of, group_levels_c + 1);
      variable left : choices_t := choices;
      variable bit_of : std_logic;
    begin
      for level in 0 to levels_c + group_levels_c - 1 loop
        if level < group_levels_c then
          bit_of := group_bits(level);
        else
          bit_of := output_bits(level - group_levels_c);
        end if;
        for i in 0 to 2**(levels_c + group_levels_c - 1 - level) - 1 loop
          if bit_of = '1' then
            left(i) := left(2 * i + 1);
          else
            left(i) := left(2 * i);
          end if;
        end loop;
      end loop;
      return left(0);
    end function;
  begin
    assert chains_g <= chains_w_c * chains_x_c
      report "tile: more chains than the tile has room for" severity failure;

    x_ports : for i in 0 to tokens_g * terms_g - 1 generate
      x(0)((i + 1) * token_bits_g - 1 downto i * token_bits_g) <=
        std_logic_vector(to_signed(tokens(i), token_bits_g));
    end generate;
    w_ports : for i in 0 to outputs_g * terms_g - 1 generate
      w(0)((i + 1) * weight_bits_g - 1 downto i * weight_bits_g) <=
        std_logic_vector(to_signed(weights(i), weight_bits_g)) xor odd_c;
    end generate;

    -- operands wait for the rows that take them; what no row takes later is trimmed
    stages : for s in 1 to stages_g - 1 generate
      process (clk)
      begin
        if rising_edge(clk) then
          x(s) <= x(s - 1);
          w(s) <= w(s - 1);
        end if;
      end process;
    end generate;

    process (clk)
    begin
      if rising_edge(clk) then
        for s in 2 to stages_g loop
          valid(s) <= valid(s - 1);
          first(s) <= first(s - 1);
          last(s) <= last(s - 1);
        end loop;
        valid(1) <= in_valid;
        first(1) <= in_first;
        last(1) <= in_last;
        capture <= valid(stages_g) and last(stages_g);
        captured <= capture;
        if rst = '1' then
          valid <= (others => '0');
          capture <= '0';
          captured <= '0';
        end if;
      end if;
    end process;

    chains : for c in 0 to chains_g - 1 generate
      -- lint: allow division because only constants are divided
      constant o_c : natural := (c mod larger(chains_w_c, 1)) * chain_w_c;
      -- lint: allow division because only constants are divided
      constant t_c : natural := (c / larger(chains_w_c, 1)) * chain_x_c;
      signal chain_x : std_logic_vector(terms_g * chain_x_c * token_bits_g - 1 downto 0);
      signal chain_w : std_logic_vector(terms_g * chain_w_c * weight_bits_g - 1 downto 0);
      signal chain_acc : std_logic_vector(chain_w_c * chain_x_c * acc_bits_g - 1 downto 0);
    begin
      terms : for u in 0 to terms_g - 1 generate
        constant cycle_c : natural := stages_g - terms_g + u;
        constant stage_c : natural := cycle_c - chain_registers(cycle_c);
      begin
        tokens_of : for k in 0 to chain_x_c - 1 generate
          constant x_c : natural := ((t_c + k) * terms_g + u) * token_bits_g;
          constant to_c : natural := (u * chain_x_c + k) * token_bits_g;
        begin
          chain_x(to_c + token_bits_g - 1 downto to_c) <=
            x(stage_c)(x_c + token_bits_g - 1 downto x_c);
        end generate;
        weights_of : for k in 0 to chain_w_c - 1 generate
          constant w_c : natural := ((o_c + k) * terms_g + u) * weight_bits_g;
          constant to_c : natural := (u * chain_w_c + k) * weight_bits_g;
        begin
          chain_w(to_c + weight_bits_g - 1 downto to_c) <=
            w(stage_c)(w_c + weight_bits_g - 1 downto w_c) xor odd_c;
        end generate;
      end generate;
      chain : entity work.dot_chain
        generic map (terms_g => terms_g, lead_g => stages_g - terms_g, x_bits_g => token_bits_g,
          w_bits_g => weight_bits_g, tokens_g => chain_x_c, outputs_g => chain_w_c,
          acc_bits_g => acc_bits_g)
        port map (clk => clk, x => chain_x, w => chain_w, enable => valid(stages_g),
          first => first(stages_g), acc => chain_acc);
      sums_of : for o in 0 to chain_w_c - 1 generate
        tokens_of : for t in 0 to chain_x_c - 1 generate
          sums((o_c + o) * tokens_g + t_c + t) <= chain_acc(
            (o * chain_x_c + t + 1) * acc_bits_g - 1 downto (o * chain_x_c + t) * acc_bits_g);
        end generate;
      end generate;
    end generate;

    outputs : for o in 0 to outputs_g - 1 generate
      tokens_of : for t in 0 to tokens_g - 1 generate
        in_logic : if not chained(o, t) generate
          signal lane_x      : std_logic_vector(rows_c * token_bits_g - 1 downto 0);
          signal lane_digits : std_logic_vector(rows_c * 3 - 1 downto 0);
        begin
          rows : for r in 0 to rows_c - 1 generate
            constant u_c : natural := r mod terms_g;
            constant d_c : natural := r / terms_g;
            constant x_c : natural := (t * terms_g + u_c) * token_bits_g;
            constant w_c : natural := (o * terms_g + u_c) * weight_bits_g;
            constant s_c : natural := late_c + r / 2;
          begin
            lane_x((r + 1) * token_bits_g - 1 downto r * token_bits_g) <=
              x(s_c)(x_c + token_bits_g - 1 downto x_c);
            lowest : if d_c = 0 generate
              lane_digits(3 * r) <= '1';
            end generate;
            lower : if d_c > 0 generate
              lane_digits(3 * r) <= w(s_c)(w_c + 2 * d_c - 1);
            end generate;
            lane_digits(3 * r + 1) <= w(s_c)(w_c + 2 * d_c);
            inside : if 2 * d_c + 1 < weight_bits_g generate
              lane_digits(3 * r + 2) <= w(s_c)(w_c + 2 * d_c + 1);
            end generate;
            outside : if 2 * d_c + 1 >= weight_bits_g generate
              lane_digits(3 * r + 2) <= not w(s_c)(w_c + weight_bits_g - 1);
            end generate;
          end generate;
          lane : entity work.dot_lane
            generic map (terms_g => terms_g, x_bits_g => token_bits_g, w_bits_g => weight_bits_g,
              acc_bits_g => acc_bits_g)
            port map (clk => clk, x => lane_x, digits => lane_digits, enable => valid(stages_g),
              first => first(stages_g), acc_not => sums(o * tokens_g + t));
        end generate;
      end generate;
    end generate;

    process (clk)
    begin
      if rising_edge(clk) then
        if capture = '1' then
          shadow <= sums;
        end if;
      end if;
    end process;

    drain : for r in 0 to requantisers_g - 1 generate
      signal choices : choices_t;
    begin
      -- places of no lane repeat the last one
      places : for i in choices'range generate
        constant o_c : natural := smaller(i / 2**group_levels_c, outputs_g - 1);
        constant t_c : natural := smaller(i mod 2**group_levels_c, groups_c - 1) * requantisers_g + r;
      begin
        straight : if chained(o_c, t_c) generate
          choices(i) <= shadow(o_c * tokens_g + t_c);
        end generate;
        complement : if not chained(o_c, t_c) generate
          choices(i) <= not shadow(o_c * tokens_g + t_c);
        end generate;
      end generate;
      process (clk)
      begin
        if rising_edge(clk) then
          acc(r) <= to_integer(signed(chosen(choices, drain_output, drain_group)));
        end if;
      end process;
    end generate;
  end generate;
end architecture;
