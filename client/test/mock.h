// SPDX-License-Identifier: Apache-2.0
// A test double of the daemon: a ROUTER that answers every verb of the service protocol with canned
// state. Nothing is computed: a "forecast" is the window's last value of its first feature plus k
// for output k, its code the number of rows, its origin "model".
//
// Variants: demand-w8 (on board "bench" at the start), demand-w4, both task "demand", windows 4 x
// 1, one output; weather-w8, task "weather", windows 3 x 2, outputs temperature+1 and
// temperature+2; broken, which never comes up. A window value above 99999 counts as saturated.
//
// ab_result of an experiment "steps-N" has N steps (at most 20000), step i of variant i % 2 with an
// error of i.
//
// An infer whose model is one of these behaves badly: mute (no answer), late (after 300 ms), hold
// (after the next answer), wrong-id, malformed (header is no JSON), short (no tensors), bare (no
// delimiter), other-verb, error-CODE (that error).
#ifndef SEVENCAST_CLIENT_TEST_MOCK_H
#define SEVENCAST_CLIENT_TEST_MOCK_H

#include <stdbool.h>
#include <stdint.h>

struct mock;

// Binds endpoint and serves from a thread of its own; latency_ms delays every infer answer. NULL
// when the endpoint cannot be bound.
struct mock *mock_start(const char *endpoint, unsigned latency_ms);
void mock_stop(struct mock *m); // NULL allowed

// How many cancel requests have come.
unsigned mock_cancels(struct mock *m);

#endif
