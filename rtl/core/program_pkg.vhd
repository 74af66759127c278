-- SPDX-License-Identifier: Apache-2.0
-- The pass program: what the generator writes and four small units run in step.
-- A pass is one operation on one block of tokens. The issuer feeds the tile, the drain unit
-- requantises what the tile captured, the writer puts it away, softmax turns scores into
-- numerators; each reads only its own fields. docs/engine.md tells the story.
package program_pkg is
  type token_source_t is (from_window, from_activation, from_numerator, from_nothing);
  type weight_source_t is (from_rom, from_key, from_value);

  -- One pass as the issuer sees it: jobs of (last_slice + 1) cycles.
  type issue_t is record
    writes      : natural range 0 to 2047; -- passes that must have been written back
    softmaxes   : natural range 0 to 1023; -- softmax blocks whose numerators must be there
    reciprocals : natural range 0 to 1023; -- softmax blocks whose reciprocals must be there
    scores      : boolean;                 -- takes one of the two score slots
    token_from  : token_source_t;
    token_base  : natural range 0 to 16383;
    weight_from : weight_source_t;
    weight_base : natural range 0 to 262143;
    last_slice  : natural range 0 to 255;
    last_job    : natural range 0 to 255;
    drain       : natural range 0 to 4095; -- cycles to drain a job, less one
    drain_last  : natural range 0 to 4095; -- of the last job
  end record;

  type drain_t is record
    pooled      : boolean;                  -- the pool's sums instead of the tile's accumulators
    scores      : boolean;                  -- goes to softmax, exact
    last_group  : natural range 0 to 63;    -- groups of requantisers_c tokens, less one
    channels    : natural range 1 to 256;
    multiplier  : natural range 0 to 32767; -- where the channel ROM has none
    normalises  : boolean;                  -- multiplies by reciprocals instead
    scale       : natural range 0 to 31;    -- index into shifts_c, lows_c and highs_c
    bias_base   : natural range 0 to 65535; -- channel ROM
    bias_steps  : boolean;                  -- one word a channel; else the same word throughout
    position    : boolean;                  -- and one word of the position ROM a cycle
    streamed    : boolean;                  -- bias and multiplier came with the weights
    gained      : boolean;                  -- a gain for the residual, at bias_base of the gain ROM
    kept_base   : natural range 0 to 65535; -- residual buffer and position ROM
    reciprocal  : natural range 0 to 255;   -- slot
  end record;

  -- to_attention: the token port's buffer, keys and values at once (h of the collapsed form)
  type destination_t is (to_activation, to_key, to_value, to_pool, to_output, to_softmax,
    to_attention);

  type write_t is record
    destination : destination_t;
    base        : natural range 0 to 16383;
    word_step   : natural range 0 to 16383; -- from a word to the next
    rotation    : natural range 0 to 255;   -- bank of the first token (key, value)
    row_step    : natural range 0 to 16383; -- words between rows of tokens (key, value)
    last_group  : natural range 0 to 63;
    last_index  : natural range 0 to 255;   -- of a channel; the first is first_index
    keep        : boolean;                  -- into the residual buffer too
    kept_base   : natural range 0 to 65535;
    tokens      : natural range 1 to 64;    -- valid ones of this block
    first_block : boolean;                  -- the pool starts anew
    pooled      : boolean;                  -- goes to the pool or the readout too
    pool_base   : natural range 0 to 64;    -- place of the first channel there
    key_base    : natural range 0 to 16383; -- to_attention: as base and rotation of to_key, whose
    key_rotation : natural range 0 to 255;  --   row_step is above, and of to_value
    value_base  : natural range 0 to 16383;
    value_rotation : natural range 0 to 255;
    value_step  : natural range 0 to 16383; -- as word_step of to_value; its row_step is 1
    offset      : boolean;                  -- codes are stored less half the buffers' range (f)
    first_index : natural range 0 to 255;   -- of the channels, in their tensor
    tensor      : natural range 0 to 15;    -- for the debug tap, as the next two
    layer       : natural range 0 to 1;
    first_token : natural range 0 to 255;
  end record;

  type softmax_t is record
    tokens      : natural range 1 to 64;
    base        : natural range 0 to 16383; -- numerator buffer
    slot        : natural range 0 to 255;   -- reciprocals
    layer       : natural range 0 to 1;
    first_row   : natural range 0 to 255;   -- for the debug tap
  end record;

  type issue_array_t is array (natural range <>) of issue_t;
  type drain_array_t is array (natural range <>) of drain_t;
  type write_array_t is array (natural range <>) of write_t;
  type softmax_array_t is array (natural range <>) of softmax_t;
end package;
