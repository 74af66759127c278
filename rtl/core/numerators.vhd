-- SPDX-License-Identifier: Apache-2.0
-- Numerators from score distances, in the order of the sweep: lanes_g tokens of one column a cycle.
-- e = table(u); e gathers into words of terms_g columns; Z is the sum over the columns. When lanes_g
-- tokens are done their sums leave one by one, first token first.
--
-- Timing: numerator ports one cycle after e, which follows in_valid by one; the sums start to leave
-- the cycle after that. columns_g >= lanes_g, or the sums would run into each other.
library ieee;
use ieee.std_logic_1164.all;
use work.arithmetic_pkg.all;
use work.program_pkg.all;

entity numerators is
  generic (
    program_g : softmax_array_t;
    tokens_g  : positive;
    lanes_g   : positive;
    terms_g   : positive;
    columns_g : positive;
    u_bits_g  : positive;
    e_bits_g  : positive;
    z_bits_g  : positive;
    table_g   : int_array_t); -- (layer, u), 2**u_bits_g entries a layer
  port (
    clk             : in  std_logic;
    rst             : in  std_logic;
    start           : in  std_logic;
    in_valid        : in  std_logic;
    codes           : in  int_array_t(0 to lanes_g - 1); -- u
    layer           : in  natural range 0 to 1;
    blocks          : out natural range 0 to 1023;       -- whose numerators are written
    numerator_write : out std_logic_vector(0 to tokens_g - 1);
    numerator_addr  : out natural range 0 to 16383;
    numerator_data  : out int_array_t(0 to lanes_g * terms_g - 1); -- (lane, term)
    z_valid         : out std_logic;
    z_layer         : out natural range 0 to 1;
    z               : out natural range 0 to 2**z_bits_g - 1;
    tap_enable      : in  std_logic;
    tap_tensor      : in  natural range 0 to 15;
    tap_layer       : in  natural range 0 to 1;
    tap_row         : in  natural range 0 to 255;
    tap_valid       : out std_logic;
    tap_index       : out natural range 0 to 255;
    tap_data        : out integer range -32768 to 32767);
end entity;

architecture rtl of numerators is
  constant program    : softmax_array_t(0 to program_g'length - 1) := program_g;
  constant table_c    : int_array_t(0 to table_g'length - 1) := table_g;
  constant tensor_u_c : natural := 5;
  constant tensor_e_c : natural := 6;
  subtype e_t is natural range 0 to 2**e_bits_g - 1;
  subtype u_t is natural range 0 to 2**u_bits_g - 1;
  subtype z_t is natural range 0 to 2**z_bits_g - 1;
  type e_array_t is array (natural range <>) of e_t;
  type u_array_t is array (natural range <>) of u_t;
  type z_array_t is array (natural range <>) of z_t;
  signal e_valid : std_logic := '0';
  signal e       : e_array_t(0 to lanes_g - 1) := (others => 0);
  signal u       : u_array_t(0 to lanes_g - 1) := (others => 0);
  signal e_layer : natural range 0 to 1 := 0;
begin
  assert columns_g >= lanes_g
    report "numerators: fewer columns than lanes" severity failure;

  look_up : process (clk)
  begin
    if rising_edge(clk) then
      e_valid <= in_valid;
      if in_valid = '1' then
        for j in 0 to lanes_g - 1 loop
          e(j) <= table_c((layer * 2**u_bits_g + codes(j)) mod table_g'length);
          u(j) <= codes(j);
        end loop;
        e_layer <= layer;
      end if;
      if rst = '1' then
        e_valid <= '0';
      end if;
    end if;
  end process;

  gather : process (clk)
    variable pc       : natural range 0 to last_of(program'length) := 0;
    variable pass     : softmax_t := program(0);
    variable column   : natural range 0 to last_of(columns_g) := 0;
    variable term     : natural range 0 to last_of(terms_g) := 0;
    variable address  : natural range 0 to 16383 := program(0).base;
    variable token    : natural range 0 to tokens_g := 0; -- of the first lane
    variable sums     : z_array_t(0 to lanes_g - 1) := (others => 0);
    variable leaving  : z_array_t(0 to lanes_g - 1) := (others => 0);
    variable left     : natural range 0 to lanes_g := 0;
    variable gathered : e_array_t(0 to lanes_g * terms_g - 1) := (others => 0);
    variable count    : natural range 0 to 1023 := 0;
    variable row      : integer range 0 to 511;
  begin
    if rising_edge(clk) then
      numerator_write <= (others => '0');
      tap_valid <= '0';
      z_valid <= '0';
      if left > 0 then
        z_valid <= '1';
        z <= leaving(0);
        for j in 0 to lanes_g - 2 loop
          leaving(j) := leaving(j + 1);
        end loop;
        left := left - 1;
      end if;

      if e_valid = '1' then
        for j in 0 to lanes_g - 1 loop
          if column = 0 then
            sums(j) := e(j);
          else
            sums(j) := sums(j) + e(j);
          end if;
          for t in 0 to terms_g - 1 loop
            if t = term then
              gathered(j * terms_g + t) := e(j);
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
              tap_data <= u(j);
            elsif tap_tensor = tensor_e_c then
              tap_valid <= '1';
              tap_data <= e(j);
            end if;
          end if;
        end loop;
        if term = terms_g - 1 or column = columns_g - 1 then
          for t in 0 to tokens_g - 1 loop
            if t - (t mod lanes_g) = token then
              numerator_write(t) <= '1';
            end if;
          end loop;
          numerator_addr <= address;
          for k in gathered'range loop
            numerator_data(k) <= gathered(k);
          end loop;
          term := 0;
          address := address + 1;
        else
          term := term + 1;
        end if;
        if column = columns_g - 1 then
          column := 0;
          address := pass.base;
          leaving := sums;
          z_layer <= e_layer;
          token := token + lanes_g;
          left := lanes_g;
          if token >= pass.tokens then
            for k in 1 to lanes_g - 1 loop
              if pass.tokens + k = token then
                left := lanes_g - k;
              end if;
            end loop;
            token := 0;
            count := count + 1;
            if pc = program'length - 1 then
              pc := 0;
            else
              pc := pc + 1;
            end if;
            pass := program(pc);
            address := pass.base;
          end if;
        else
          column := column + 1;
        end if;
      end if;

      if start = '1' or rst = '1' then
        pc := 0;
        pass := program(0);
        address := pass.base;
        column := 0;
        term := 0;
        token := 0;
        left := 0;
        count := 0;
        z_valid <= '0';
        tap_valid <= '0';
        numerator_write <= (others => '0');
      end if;
      blocks <= count;
    end if;
  end process;
end architecture;
