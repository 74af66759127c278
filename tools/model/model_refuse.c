// SPDX-License-Identifier: Apache-2.0
#include <stdarg.h>
#include <stdio.h>

#include "tools/model/model_internal.h"

int model_refuse(char *why, size_t whycap, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    if (whycap > 0)
        vsnprintf(why, whycap, format, args);
    va_end(args);
    return -1;
}
