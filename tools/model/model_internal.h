// SPDX-License-Identifier: Apache-2.0
// Shared by the files of the model library only.
#ifndef SEVENCAST_MODEL_MODEL_INTERNAL_H
#define SEVENCAST_MODEL_MODEL_INTERNAL_H

#include <stddef.h>

// Writes a message to why (whycap bytes) and returns -1.
int model_refuse(char *why, size_t whycap, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

#endif
