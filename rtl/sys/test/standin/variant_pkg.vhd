-- SPDX-License-Identifier: Apache-2.0
-- The variant of the stand-in accelerator: the example device of PROTOCOL.md 1.5.
library ieee;
use ieee.std_logic_1164.all;

package variant_pkg is
  constant window_c     : natural := 3;
  constant features_c   : natural := 2;
  constant outputs_c    : natural := 2;
  constant layers_c     : natural := 1;
  constant heads_c      : natural := 2;
  constant d_model_c    : natural := 4;
  constant d_ff_c       : natural := 40;
  constant x_bits_c     : natural := 4;
  constant y_bits_c     : natural := 16;
  constant origin_c     : natural := 1;
  constant clock_hz_c   : natural := 100000000;
  constant variant_hash_c : std_logic_vector(255 downto 0) :=
    x"1F1E1D1C1B1A191817161514131211100F0E0D0C0B0A09080706050403020100";
end package;
