-- SPDX-License-Identifier: Apache-2.0
-- How dot products are packed into DSP48E1 (a 25 x 18 signed multiplier, 48 bits of sum), and when a
-- chain of them reads its operands. tools/build/plan.c knows the same rules.
use work.arithmetic_pkg.all;

package tile_pkg is
  -- Bits of a field that holds a sum of terms products.
  function chain_field_bits(terms, x_bits, w_bits : positive) return positive;
  -- Weights and tokens that share a multiplier: 2 where they fit, else 1.
  function chain_outputs(terms, x_bits, w_bits : positive) return positive;
  function chain_tokens(terms, x_bits, w_bits : positive) return positive;
  -- Registers between the operands and the product of a term that has that many cycles: those of
  -- the multiplier's inputs, then that of its product.
  function chain_registers(cycles : natural) return natural;
end package;

package body tile_pkg is
  function chain_field_bits(terms, x_bits, w_bits : positive) return positive is
  begin
    return clog2(terms * 2**(x_bits - 1) * (2**(w_bits - 1) - 1) + 1) + 1;
  end function;

  function chain_outputs(terms, x_bits, w_bits : positive) return positive is
    constant field : positive := chain_field_bits(terms, x_bits, w_bits);
  begin
    if field + w_bits <= 25 then
      return 2;
    end if;
    return 1;
  end function;

  function chain_tokens(terms, x_bits, w_bits : positive) return positive is
    constant field : positive := chain_field_bits(terms, x_bits, w_bits);
  begin
    if 2 * field + w_bits <= 25 and field + x_bits + 1 <= 18 then
      return 2;
    end if;
    return 1;
  end function;

  function chain_registers(cycles : natural) return natural is
  begin
    return smaller(cycles, 2);
  end function;
end package body;
