// SPDX-License-Identifier: Apache-2.0
// Cases for top_tb: what the host sends, as a script, and what must come back. The same case code
// runs twice, once to write the script and once to judge the bench's record.
#ifndef SEVENCAST_RTL_LINK_CASES_H
#define SEVENCAST_RTL_LINK_CASES_H

#include <stddef.h>
#include <stdint.h>

#include "protocol/link.h"

// An answer that must come, in this order. Payload words that depend on timing have a range.
struct expected {
    uint8_t type;
    uint16_t seq;
    size_t n;
    uint8_t payload[4 + 2 * 256]; // the longest: a row of a tensor
    struct range {
        size_t at; // offset of a u32, 0 in both: none
        uint32_t low, high;
    } range[4];
    size_t ranges;
    size_t lost; // from this payload byte on: anything, and every bit of the CRC wrong; 0: none
    int line;    // of the case
};

// Ends the program with a message.
void die(const char *format, ...) __attribute__((format(printf, 1, 2), noreturn));

void put16(uint8_t *at, unsigned value);
void put32(uint8_t *at, uint32_t value);
uint32_t get32(const uint8_t *at);

// The host: raw bytes, a command of top_tb, a frame (returns its sequence number), and a wait until
// everything expected so far has come, and nothing else.
void send_bytes(const uint8_t *bytes, size_t n);
void command(char name, uint32_t value);
uint16_t send_frame(uint8_t type, const void *payload, size_t n);
void settle(void);

// The answer that comes next; line is the case's, for the message.
struct expected *expect_at(int line, uint8_t type, uint16_t seq, const void *payload, size_t n);
#define expect(...) expect_at(__LINE__, __VA_ARGS__)
void expect_range(struct expected *e, size_t at, uint32_t low, uint32_t high);

// NAME script|check FILE: runs cases and writes the script to FILE, or judges the record in it.
int run_cases(const char *mode, const char *path, void (*cases)(void));

#endif
