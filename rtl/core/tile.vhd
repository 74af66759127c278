-- SPDX-License-Identifier: Apache-2.0
-- The matrix tile: tokens_g x outputs_g dot products of terms_g terms a cycle, summed before the
-- accumulator. When a job's last slice leaves the pipeline its accumulators are captured into a
-- shadow, from which the drain unit takes requantisers_g tokens of one output a cycle while the
-- next job runs.
--
-- Timing: operands with in_valid in cycle 0 are accumulated at the end of cycle stages_g; captured
-- pulses in the cycle in which the shadow is first valid, stages_g + 2 after a job's last slice; acc
-- follows drain_output and drain_group by one cycle. Both bodies keep the same time.
library ieee;
use ieee.std_logic_1164.all;
use ieee.numeric_std.all;
use work.arithmetic_pkg.all;

entity tile is
  generic (
    tokens_g       : positive;
    outputs_g      : positive;
    terms_g        : positive;
    requantisers_g : positive; -- divides tokens_g
    token_bits_g   : positive range 2 to 9;
    weight_bits_g  : positive range 2 to 8;
    acc_bits_g     : positive range 4 to 25;
    stages_g       : positive; -- of the lanes: (terms_g * digits of a weight + 1) / 2
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
  assert stages_g = (terms_g * ((weight_bits_g + 1) / 2) + 1) / 2
    report "tile: stages_g is not that of the lanes" severity failure;

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
    type token_stages_t is array (0 to stages_g - 1)
      of std_logic_vector(tokens_g * terms_g * token_bits_g - 1 downto 0);
    type weight_stages_t is array (0 to stages_g - 1)
      of std_logic_vector(outputs_g * terms_g * weight_bits_g - 1 downto 0);
    type sums_t is array (0 to lanes_c - 1) of std_logic_vector(acc_bits_g - 1 downto 0);
    signal x_in : std_logic_vector(tokens_g * terms_g * token_bits_g - 1 downto 0);
    signal w_in : std_logic_vector(outputs_g * terms_g * weight_bits_g - 1 downto 0);
    signal x_late : token_stages_t; -- from stage 1
    signal w_late : weight_stages_t;
    signal x : token_stages_t;
    signal w : weight_stages_t;
    signal sums, shadow : sums_t;
    signal valid, first, last : std_logic_vector(1 to stages_g) := (others => '0');
    signal capture : std_logic := '0';
  begin
    x_ports : for i in 0 to tokens_g * terms_g - 1 generate
      x_in((i + 1) * token_bits_g - 1 downto i * token_bits_g) <=
        std_logic_vector(to_signed(tokens(i), token_bits_g));
    end generate;
    w_ports : for i in 0 to outputs_g * terms_g - 1 generate
      w_in((i + 1) * weight_bits_g - 1 downto i * weight_bits_g) <=
        std_logic_vector(to_signed(weights(i), weight_bits_g));
    end generate;
    x(0) <= x_in;
    w(0) <= w_in;
    stages : for s in 1 to stages_g - 1 generate
      x(s) <= x_late(s);
      w(s) <= w_late(s);
    end generate;

    -- operands wait for the rows that take them; what no row takes later is trimmed
    process (clk)
    begin
      if rising_edge(clk) then
        for s in 1 to stages_g - 1 loop
          x_late(s) <= x(s - 1);
          w_late(s) <= w(s - 1);
        end loop;
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

    outputs : for o in 0 to outputs_g - 1 generate
      tokens_of : for t in 0 to tokens_g - 1 generate
        signal lane_x      : std_logic_vector(rows_c * token_bits_g - 1 downto 0);
        signal lane_digits : std_logic_vector(rows_c * 3 - 1 downto 0);
      begin
        rows : for r in 0 to rows_c - 1 generate
          constant u_c : natural := r mod terms_g;
          constant d_c : natural := r / terms_g;
          constant x_c : natural := (t * terms_g + u_c) * token_bits_g;
          constant w_c : natural := (o * terms_g + u_c) * weight_bits_g;
        begin
          lane_x((r + 1) * token_bits_g - 1 downto r * token_bits_g) <=
            x(r / 2)(x_c + token_bits_g - 1 downto x_c);
          lowest : if d_c = 0 generate
            lane_digits(3 * r) <= '0';
          end generate;
          lower : if d_c > 0 generate
            lane_digits(3 * r) <= w(r / 2)(w_c + 2 * d_c - 1);
          end generate;
          lane_digits(3 * r + 1) <= w(r / 2)(w_c + 2 * d_c);
          inside : if 2 * d_c + 1 < weight_bits_g generate
            lane_digits(3 * r + 2) <= w(r / 2)(w_c + 2 * d_c + 1);
          end generate;
          outside : if 2 * d_c + 1 >= weight_bits_g generate
            lane_digits(3 * r + 2) <= w(r / 2)(w_c + weight_bits_g - 1);
          end generate;
        end generate;
        lane : entity work.dot_lane
          generic map (terms_g => terms_g, x_bits_g => token_bits_g, w_bits_g => weight_bits_g,
            acc_bits_g => acc_bits_g)
          port map (clk => clk, x => lane_x, digits => lane_digits, enable => valid(stages_g),
            first => first(stages_g), acc => sums(o * tokens_g + t));
        process (clk)
        begin
          if rising_edge(clk) then
            if capture = '1' then
              shadow(o * tokens_g + t) <= sums(o * tokens_g + t);
            end if;
          end if;
        end process;
      end generate;
    end generate;

    drain : process (clk)
    begin
      if rising_edge(clk) then
        for r in 0 to requantisers_g - 1 loop
          for o in 0 to outputs_g - 1 loop
            for g in 0 to tokens_g / requantisers_g - 1 loop
              if o = drain_output and g = drain_group then
                acc(r) <= to_integer(signed(shadow(o * tokens_g + g * requantisers_g + r)));
              end if;
            end loop;
          end loop;
        end loop;
      end if;
    end process;
  end generate;
end architecture;
