// SPDX-License-Identifier: Apache-2.0
#include "tools/vboard/control_commands.h"

#include <errno.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tools/vboard/control.h"
#include "tools/vboard/log.h"
#include "tools/vboard/status.h"

enum { MAX_WORDS = 8 };

struct call {
    struct boards *boards;
    struct board *board;
    size_t words; // after the command's own name
    char *word[MAX_WORDS];
    char why[240];
    json_t *result; // owned; members of the answer
};

static int refuse(struct call *c, const char *format, ...) __attribute__((format(printf, 2, 3)));

static int refuse(struct call *c, const char *format, ...)
{
    va_list a;
    va_start(a, format);
    vsnprintf(c->why, sizeof c->why, format, a);
    va_end(a);
    return -1;
}

static int switch_word(struct call *c, size_t i, bool *on)
{
    if (i < c->words && !strcmp(c->word[i], "on"))
        *on = true;
    else if (i < c->words && !strcmp(c->word[i], "off"))
        *on = false;
    else
        return refuse(c, "on or off expected");
    return 0;
}

static int number_word(struct call *c, size_t i, uint32_t *value)
{
    if (i >= c->words || c->word[i][strspn(c->word[i], "0123456789")] || !c->word[i][0] ||
        strlen(c->word[i]) > 9)
        return refuse(c, "a number expected");
    *value = (uint32_t)strtoul(c->word[i], NULL, 10);
    return 0;
}

static unsigned device_word(const struct call *c, size_t *i)
{
    if (*i < c->words && !strcmp(c->word[*i], "meter")) {
        ++*i;
        return BOARD_METER;
    }
    return BOARD_MAIN;
}

static int do_unplug(struct call *c)
{
    size_t i = 0;
    unsigned device = device_word(c, &i);
    bool powered = i < c->words && !strcmp(c->word[i], "powered");
    if (board_unplug(c->boards, c->board, device, powered))
        return refuse(c, "%s", errno == EALREADY ? "it is unplugged" : strerror(errno));
    return 0;
}

static int do_replug(struct call *c)
{
    size_t i = 0;
    unsigned device = device_word(c, &i);
    if (board_replug(c->boards, c->board, device))
        return refuse(c, "%s", errno == EALREADY ? "it is plugged in" : strerror(errno));
    return 0;
}

static int do_done_low(struct call *c)
{
    struct tap *t = &c->board->fpga.tap;
    return switch_word(c, 0, &t->faults.done_stuck_low);
}

static int do_idcode(struct call *c)
{
    return switch_word(c, 0, &c->board->fpga.tap.faults.wrong_idcode);
}

static int do_tdo_low(struct call *c)
{
    return switch_word(c, 0, &c->board->fpga.tap.faults.tdo_stuck_low);
}

static int do_mpsse_mute(struct call *c)
{
    size_t i = 0;
    unsigned device = device_word(c, &i);
    return switch_word(c, i, &c->board->chip[device].faults.mpsse_mute);
}

static int do_stall(struct call *c)
{
    uint32_t after, count = 1;
    if (number_word(c, 0, &after) || (c->words > 1 && number_word(c, 1, &count)))
        return -1;
    struct usbfs_faults *f = &c->board->device[BOARD_MAIN].faults;
    f->stall_after = count ? after : 0;
    f->stall_count = count ? count - 1 : 0;
    return 0;
}

static int do_fifo(struct call *c)
{
    struct fifo *f = &c->board->chip[BOARD_MAIN].channel[1].fifo;
    uint32_t n;
    if (c->words != 3 ||
        (strcmp(c->word[1], "to-device") != 0 && strcmp(c->word[1], "to-host") != 0))
        return refuse(c, "lose|corrupt|insert to-device|to-host N expected");
    if (number_word(c, 2, &n))
        return -1;
    struct fifo_fault *fault =
        &f->fault[strcmp(c->word[1], "to-device") ? FIFO_TO_HOST : FIFO_TO_DEVICE];
    if (!strcmp(c->word[0], "lose"))
        fault->lose = n;
    else if (!strcmp(c->word[0], "corrupt"))
        fault->corrupt = n;
    else if (!strcmp(c->word[0], "insert"))
        fault->insert = n > FIFO_BYTES ? FIFO_BYTES : n;
    else
        return refuse(c, "lose, corrupt or insert expected");
    return 0;
}

static int do_engine(struct call *c)
{
    static const struct {
        const char *word;
        int signal;
    } actions[] = {{"wedge", SIGSTOP}, {"resume", SIGCONT}, {"kill", SIGKILL}};
    struct engine *e = c->board->fpga.engine;
    for (size_t i = 0; c->words && i < sizeof actions / sizeof *actions; i++) {
        if (strcmp(c->word[0], actions[i].word) != 0)
            continue;
        if (!e)
            return refuse(c, "no engine runs: %s", c->board->fpga.why_no_design);
        if (kill(engine_pid(e), actions[i].signal))
            return refuse(c, "%s", strerror(errno));
        return 0;
    }
    return refuse(c, "wedge, resume or kill expected");
}

