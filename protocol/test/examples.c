// SPDX-License-Identifier: Apache-2.0
#include "protocol/test/examples.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int add_hex(struct example *e, const char *text)
{
    for (;;) {
        while (isspace((unsigned char)*text))
            text++;
        if (!*text)
            return 0;
        if (!isxdigit((unsigned char)text[0]) || !isxdigit((unsigned char)text[1]) ||
            e->n == sizeof e->bytes)
            return -1;
        char digits[] = {text[0], text[1], 0};
        e->bytes[e->n++] = (uint8_t)strtoul(digits, NULL, 16);
        text += 2;
    }
}

// "name > hex..." begins an example, a line that begins with a blank continues it.
static int add_line(struct example *out, int *count, const char *line)
{
    if (line[0] == ' ')
        return *count ? add_hex(&out[*count - 1], line) : -1;
    if (*count == EXAMPLES_MAX)
        return -1;
    struct example *e = &out[*count];
    memset(e, 0, sizeof *e);
    int at = 0;
    if (sscanf(line, "%31s %c%n", e->name, &e->direction, &at) != 2 ||
        (e->direction != '>' && e->direction != '<'))
        return -1;
    ++*count;
    return add_hex(e, line + at);
}

int examples_read(const char *path, struct example *out)
{
    char line[512];
    int number = 0, count = 0, inside = 0;
    FILE *file = fopen(path, "r");
    if (!file) {
        perror(path);
        return -1;
    }
    while (fgets(line, sizeof line, file)) {
        number++;
        if (strncmp(line, "```", 3) == 0) {
            inside = strncmp(line, "```link-examples", 16) == 0;
        } else if (inside && add_line(out, &count, line) < 0) {
            fprintf(stderr, "%s:%d: not an example line\n", path, number);
            fclose(file);
            return -1;
        }
    }
    fclose(file);
    return count;
}
