-- SPDX-License-Identifier: Apache-2.0
-- Dot products of terms_g terms on a chain of terms_g DSPs, accumulated in LUTs: the products of
-- outputs_g weights and tokens_g tokens share a multiplier, each in a field of its own of what goes
-- from DSP to DSP. The field bits are what terms_g products need with |weight| < 2**(w_bits_g - 1):
-- the weight port's operands are narrow (docs/arithmetic.md). A field that is negative
-- borrows from the one above, which its accumulator gives back as a carry.
--
-- Timing: the product of term u enters the chain lead_g + u cycles after term 0's operands could be there
-- at the earliest; its operands are read in the last one of these cycles that its registers allow, chain_read
-- of them. The accumulators take the sums lead_g + terms_g cycles after the operands of cycle 0.
library ieee;
use ieee.std_logic_1164.all;
use ieee.numeric_std.all;
use work.arithmetic_pkg.all;
use work.tile_pkg.all;

entity dot_chain is
  generic (
    terms_g    : positive;
    lead_g     : natural;
    x_bits_g   : positive;
    w_bits_g   : positive;
    tokens_g   : positive range 1 to 2;
    outputs_g  : positive range 1 to 2;
    acc_bits_g : positive);
  port (
    clk    : in  std_logic;
    x      : in  std_logic_vector(terms_g * tokens_g * x_bits_g - 1 downto 0);  -- (term, token)
    w      : in  std_logic_vector(terms_g * outputs_g * w_bits_g - 1 downto 0); -- (term, output)
    enable : in  std_logic;
    first  : in  std_logic;
    acc    : out std_logic_vector(outputs_g * tokens_g * acc_bits_g - 1 downto 0)); -- (output, token)
end entity;

architecture rtl of dot_chain is
  constant field_c  : positive := chain_field_bits(terms_g, x_bits_g, w_bits_g);
  constant fields_c : positive := outputs_g * tokens_g;
  constant a_bits_c : positive := (outputs_g - 1) * tokens_g * field_c + w_bits_g;
  constant b_bits_c : positive := (tokens_g - 1) * field_c + x_bits_g + tokens_g - 1;
  constant p_bits_c : positive := larger(fields_c * field_c, a_bits_c + b_bits_c);
  subtype p_t is signed(p_bits_c - 1 downto 0);
  type sums_t is array (0 to terms_g) of p_t;
  signal sums : sums_t;
begin
  assert a_bits_c <= 25 and b_bits_c <= 18 and p_bits_c <= 48
    report "dot_chain: the packing does not fit a DSP" severity failure;

  sums(0) <= (others => '0');
  terms : for u in 0 to terms_g - 1 generate
    constant registers_c : natural := chain_registers(lead_g + u);
    signal a, a_in : signed(a_bits_c - 1 downto 0);
    signal b, b_in : signed(b_bits_c - 1 downto 0);
    signal m, m_in : signed(a_bits_c + b_bits_c - 1 downto 0);
  begin
    one_weight : if outputs_g = 1 generate
      a_in <= signed(w((u + 1) * w_bits_g - 1 downto u * w_bits_g));
    end generate;
    two_weights : if outputs_g = 2 generate
      constant zeros_c : signed(tokens_g * field_c - 1 downto 0) := (others => '0');
    begin
      a_in <= (signed(w((2 * u + 2) * w_bits_g - 1 downto (2 * u + 1) * w_bits_g)) & zeros_c)
        + signed(w((2 * u + 1) * w_bits_g - 1 downto 2 * u * w_bits_g));
    end generate;
    one_token : if tokens_g = 1 generate
      b_in <= signed(x((u + 1) * x_bits_g - 1 downto u * x_bits_g));
    end generate;
    two_tokens : if tokens_g = 2 generate
      signal low, high : signed(x_bits_g - 1 downto 0);
    begin
      low <= signed(x((2 * u + 1) * x_bits_g - 1 downto 2 * u * x_bits_g));
      high <= signed(x((2 * u + 2) * x_bits_g - 1 downto (2 * u + 1) * x_bits_g));
      b_in(field_c - 1 downto 0) <= resize(low, field_c);
      b_in(b_bits_c - 1 downto field_c) <= resize(high, x_bits_g + 1)
        - signed('0' & low(x_bits_g - 1 downto x_bits_g - 1));
    end generate;

    straight : if registers_c = 0 generate
      a <= a_in;
      b <= b_in;
    end generate;
    operands : if registers_c > 0 generate
      process (clk)
      begin
        if rising_edge(clk) then
          a <= a_in;
          b <= b_in;
        end if;
      end process;
    end generate;
    m_in <= a * b;
    unregistered : if registers_c < 2 generate
      m <= m_in;
    end generate;
    product : if registers_c > 1 generate
      process (clk)
      begin
        if rising_edge(clk) then
          m <= m_in;
        end if;
      end process;
    end generate;
    process (clk)
    begin
      if rising_edge(clk) then
        sums(u + 1) <= sums(u) + m;
      end if;
    end process;
  end generate;

  fields : for f in 0 to fields_c - 1 generate
    constant p_bits_own_c : positive := smaller(field_c, acc_bits_g);
    signal carry : std_logic;
  begin
    lowest : if f = 0 generate
      carry <= '0';
    end generate;
    above : if f > 0 generate
      carry <= sums(terms_g)(f * field_c - 1);
    end generate;
    total : entity work.accumulator
      generic map (p_bits_g => p_bits_own_c, acc_bits_g => acc_bits_g, start_g => '0')
      port map (clk => clk, enable => enable, first => first,
        p => std_logic_vector(sums(terms_g)(f * field_c + p_bits_own_c - 1 downto f * field_c)),
        carry => carry, acc => acc((f + 1) * acc_bits_g - 1 downto f * acc_bits_g));
  end generate;
end architecture;