static int do_power(struct call *c)
{
    struct power_meter *p = &c->board->meter;
    if (!c->words || strcmp(c->word[0], "truth") != 0)
        return power_meter_command(p, c->word, c->words, c->why, sizeof c->why);
    uint32_t cycles = 0;
    if (c->words > 2 || (c->words == 2 && number_word(c, 1, &cycles)))
        return refuse(c, "power truth [CYCLES] expected");
    c->result = status_power_truth(p, cycles);
    return 0;
}

static int do_nothing(struct call *c)
{
    (void)c;
    return 0;
}

static int do_quit(struct call *c)
{
    (void)c;
    loop_stop(0);
    return 0;
}

static const struct command {
    const char *name, *arguments, *what;
    int (*run)(struct call *c);
} commands[] = {
    {"status", "", "everything as JSON", do_nothing},
    {"unplug", "[meter] [powered]", "pull the cable; powered: the FPGA stays configured",
     do_unplug},
    {"replug", "[meter]", "plug it in again", do_replug},
    {"done-low", "on|off", "DONE never rises", do_done_low},
    {"wrong-idcode", "on|off", "the FPGA is another part", do_idcode},
    {"tdo-low", "on|off", "TDO reads 0 for ever", do_tdo_low},
    {"mpsse-mute", "[meter] on|off", "the MPSSE takes commands and never answers", do_mpsse_mute},
    {"stall", "K [COUNT]", "the K-th bulk transfer from now hangs, COUNT in all; 0 off", do_stall},
    {"fifo", "lose|corrupt|insert to-device|to-host N", "disturb the next N bytes", do_fifo},
    {"engine", "wedge|resume|kill", "stop, continue, kill the design's process", do_engine},
    {"power", "truth [CYCLES]", "true energies since the mark; of an inference of CYCLES",
     do_power},
    {"power", "mark", "the truth begins anew", do_power},
    {"power", "noise PPM | drift PPM/MIN | seed N", "of the sensors; of the power; of the noise",
     do_power},
    {"power", "warmup PPM TAU_S", "the power begins so much lower", do_power},
    {"power", "gain|offset CHANNEL PPM|UV", "a sensor's error (FPGA_1V0.., INA226, INA228)",
     do_power},
    {"power", "clock PPM", "by which the PAC1934 samples too fast", do_power},
    {"power", "rail RAIL LEVEL UW", "static, configuration, idle or active power", do_power},
    {"power", "speed N | skip SECONDS", "waiting passes N times faster; at once", do_power},
    {"power", "nak N | lose N | sda-low on|off", "lose transactions, samples, the bus", do_power},
    {"power", "saturate | reset [SENSOR]", "accumulators at their ends; power-on reset", do_power},
    {"quit", "", "end the world", do_quit},
};

void control_help(char *out, size_t cap)
{
    size_t at = 0;
    for (size_t i = 0; i < sizeof commands / sizeof *commands && at < cap; i++) {
        char head[64];
        snprintf(head, sizeof head, "%s %s", commands[i].name, commands[i].arguments);
        int n = snprintf(out + at, cap - at, "  %-46s %s\n", head, commands[i].what);
        at += n > 0 ? (size_t)n : 0;
    }
}

static json_t *answer(const struct call *c, bool ok)
{
    json_t *o = json_object();
    json_object_set_new(o, "ok", json_boolean(ok));
    if (c->result)
        json_object_update(o, c->result);
    json_decref(c->result);
    if (!ok)
        json_object_set_new(o, "error", json_string(c->why));
    return o;
}

// Takes "--board SERIAL" out of the words; the first board otherwise.
static int pick_board(struct call *c)
{
    const char *serial = NULL;
    size_t k = 0;
    for (size_t i = 0; i < c->words; i++) {
        if (!strcmp(c->word[i], "--board") && i + 1 < c->words)
            serial = c->word[++i];
        else
            c->word[k++] = c->word[i];
    }
    c->words = k;
    c->board = boards_find(c->boards, serial);
    return c->board ? 0 : refuse(c, "no board %s", serial ? serial : "");
}

json_t *control_run(struct boards *boards, const char *line)
{
    char copy[CONTROL_LINE_MAX], *save = NULL, *name;
    struct call c = {.boards = boards};
    snprintf(copy, sizeof copy, "%s", line);
    name = strtok_r(copy, " \t\r\n", &save);
    for (char *w; c.words < MAX_WORDS && (w = strtok_r(NULL, " \t\r\n", &save));)
        c.word[c.words++] = w;
    for (size_t i = 0; name && i < sizeof commands / sizeof *commands; i++) {
        if (strcmp(name, commands[i].name) != 0)
            continue;
        if (pick_board(&c) || commands[i].run(&c))
            return answer(&c, false);
        log_info("control: %s", line);
        return commands[i].run == do_nothing ? status_json(boards) : answer(&c, true);
    }
    refuse(&c, "unknown command %s", name ? name : "");
    return answer(&c, false);
}
