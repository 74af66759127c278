-- SPDX-License-Identifier: Apache-2.0
-- The tile's lanes and chains against its plain loop: jobs of one to seven slices, operands random or
-- all at the ends of their ranges, gaps between slices; every accumulator of every job.
library ieee;
use ieee.std_logic_1164.all;
use ieee.math_real.all;
use work.arithmetic_pkg.all;
use work.tile_pkg.all;

entity tile_tb is
  generic (
    seed_g   : positive := 1;
    jobs_g   : positive := 40;
    x_bits_g : positive := 8;
    w_bits_g : positive := 8;
    terms_g  : positive := 4;
    late_g   : natural := 0); -- stages more than the lanes need
end entity;

architecture test of tile_tb is
  constant tokens_c  : positive := 4;
  constant outputs_c : positive := 3;
  constant lanes_c   : positive := larger((terms_g * ((w_bits_g + 1) / 2) + 1) / 2, terms_g) + late_g;
  constant groups_c  : positive := 2;
  constant kept_c    : positive := tokens_c / groups_c;
  constant per_w_c   : positive := chain_outputs(terms_g, x_bits_g, w_bits_g);
  constant per_x_c   : positive := chain_tokens(terms_g, x_bits_g, w_bits_g);
  -- none, one and as many chains as there is room for, with the plain loop before them
  constant full_c    : natural := (outputs_c / per_w_c) * (tokens_c / per_x_c);
  constant acc_c     : positive := clog2(7 * terms_g * 2**(x_bits_g + w_bits_g - 2) + 1) + 1;
  type chains_t is array (0 to 3) of natural;
  constant chains_c  : chains_t := (0, 0, 1, full_c);
  signal clk, rst    : std_logic := '0';
  signal valid, first, last : std_logic := '0';
  signal tokens      : int_array_t(0 to tokens_c * terms_g - 1) := (others => 0);
  signal weights     : int_array_t(0 to outputs_c * terms_g - 1) := (others => 0);
  signal captured    : std_logic_vector(0 to 3);
  signal output      : natural range 0 to last_of(outputs_c) := 0;
  signal group_of    : natural range 0 to last_of(groups_c) := 0;
  type accs_t is array (0 to 3) of int_array_t(0 to kept_c - 1);
  signal acc         : accs_t;
begin
  tiles : for k in 0 to 3 generate
    dut : entity work.tile
      generic map (tokens_g => tokens_c, outputs_g => outputs_c, terms_g => terms_g,
        requantisers_g => kept_c, token_bits_g => x_bits_g, weight_bits_g => w_bits_g,
        acc_bits_g => acc_c, stages_g => lanes_c, chains_g => chains_c(k), fast_g => k = 0)
      port map (clk => clk, rst => rst, in_valid => valid, in_first => first, in_last => last,
        tokens => tokens, weights => weights, captured => captured(k), drain_output => output,
        drain_group => group_of, acc => acc(k));
  end generate;

  process
    variable seed_1   : positive := seed_g;
    variable seed_2   : positive := 77;
    variable checked  : natural := 0;
    variable slices   : positive;
    variable kind     : natural;

    impure function draw(low, high : integer) return integer is
      variable x : real;
    begin
      uniform(seed_1, seed_2, x);
      return smaller(low + integer(floor(x * real(high - low + 1))), high);
    end function;

    -- kind: 0, 1 random; 2 the ends at random; 3.. one pair of ends throughout
    impure function operand(bits : positive; narrow, low_end : boolean) return integer is
      constant high : integer := 2**(bits - 1) - 1;
      variable low  : integer := -high - 1;
    begin
      if narrow then
        low := -high;
      end if;
      if kind < 2 then
        return draw(low, high);
      elsif (kind = 2 and draw(0, 1) = 0) or (kind > 2 and low_end) then
        return low;
      end if;
      return high;
    end function;

    procedure tick is
    begin
      wait for 5 ns;
      clk <= '1';
      wait for 5 ns;
      clk <= '0';
      -- what the loop says is what all say
      for k in 1 to 3 loop
        assert captured(k) = captured(0) or now < 30 ns
          report "tile " & integer'image(k) & ": captured at another time" severity failure;
      end loop;
    end procedure;
  begin
    rst <= '1';
    tick;
    tick;
    rst <= '0';
    for job in 0 to jobs_g - 1 loop
      kind := job mod 7;
      slices := draw(1, 7);
      for s in 0 to slices - 1 loop
        while draw(0, 5) = 0 loop
          valid <= '0';
          tick;
        end loop;
        valid <= '1';
        first <= '1' when s = 0 else '0';
        last <= '1' when s = slices - 1 else '0';
        for i in tokens'range loop
          tokens(i) <= operand(x_bits_g, false, kind mod 2 = 1);
        end loop;
        for i in weights'range loop
          weights(i) <= operand(w_bits_g, true, kind >= 5);
        end loop;
        tick;
      end loop;
      valid <= '0';
      for wait_for in 0 to lanes_c + 3 loop
        exit when captured(0) = '1';
        tick;
      end loop;
      assert captured(0) = '1' report "tile: nothing captured" severity failure;
      for o in 0 to outputs_c - 1 loop
        for g in 0 to groups_c - 1 loop
          output <= o;
          group_of <= g;
          tick;
          for k in 1 to 3 loop
            for r in 0 to kept_c - 1 loop
              assert acc(k)(r) = acc(0)(r)
                report "tile " & integer'image(k) & " job " & integer'image(job) & ": "
                  & integer'image(acc(k)(r)) & " is not " & integer'image(acc(0)(r))
                severity failure;
              checked := checked + 1;
            end loop;
          end loop;
        end loop;
      end loop;
    end loop;
    std.textio.write(std.textio.output, "tile_tb: PASS " & integer'image(checked) & " sums, chains of "
      & integer'image(per_w_c) & " outputs x " & integer'image(per_x_c) & " tokens" & LF);
    std.env.finish;
    wait;
  end process;
end architecture;
