// SPDX-License-Identifier: Apache-2.0
// Reads the figures out of Vivado's report texts: utilization, timing summary, route status, power.
// Shapes of 2018 to 2024 are known. A row that is missing, doubled with another value, no number or
// beyond the part is an error with the row's name, never a default.
#ifndef SEVENCAST_VIVADO_REPORT_H
#define SEVENCAST_VIVADO_REPORT_H

#include <stdbool.h>
#include <stddef.h>

struct vivado_figures {
    char version[32]; // of the tool, "2021.2"
    long luts, luts_available;
    long luts_memory, ffs, dsps, ramb36, ramb18; // ramb18: those outside of a RAMB36
    // Worst slacks and what is below zero; met: all of them at or above zero, and the tool says so.
    long setup_slack_ps, hold_slack_ps, pulse_slack_ps;
    long failing_endpoints;
    bool timing_met;
    long power_mw, dynamic_mw, static_mw; // estimated by the tool, without activity of the design
    char power_confidence[16];            // "Low", "Medium", "High"
};

// What the reports must be of.
struct vivado_subject {
    const char *design; // top entity
    const char *part;
};

// Each fills its part of f from a text of n bytes (any bytes may be given). 0, or -1 with why,
// which begins with the report's name.
int vivado_read_utilization(const char *text, size_t n, const struct vivado_subject *of,
                            struct vivado_figures *f, char *why, size_t whycap);
int vivado_read_timing(const char *text, size_t n, const struct vivado_subject *of,
                       struct vivado_figures *f, char *why, size_t whycap);
int vivado_read_power(const char *text, size_t n, const struct vivado_subject *of,
                      struct vivado_figures *f, char *why, size_t whycap);
// All nets routed, none with an error.
int vivado_read_route(const char *text, size_t n, char *why, size_t whycap);

#endif
