-- SPDX-License-Identifier: Apache-2.0
-- How long the payload of an answer of this variant can be.
use work.link_pkg.all;
use work.variant_pkg.all;

package answer_pkg is
  function longest_answer return positive;

  constant max_answer_c : positive := longest_answer;

  subtype answer_length_t is natural range 0 to max_answer_c;
  -- Of a byte of any answer: a power of two, so that counting needs no comparison.
  constant answer_places_c : positive := 1024;

  subtype answer_index_t is natural range 0 to answer_places_c - 1;
end package;

package body answer_pkg is
  function longest_answer return positive is
    variable result : positive := 4 * registers_c;
    type lengths_t is array (0 to 4) of natural;
    constant lengths_c : lengths_t := (
      burst_head_c + 4 * outputs_c, 4 + 2 * d_model_c, 4 + 2 * window_c, 4 + 2 * d_ff_c,
      4 + 2 * outputs_c);
  begin
    for i in lengths_c'range loop
      if lengths_c(i) > result then
        result := lengths_c(i);
      end if;
    end loop;
    return result;
  end function;
end package body;
