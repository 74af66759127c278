-- SPDX-License-Identifier: Apache-2.0
-- Scores of a block of tokens in, table softmax numerators and one reciprocal a token out:
-- u = min(((max - a) * M + half) >> shift, top), e = table(u), Z = sum of e, r = floor(K / Z).
-- A sweep (score_sweep) feeds a scaler, the numerators and the reciprocals; each has its page.
library ieee;
use ieee.std_logic_1164.all;
use work.arithmetic_pkg.all;
use work.program_pkg.all;

entity softmax is
  generic (
    program_g         : softmax_array_t;
    tokens_g          : positive;
    requantisers_g    : positive;    -- tokens a cycle that come in and whose reciprocals go out
    lanes_g           : positive;    -- divides requantisers_g
    terms_g           : positive;
    columns_g         : positive;    -- keys in a row
    slots_g           : positive;    -- of reciprocals
    score_bits_g      : positive;
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
    reciprocal_addr  : in  natural range 0 to last_of(slots_g * (tokens_g / requantisers_g));
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
  constant z_bits_c      : positive := e_bits_g + clog2(columns_g);
  constant k_bits_c      : positive := 17 + e_bits_g;
  signal sweep_valid     : std_logic;
  signal largest, complement : int_array_t(0 to lanes_g - 1);
  signal layer           : natural range 0 to 1;
  signal layer_1, layer_2, layer_3 : natural range 0 to 1 := 0;
  signal u_valid         : std_logic;
  signal u_codes         : int_array_t(0 to lanes_g - 1);
  signal z_valid         : std_logic;
  signal z_layer         : natural range 0 to 1;
  signal z               : natural range 0 to 2**z_bits_c - 1;
begin
  sweep : entity work.score_sweep
    generic map (program_g => program_g, tokens_g => tokens_g, requantisers_g => requantisers_g,
      lanes_g => lanes_g, columns_g => columns_g, bits_g => score_bits_g, kind_g => kind_g,
      fast_g => fast_g)
    port map (clk => clk, rst => rst, start => start, in_valid => in_valid, scores => scores,
      slot_free => slot_free, out_valid => sweep_valid, largest => largest, complement => complement,
      layer => layer);

  scale : entity work.scaler
    generic map (lanes_g => lanes_g, score_bits_g => score_bits_g, multipliers_g => multipliers_g,
      shifts_g => shifts_g, tops_g => tops_g, fast_g => fast_g)
    port map (clk => clk, rst => rst, in_valid => sweep_valid, largest => largest, complement => complement,
      layer => layer, out_valid => u_valid, result => u_codes);

  -- the layer travels beside the scaler
  process (clk)
  begin
    if rising_edge(clk) then
      layer_1 <= layer;
      layer_2 <= layer_1;
      layer_3 <= layer_2;
    end if;
  end process;

  numerator : entity work.numerators
    generic map (program_g => program_g, tokens_g => tokens_g, lanes_g => lanes_g,
      terms_g => terms_g, columns_g => columns_g, u_bits_g => u_bits_g, e_bits_g => e_bits_g,
      z_bits_g => z_bits_c, table_g => table_g)
    port map (clk => clk, rst => rst, start => start, in_valid => u_valid, codes => u_codes,
      layer => layer_3, blocks => softmaxes, numerator_write => numerator_write,
      numerator_addr => numerator_addr, numerator_data => numerator_data, z_valid => z_valid,
      z_layer => z_layer, z => z, tap_enable => tap_enable, tap_tensor => tap_tensor,
      tap_layer => tap_layer, tap_row => tap_row, tap_valid => tap_valid,
      tap_index => tap_index, tap_data => tap_data);

  reciprocal : entity work.reciprocals
    generic map (program_g => program_g, tokens_g => tokens_g, lanes_g => requantisers_g,
      slots_g => slots_g, z_bits_g => z_bits_c, k_bits_g => k_bits_c,
      dividends_g => dividends_g, pipelined_g => pipelined_g, fast_g => fast_g)
    port map (clk => clk, rst => rst, start => start, in_valid => z_valid, z => z,
      layer => z_layer, blocks => reciprocals, read_enable => read_enable,
      read_addr => reciprocal_addr, read_data => reciprocal_data);
end architecture;
