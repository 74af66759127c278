// SPDX-License-Identifier: Apache-2.0
#include "rtl/sys/test/link_cases.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_ANSWERS = 8192 };

static FILE *script;
static struct expected expected[MAX_ANSWERS];
static size_t answers, answer_bytes;
static uint16_t next_seq = 0x100;

void die(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    fputs("cases: ", stderr);
    vfprintf(stderr, format, args);
    fputc('\n', stderr);
    va_end(args);
    exit(1);
}

void put16(uint8_t *at, unsigned value)
{
    at[0] = (uint8_t)value;
    at[1] = (uint8_t)(value >> 8);
}

void put32(uint8_t *at, uint32_t value)
{
    put16(at, value & 0xffff);
    put16(at + 2, value >> 16);
}

uint32_t get32(const uint8_t *at)
{
    return at[0] | (uint32_t)at[1] << 8 | (uint32_t)at[2] << 16 | (uint32_t)at[3] << 24;
}

// ---- the script

void send_bytes(const uint8_t *bytes, size_t n)
{
    if (!script)
        return;
    fputc('s', script);
    for (size_t i = 0; i < n; i++)
        fprintf(script, " %02x", bytes[i]);
    fputc('\n', script);
}

void command(char name, uint32_t value)
{
    if (script)
        fprintf(script, "%c %" PRIu32 "\n", name, value);
}

// Everything expected so far must have come, and nothing else comes.
void settle(void)
{
    command('r', (uint32_t)answer_bytes);
}

uint16_t send_frame(uint8_t type, const void *payload, size_t n)
{
    uint8_t frame[LINK_MAX_FRAME];
    send_bytes(frame, link_encode(frame, type, next_seq, payload, n));
    return next_seq++;
}

// ---- expectations

struct expected *expect_at(int line, uint8_t type, uint16_t seq, const void *payload, size_t n)
{
    if (answers == MAX_ANSWERS || n > sizeof expected->payload)
        die("too many answers or too long a one");
    struct expected *e = &expected[answers++];
    *e = (struct expected){.type = type, .seq = seq, .n = n, .line = line};
    if (n)
        memcpy(e->payload, payload, n);
    answer_bytes += LINK_HEADER_BYTES + n + LINK_CRC_BYTES;
    return e;
}
void expect_range(struct expected *e, size_t at, uint32_t low, uint32_t high)
{
    e->range[e->ranges++] = (struct range){at, low, high};
}

// ---- the judgement

// The next answer's bytes; SIWU# pulses in between are allowed only where the bench waited.
static void read_answer(FILE *in, uint8_t *out, size_t n, size_t number)
{
    char word[16];
    for (size_t i = 0; i < n; i++) {
        do {
            if (fscanf(in, "%15s", word) != 1)
                die("answer %zu: cut off after %zu bytes", number, i);
            if (i > 0 && word[0] == 'S')
                die("answer %zu: SIWU# inside a frame", number);
        } while (word[0] == 'S');
        out[i] = (uint8_t)strtoul(word, NULL, 16);
    }
}

static void judge(FILE *in)
{
    uint8_t got[LINK_MAX_FRAME], want[LINK_MAX_FRAME];
    for (size_t k = 0; k < answers; k++) {
        struct expected *e = &expected[k];
        size_t n = LINK_HEADER_BYTES + e->n + LINK_CRC_BYTES;
        read_answer(in, got, n, k);
        for (size_t i = 0; i < e->ranges; i++) {
            const struct range *r = &e->range[i];
            uint32_t value = get32(got + LINK_HEADER_BYTES + r->at);
            if (value < r->low || value > r->high)
                die("case at line %d, answer %zu, byte %zu: %" PRIu32 " is not in %" PRIu32
                    "..%" PRIu32,
                    e->line, k, r->at, value, r->low, r->high);
            put32(e->payload + r->at, value);
        }
        if (e->lost)
            memcpy(e->payload + e->lost, got + LINK_HEADER_BYTES + e->lost, e->n - e->lost);
        link_encode(want, e->type, e->seq, e->payload, e->n);
        for (size_t i = n - LINK_CRC_BYTES; e->lost && i < n; i++)
            want[i] = (uint8_t)~want[i];
        for (size_t i = 0; i < n; i++)
            if (got[i] != want[i])
                die("case at line %d, answer %zu (type %02x, seq %04x), byte %zu: got %02x, want "
                    "%02x",
                    e->line, k, e->type, e->seq, i, got[i], want[i]);
    }
    char word[16];
    while (fscanf(in, "%15s", word) == 1)
        if (word[0] != 'S')
            die("bytes behind the last answer");
    printf("cases: PASS %zu answers, %zu bytes\n", answers, answer_bytes);
}

int run_cases(const char *mode, const char *path, void (*cases)(void))
{
    bool check = strcmp(mode, "check") == 0;
    FILE *file = fopen(path, check ? "r" : "w");
    if (!file)
        die("%s: cannot be opened", path);
    script = check ? NULL : file;
    cases();
    if (check)
        judge(file);
    if (fclose(file) != 0)
        die("%s: cannot be written", path);
    return 0;
}
