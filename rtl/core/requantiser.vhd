-- SPDX-License-Identifier: Apache-2.0
-- lanes_g requantisers in step: result = saturate((acc * multiplier + residual * (gain + offset) +
-- bias) >> shift), floor shift, to low and high, all three chosen by scale. Three cycles from in_valid
-- to out_valid. The bias holds the rounding half, so half rounds up and nothing is added here.
--
-- In the netlist a lane is two DSP48E1: residual * (gain + offset) + bias in the first, product and
-- sum in the second. Or, with shared_g, one: a result with a residual takes two cycles, acc = offset = 0,
-- multiplier = residual and in_part first, then gain = offset = 0; one without takes one cycle with gain = 0.
-- The sum is kept from the first to the second, and what adds gain and acc is the DSP's. Bounds are powers of two but for a narrow range's lower end, so no comparator is needed:
-- a code fits when the bits above it are equal, and what they are compared for is decoded once for
-- all lanes. Few scales keep that small.
library ieee;
use ieee.std_logic_1164.all;
use ieee.numeric_std.all;
use work.arithmetic_pkg.all;

entity requantiser is
  generic (
    lanes_g           : positive;
    acc_bits_g        : positive range 4 to 25;
    multiplier_bits_g : positive range 1 to 17;
    residual_bits_g   : positive range 2 to 18;
    gain_bits_g       : positive range 2 to 25;
    sum_bits_g        : positive range 8 to 48; -- that hold every sum before the shift
    code_bits_g       : positive range 2 to 17; -- of lanes but the first; wider scales are the first's
    shifts_g          : int_array_t; -- per scale, each 1 to 40
    lows_g            : int_array_t; -- per scale: -2**m, 1 - 2**m or 0, m at most 16
    highs_g           : int_array_t; -- per scale: 2**m - 1
    shared_g          : boolean := false; -- residual and product by turns
    fast_g            : boolean);
  port (
    clk        : in  std_logic;
    rst        : in  std_logic;
    in_valid   : in  std_logic;
    in_part    : in  std_logic := '0'; -- shared_g: the product comes in the next cycle
    acc        : in  int_array_t(0 to lanes_g - 1);
    multiplier : in  int_array_t(0 to lanes_g - 1); -- unsigned
    residual   : in  int_array_t(0 to lanes_g - 1); -- unused with shared_g, as offset
    gain       : in  integer;                       -- 0 where there is no residual
    offset     : in  int_array_t(0 to lanes_g - 1); -- 25 bits; so has gain + offset
    bias       : in  wide_array_t(0 to lanes_g - 1);
    scale      : in  natural range 0 to 31;
    out_valid  : out std_logic;
    result     : out int_array_t(0 to lanes_g - 1));
end entity;

architecture rtl of requantiser is
  constant scales_c : positive := shifts_g'length;
  constant shifts_c : int_array_t(0 to scales_c - 1) := shifts_g;
  constant lows_c   : int_array_t(0 to scales_c - 1) := lows_g;
  constant highs_c  : int_array_t(0 to scales_c - 1) := highs_g;
  signal valid_1, valid_2 : std_logic := '0';
  signal ends_1 : std_logic := '0'; -- with the sum that comes next
