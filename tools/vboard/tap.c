// SPDX-License-Identifier: Apache-2.0
#include "tools/vboard/tap.h"

#include <string.h>

enum {
    IR_BITS = 6,
    IR_MASK = (1 << IR_BITS) - 1,
    STARTUP_CLOCKS = 12, // start-up sequencer: idle clocks from START to DONE
};
static const uint32_t idcode_mask = 0x0fffffffu;

static const uint8_t next_state[16][2] = {
    [TAP_RESET] = {TAP_IDLE, TAP_RESET},
    [TAP_IDLE] = {TAP_IDLE, TAP_SELECT_DR},
    [TAP_SELECT_DR] = {TAP_CAPTURE_DR, TAP_SELECT_IR},
    [TAP_CAPTURE_DR] = {TAP_SHIFT_DR, TAP_EXIT1_DR},
    [TAP_SHIFT_DR] = {TAP_SHIFT_DR, TAP_EXIT1_DR},
    [TAP_EXIT1_DR] = {TAP_PAUSE_DR, TAP_UPDATE_DR},
    [TAP_PAUSE_DR] = {TAP_PAUSE_DR, TAP_EXIT2_DR},
    [TAP_EXIT2_DR] = {TAP_SHIFT_DR, TAP_UPDATE_DR},
    [TAP_UPDATE_DR] = {TAP_IDLE, TAP_SELECT_DR},
    [TAP_SELECT_IR] = {TAP_CAPTURE_IR, TAP_RESET},
    [TAP_CAPTURE_IR] = {TAP_SHIFT_IR, TAP_EXIT1_IR},
    [TAP_SHIFT_IR] = {TAP_SHIFT_IR, TAP_EXIT1_IR},
    [TAP_EXIT1_IR] = {TAP_PAUSE_IR, TAP_UPDATE_IR},
    [TAP_PAUSE_IR] = {TAP_PAUSE_IR, TAP_EXIT2_IR},
    [TAP_EXIT2_IR] = {TAP_SHIFT_IR, TAP_UPDATE_IR},
    [TAP_UPDATE_IR] = {TAP_IDLE, TAP_SELECT_DR},
};

static uint32_t idcode(const struct tap *t)
{
    // another member of the family; bit 12 makes 0x..620093 a 0x..621093, which is no part we know
    return t->faults.wrong_idcode ? t->part->idcode ^ 0x1000u : t->part->idcode;
}

static void clear_configuration(struct tap *t)
{
    config_logic_reset(&t->config, idcode(t) & idcode_mask, t->part->frames * CONFIG_FRAME_WORDS);
    t->word = t->word_bits = t->startup_clocks = 0;
    t->done = false;
    t->readback = 0;
}

void tap_init(struct tap *t, const struct device_part *part)
{
    memset(t, 0, sizeof *t);
    t->part = part;
    t->state = TAP_RESET;
    t->instruction = TAP_IDCODE;
    clear_configuration(t);
}

bool tap_init_pin(const struct tap *t)
{
    return !t->config.crc_error && !t->config.id_error;
}

uint32_t tap_status_word(const struct tap *t)
{
    uint32_t w = config_logic_status(&t->config);
    if (!t->done) // start-up has not run yet
        w &= ~(uint32_t)(CONFIG_STAT_DONE | CONFIG_STAT_EOS);
    return w;
}

static uint32_t reversed(uint32_t w)
{
    uint32_t r = 0;
    for (int i = 0; i < 32; i++)
        r |= ((w >> i) & 1u) << (31 - i);
    return r;
}

// Bits reach the configuration logic as words, most significant bit first; it finds the sync word
// at any offset itself.
static void config_bit(struct tap *t, int bit)
{
    t->word = t->word << 1 | (uint32_t)bit;
    if (++t->word_bits < 32)
        return;
    t->word_bits = 0;
    config_logic_word(&t->config, t->word);
    if (t->config.read_words)
        t->readback = t->config.read_register; // NOOPs follow before it is fetched
}

static void capture_dr(struct tap *t)
{
    t->dr_bits = 32;
    switch (t->instruction) {
    case TAP_IDCODE:
        t->dr = idcode(t);
        break;
    case TAP_USERCODE:
        t->dr = 0xffffffffu;
        break;
    case TAP_USER1:
    case TAP_USER2:
        t->dr = t->user[t->instruction - TAP_USER1];
        break;
    case TAP_USER3:
    case TAP_USER4:
        t->dr = t->user[t->instruction - TAP_USER3 + 2];
        break;
    case TAP_CFG_OUT: // readback of the one register that programmers ask for, MSB first
        t->dr = t->readback == CONFIG_STAT ? reversed(tap_status_word(t)) : 0;
        break;
    case TAP_CFG_IN:
        t->dr_bits = 0;
        if (!t->config.synced)
            t->word_bits = 0;
        break;
    default:
        t->dr = 0;
        t->dr_bits = 1;
        break;
    }
}

static int shift_dr(struct tap *t, int tdi)
{
    if (!t->dr_bits) {
        config_bit(t, tdi); // also when configured: status is asked for by packets
        return 0;
    }
    int tdo = (int)(t->dr & 1);
    t->dr = t->dr >> 1 | (uint64_t)tdi << (t->dr_bits - 1);
    return tdo;
}

static void update_ir(struct tap *t)
{
    t->instruction = t->ir_shift;
    if (t->instruction == TAP_JPROGRAM) {
        clear_configuration(t);
        if (t->on_cleared)
            t->on_cleared(t->ctx);
    }
}

static void update_dr(struct tap *t)
{
    if (t->instruction == TAP_USER1 || t->instruction == TAP_USER2)
        t->user[t->instruction - TAP_USER1] = (uint32_t)t->dr;
    else if (t->instruction == TAP_USER3 || t->instruction == TAP_USER4)
        t->user[t->instruction - TAP_USER3 + 2] = (uint32_t)t->dr;
}

// Start-up runs on idle clocks once the configuration logic is content. JSTART selects TCK as its
// clock; OpenOCD leaves it out for this family, so any idle clock counts.
static void startup_clock(struct tap *t)
{
    if (t->done || !t->config.done || t->faults.done_stuck_low)
        return;
    if (++t->startup_clocks < STARTUP_CLOCKS)
        return;
    t->done = true;
    t->configurations++;
    if (t->on_done)
        t->on_done(t->ctx);
}

int tap_clock(struct tap *t, int tms, int tdi)
{
    int tdo = 1;
    switch (t->state) {
    case TAP_IDLE:
        startup_clock(t);
        break;
    case TAP_CAPTURE_DR:
        capture_dr(t);
        break;
    case TAP_SHIFT_DR:
        tdo = shift_dr(t, tdi);
        break;
    case TAP_CAPTURE_IR:
        t->ir_shift = (uint8_t)(TAP_CAPTURE_ONE | (tap_init_pin(t) ? TAP_CAPTURE_INIT : 0) |
                                (t->done ? TAP_CAPTURE_DONE : 0));
        break;
    case TAP_SHIFT_IR:
        tdo = t->ir_shift & 1;
        t->ir_shift = (uint8_t)((t->ir_shift >> 1 | tdi << (IR_BITS - 1)) & IR_MASK);
        break;
    default:
        break;
    }
    t->state = (enum tap_state)next_state[t->state][tms != 0];
    if (t->state == TAP_UPDATE_IR)
        update_ir(t);
    else if (t->state == TAP_UPDATE_DR)
        update_dr(t);
    else if (t->state == TAP_RESET)
        t->instruction = TAP_IDCODE;
    return t->faults.tdo_stuck_low ? 0 : tdo;
}
