// SPDX-License-Identifier: Apache-2.0
// Messages between the front end and a worker: one SOCK_SEQPACKET pair per board, one struct per
// packet. Both ends are the same program on the same machine, so the structs travel in native
// layout; WIRE_VERSION and the length are checked on every packet, because a worker may outlive an
// upgrade of the file it was started from.
//
// The worker says HELLO and STATE by itself: after its start, whenever the board comes, goes or
// changes, and ALIVE at least every WIRE_ALIVE_MS whatever it is doing. Each PROGRAM is answered by
// one PROGRAMMED and each INFER by one RESULT, results before anything that came after them.
// Times are CLOCK_MONOTONIC, which all processes share.
#ifndef SEVENCAST_DAEMON_WIRE_H
#define SEVENCAST_DAEMON_WIRE_H

#include <stddef.h>
#include <stdint.h>

#include "daemon/meter.h"

enum {
    WIRE_VERSION = 0x7c570004, // "7CST", layout 4
    WIRE_FD = 3,               // the worker's end
    WIRE_WINDOW_MAX = 2048,
    WIRE_OUTPUTS_MAX = 24,
    WIRE_NAME = 64,
    WIRE_PATH = 512,
    WIRE_REASON = 256,
    WIRE_IDENTITY = 64,
    WIRE_INFLIGHT = 8, // INFER that a worker accepts before their RESULTs
    WIRE_ALIVE_MS = 500,
};

enum wire_type {
    WIRE_CONFIG = 1, // front end -> worker; the first packet
    WIRE_PROGRAM,
    WIRE_INFER,
    WIRE_METER,      // reading of the power monitor pauses, or goes on
    WIRE_STOP,       // ends the burst of the INFER with that tag, if it goes on
    WIRE_HELLO = 64, // worker -> front end; the first packet
    WIRE_ALIVE,
    WIRE_STATE,
    WIRE_PROGRAMMED,
    WIRE_RESULT,
    WIRE_POWER, // a window of the power monitor; about once a second, and around bursts
};

struct wire_head {
    uint32_t version, type;
    uint32_t bytes; // of the whole packet
    uint32_t tag;   // chosen by the front end for PROGRAM and INFER, echoed
};

struct wire_config {
    struct wire_head head;
    char board[WIRE_NAME], serial[WIRE_NAME], part[WIRE_NAME], cable[WIRE_NAME];
    char loader[WIRE_PATH], run_dir[WIRE_PATH];
    uint16_t vendor, product;
    uint32_t jtag_mhz, answer_timeout_ms, program_timeout_ms;
    uint32_t allow_virtual, log_level;
    char meter[WIRE_NAME], meter_serial[WIRE_NAME]; // meter: "none" or a driver's name
    uint16_t meter_vendor, meter_product;
    uint32_t meter_address;
    struct meter_rails rails;
};

struct wire_program {
    struct wire_head head;
    char variant[WIRE_NAME];
    char path[WIRE_PATH]; // of the .bit
    uint8_t sha256[32];   // that the file must have
    uint8_t hash[32];     // that the design must show as its identity
};

struct wire_infer {
    struct wire_head head;
    uint32_t window_bytes, outputs;
    // A burst when one is not 0: see burst_begin. Before it the meter takes a window of lead_ms
    // without work; at until_ns it is stopped (0: never).
    uint32_t repeat, lead_ms;
    double burst_s;
    uint64_t until_ns;
    int8_t window[WIRE_WINDOW_MAX]; // only window_bytes of it are sent
};

struct wire_meter {
    struct wire_head head;
    uint64_t until_ns; // not read before
};

struct wire_stop {
    struct wire_head head;
};

struct wire_hello {
    struct wire_head head;
    int32_t pid;
};

struct wire_alive {
    struct wire_head head;
};

enum wire_board_state {
    WIRE_ABSENT,       // not on USB, or another process has it
    WIRE_UNCONFIGURED, // on USB, DONE is low
    WIRE_SILENT,       // configured, but does not answer on the link
    WIRE_IDENTIFIED,   // identity holds its registers
};

struct wire_state {
    struct wire_head head;
    uint32_t state;
    uint8_t identity[WIRE_IDENTITY];
    char reason[WIRE_REASON];
};

struct wire_programmed {
    struct wire_head head;
    uint32_t ok;
    uint32_t touched; // the FPGA no longer runs what it ran before
    uint64_t program_ns;
    uint8_t identity[WIRE_IDENTITY]; // when ok
    char reason[WIRE_REASON];        // when not
};

enum wire_result_status {
    WIRE_OK,
    WIRE_FAULT,    // the device answered an error or nonsense
    WIRE_TIMEOUT,  // no answer in answer_timeout_ms; the link was recovered
    WIRE_LOST,     // the board left
    WIRE_RETURNED, // never sent to the board
    WIRE_REFUSED,  // the design cannot do that: nobody's fault, nothing to try again
};

// What a burst did; runs 0: there was none.
struct wire_burst {
    uint32_t runs, chunks;
    uint32_t stopped; // before all was done
    uint64_t cycles, busy_cycles;
    uint64_t begin_ns, end_ns; // the first frame's sending, the last one's answer
    uint64_t wall_ns;          // from each frame's sending to its answer, in all
    uint64_t round_trip_ns;    // of the inference that loaded the window
};

struct wire_result {
    struct wire_head head;
    uint32_t status;
    uint32_t cycles, wait_cycles;
    uint32_t outputs;
    int16_t y[WIRE_OUTPUTS_MAX];
    // of the transfers: write begun, last byte written, first and last byte of the answer
    uint64_t sent_ns, written_ns, first_ns, last_ns;
    struct wire_burst burst;
    char reason[WIRE_REASON]; // when not OK
};

enum wire_window { WIRE_WINDOW_ANY, WIRE_WINDOW_LEAD, WIRE_WINDOW_BURST };

struct wire_power {
    struct wire_head head; // tag: of the INFER that the window belongs to; 0 for ANY
    uint32_t window;
    struct meter_rails rails;
    struct meter_power power;
};

union wire_packet {
    struct wire_head head;
    struct wire_config config;
    struct wire_program program;
    struct wire_infer infer;
    struct wire_meter meter;
    struct wire_stop stop;
    struct wire_hello hello;
    struct wire_alive alive;
    struct wire_state state;
    struct wire_programmed programmed;
    struct wire_result result;
    struct wire_power power;
};

// Fills the head and sends without waiting. bytes: sizeof the struct, or what infer uses of it.
// 0, or -1 (errno set) when the other side is gone or its queue is full.
int wire_send(int fd, void *packet, uint32_t type, uint32_t tag, size_t bytes);

// Receives one packet without waiting. 1 with *p filled, texts terminated and lengths checked;
// 0 when there is none; -1 when the other side is gone or speaks another version (errno EPROTO).
int wire_recv(int fd, union wire_packet *p);

size_t wire_infer_bytes(const struct wire_infer *m);

#endif