begin
  process (clk)
  begin
    if rising_edge(clk) then
      valid_1 <= in_valid;
      ends_1 <= in_valid and not in_part;
      valid_2 <= ends_1;
      out_valid <= valid_2;
      if rst = '1' then
        valid_1 <= '0';
        ends_1 <= '0';
        valid_2 <= '0';
        out_valid <= '0';
      end if;
    end if;
  end process;

  simulated : if fast_g generate
    process (clk)
      variable stage_1, stage_2 : int_array_t(0 to lanes_g - 1) := (others => 0);
      variable sum    : wide_t;
      variable factor : integer;
      variable parts  : wide_array_t(0 to lanes_g - 1);
      variable second : boolean := false; -- of two cycles
    begin
      if rising_edge(clk) then
        if valid_2 = '1' then
          result <= stage_2;
        end if;
        if ends_1 = '1' then
          stage_2 := stage_1;
        end if;
        if in_valid = '1' and shared_g and in_part = '1' then
          for i in 0 to lanes_g - 1 loop
            parts(i) := sum_fast(product_fast(gain, multiplier(i)), bias(i));
          end loop;
          second := true;
        elsif in_valid = '1' and shared_g then
          for i in 0 to lanes_g - 1 loop
            sum := bias(i);
            if second then
              sum := parts(i);
            end if;
            sum := sum_fast(product_fast(acc(i), multiplier(i)), sum);
            stage_1(i) := scale_fast(sum, shifts_c(scale), lows_c(scale), highs_c(scale));
          end loop;
          second := false;
        elsif in_valid = '1' then
          for i in 0 to lanes_g - 1 loop
            sum := sum_fast(product_fast(acc(i), multiplier(i)), bias(i));
            factor := gain + offset(i);
            if factor /= 0 then
              sum := sum_fast(sum, product_fast(factor, residual(i)));
            end if;
            stage_1(i) := scale_fast(sum, shifts_c(scale), lows_c(scale), highs_c(scale));
          end loop;
        end if;
      end if;
    end process;
  end generate;

  synthesised : if not fast_g generate
    -- A code of scale c has magnitude(c) bits below its sign; a sum fits when the bits from
    -- top(c) on are all its sign.
    function magnitude(c : natural) return natural is
    begin
      return clog2(highs_c(c) + 1);
    end function;

    function top(c : natural) return natural is
    begin
      return shifts_c(c) + magnitude(c);
    end function;

    -- whether the lane sees scale c: one output of a token is the first lane's alone
    function uses(lane, c : natural) return boolean is
    begin
      return lane = 0 or magnitude(c) < code_bits_g;
    end function;

    function bits_of(lane : natural) return positive is
      variable bits : positive := 2;
    begin
      for c in 0 to scales_c - 1 loop
        if uses(lane, c) then
          bits := larger(bits, magnitude(c) + 1);
        end if;
      end loop;
      return bits;
    end function;

    -- which of the different shifts, in the order of the scales
    function rank(c : natural) return natural is
      variable before : natural := 0;
      variable again  : boolean;
    begin
      for k in 0 to c loop
        if shifts_c(k) = shifts_c(c) then
          return before;
        end if;
        again := false;
        for j in 0 to k - 1 loop
          again := again or shifts_c(j) = shifts_c(k);
        end loop;
        if not again then
          before := before + 1;
        end if;
      end loop;
      return before;
    end function;

    -- the first scale of each shift that the lane sees
    function leads(lane, c : natural) return boolean is
    begin
      for k in 0 to c - 1 loop
        if shifts_c(k) = shifts_c(c) and uses(lane, k) then
          return false;
        end if;
      end loop;
      return uses(lane, c);
    end function;

    -- the lane checks bit k always, for some scales, or never
    function checks(lane, k : natural; all_of : boolean) return boolean is
      variable found : boolean := all_of;
    begin
      for c in 0 to scales_c - 1 loop
        if uses(lane, c) and all_of then
          found := found and top(c) <= k;
        elsif uses(lane, c) then
          found := found or top(c) <= k;
        end if;
      end loop;
      return found;
    end function;

    -- the lane's scales change between bit k - 1 and bit k
    function begins(lane, k : natural) return boolean is
    begin
      for c in 0 to scales_c - 1 loop
        if uses(lane, c) and top(c) = k then
          return true;
        end if;
      end loop;
      return false;
    end function;

    -- any and all of the lane's scales have at most k magnitude bits
    function ends_below(lane, k : natural; all_of : boolean) return boolean is
      variable found : boolean := all_of;
    begin
      for c in 0 to scales_c - 1 loop
        if uses(lane, c) and all_of then
          found := found and magnitude(c) <= k;
        elsif uses(lane, c) then
          found := found or magnitude(c) <= k;
        end if;
      end loop;
      return found;
    end function;

    subtype index_t is natural range 0 to 31;
    signal scale_1    : index_t := 0;
    signal shift_2    : index_t := 0;                                     -- its rank
    signal check_2    : std_logic_vector(sum_bits_g - 1 downto 0) := (others => '0');
    signal outside_2  : std_logic_vector(17 downto 0) := (others => '0');   -- above the magnitude
    signal narrow_2   : std_logic_vector(17 downto 0) := (others => '0');   -- with that magnitude
    signal unsigned_2 : std_logic := '0';
    signal part_1     : std_logic := '0'; -- what came last was a residual
    signal fresh_1    : std_logic := '1'; -- the sum begins with the bias
  begin
    assert lows_c'length = highs_c'length and lows_g'length = scales_c
      report "requantiser: a scale is a shift, a low and a high" severity failure;
    bounds : for c in 0 to scales_c - 1 generate
      assert highs_c(c) = 2**magnitude(c) - 1
        and (lows_c(c) = 0 or lows_c(c) = -highs_c(c) or lows_c(c) = -highs_c(c) - 1)
        report "requantiser: bounds that are no power of two" severity failure;
      assert top(c) < sum_bits_g
        report "requantiser: sums are too narrow to saturate" severity note;
    end generate;

    process (clk)
    begin
      if rising_edge(clk) then
        if valid_1 = '1' then
          for c in 0 to scales_c - 1 loop
            if scale_1 = c or scales_c = 1 then
              shift_2 <= rank(c);
              unsigned_2 <= '0';
              narrow_2 <= (others => '0');
              if lows_c(c) = 0 then
                unsigned_2 <= '1';
              elsif lows_c(c) = -highs_c(c) then
                narrow_2(magnitude(c)) <= '1';
              end if;
              for k in check_2'range loop
                check_2(k) <= '0';
                if k >= top(c) then
                  check_2(k) <= '1';
                end if;
              end loop;
              for k in outside_2'range loop
                outside_2(k) <= '0';
                if k >= magnitude(c) then
                  outside_2(k) <= '1';
                end if;
              end loop;
            end if;
          end loop;
        end if;
        if in_valid = '1' then
          scale_1 <= scale;
          part_1 <= in_part;
          fresh_1 <= not part_1;
        end if;
        if rst = '1' then
          part_1 <= '0';
        end if;
      end if;
    end process;

    lanes : for i in 0 to lanes_g - 1 generate
      constant bits_c : positive := bits_of(i);
      subtype code_t is signed(bits_c - 1 downto 0);
      subtype sum_t is signed(sum_bits_g - 1 downto 0);
      signal addend  : sum_t := (others => '0'); -- bias, and the residual unless shared_g
      signal sum     : sum_t := (others => '0');
      signal sign    : std_logic;
      signal shifted : code_t; -- right where fits
      signal over    : std_logic;
      signal code    : code_t := (others => '0');
    begin
      both : if not shared_g generate
        signal product : signed(acc_bits_g + multiplier_bits_g downto 0) := (others => '0');
      begin
        process (clk)
        begin
          if rising_edge(clk) then
            if valid_1 = '1' then
              sum <= resize(product, sum_bits_g) + addend;
            end if;
            if in_valid = '1' then
              product <= to_signed(acc(i), acc_bits_g) *
                signed('0' & to_unsigned(multiplier(i), multiplier_bits_g));
              addend <= resize(resize(to_signed(residual(i), residual_bits_g) *
                (resize(to_signed(gain, gain_bits_g), 25) + to_signed(offset(i), 25)), wide_bits_c) +
                to_bits(bias(i)), sum_bits_g);
            end if;
          end if;
        end process;
      end generate;
      by_turns : if shared_g generate
        constant factor_bits_c : positive := larger(multiplier_bits_g + 1, residual_bits_g);
        signal product : signed(24 + factor_bits_c downto 0) := (others => '0');
        signal before  : sum_t;
      begin
        before <= addend when fresh_1 = '1' else sum;
        process (clk)
        begin
          if rising_edge(clk) then
            if valid_1 = '1' then
              sum <= resize(product, sum_bits_g) + before;
            end if;
            if in_valid = '1' then
              product <= (resize(to_signed(gain, gain_bits_g), 25) + to_signed(acc(i), 25)) *
                to_signed(multiplier(i), factor_bits_c);
              addend <= resize(to_bits(bias(i)), sum_bits_g);
            end if;
          end if;
        end process;
      end generate;
      sign <= sum(sum_bits_g - 1);

      choose : process (all)
        variable first        : boolean;
        variable differ, some : std_logic;
      begin
        first := true;
        for c in 0 to scales_c - 1 loop
          if leads(i, c) and (first or shift_2 = rank(c)) then
            for k in 0 to bits_c - 1 loop
              shifted(k) <= sum(smaller(shifts_c(c) + k, sum_bits_g - 1));
            end loop;
          end if;
          first := first and not leads(i, c);
        end loop;
        -- bits that are checked for the same scales together
        some := '0';
        differ := '0';
        for k in 0 to sum_bits_g - 2 loop
          if checks(i, k, false) then
            if begins(i, k) then
              differ := '0';
            end if;
            differ := differ or (sum(k) xor sign);
            if k = sum_bits_g - 2 or begins(i, k + 1) then
              if checks(i, k, true) then
                some := some or differ;
              else
                some := some or (differ and check_2(k));
              end if;
            end if;
          end if;
        end loop;
        over <= some;
      end process;

      process (clk)
        variable saturates, outside, zero : std_logic;
      begin
        if rising_edge(clk) then
          if valid_2 = '1' then
            saturates := over or (sign and unsigned_2);
            for k in 0 to bits_c - 1 loop
              outside := outside_2(k);
              if ends_below(i, k, true) then
                outside := '1';
              elsif not ends_below(i, k, false) then
                outside := '0';
              end if;
              if saturates = '0' then
                code(k) <= shifted(k);
              elsif outside = '0' then
                code(k) <= not sign;
              else
                code(k) <= sign and not unsigned_2;
              end if;
            end loop;
            -- the lowest code of a signed range is one too low for a narrow one
            for c in 0 to scales_c - 1 loop
              if uses(i, c) and lows_c(c) = -highs_c(c) then
                zero := '0';
                for k in 1 to magnitude(c) - 1 loop
                  zero := zero or shifted(k);
                end loop;
                if narrow_2(magnitude(c)) = '1' and sign = '1' and (over = '1' or zero = '0') then
                  code(0) <= '1';
                end if;
              end if;
            end loop;
          end if;
        end if;
      end process;
      result(i) <= to_integer(code);
    end generate;
  end generate;
end architecture;
