// SPDX-License-Identifier: Apache-2.0
#include "tools/explore/options.h"

#include <assert.h>
#include <errno.h>
#include <getopt.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

enum { MAX_ROWS = 64 };

const char options_program[] = "sevencast-explore";

int complain(int code, const char *format, ...)
{
    va_list ap;
    va_start(ap, format);
    fprintf(stderr, "%s: ", options_program);
    vfprintf(stderr, format, ap);
    fprintf(stderr, "\n");
    va_end(ap);
    return code;
}

static int to_number(const struct option_row *row, const char *text, double *value)
{
    char *end;
    errno = 0;
    *value = strtod(text, &end);
    if (end == text || *end || errno || !(*value >= row->lo && *value <= row->hi))
        return complain(EXIT_USAGE, "--%s: '%s' is not a number in %g..%g", row->name, text,
                        row->lo, row->hi);
    if (row->kind != OPTION_NUMBER && *value != (double)(long)*value)
        return complain(EXIT_USAGE, "--%s: '%s' is not a whole number", row->name, text);
    return EXIT_OK;
}

static int take(const struct option_row *row, const char *text)
{
    double value = 0;
    if (row->kind != OPTION_TEXT && row->kind != OPTION_FILE && row->kind != OPTION_FLAG &&
        to_number(row, text, &value))
        return EXIT_USAGE;
    switch (row->kind) {
    case OPTION_TEXT:
    case OPTION_FILE:
        *(const char **)row->to = text;
        break;
    case OPTION_COUNT:
        *(int *)row->to = (int)value;
        break;
    case OPTION_LONG:
        *(long *)row->to = (long)value;
        break;
    case OPTION_NUMBER:
        *(double *)row->to = value;
        break;
    case OPTION_FLAG:
        *(int *)row->to = 1;
        break;
    }
    return EXIT_OK;
}

int options_parse(const struct option_row *row, int rows, const char *usage, int argc, char **argv)
{
    struct option list[MAX_ROWS + 3] = {{0}};
    int c, at = 0, rc = EXIT_OK;
    assert(rows <= MAX_ROWS);
    for (int i = 0; i < rows; i++)
        list[i] = (struct option){
            row[i].name, row[i].kind == OPTION_FLAG ? no_argument : required_argument, NULL, 1};
    list[rows] = (struct option){"help", no_argument, NULL, 'h'};
    list[rows + 1] = (struct option){"version", no_argument, NULL, 'V'};
    while (!rc && (c = getopt_long(argc, argv, "hV", list, &at)) != -1)
        switch (c) {
        case 1:
            rc = take(&row[at], optarg);
            break;
        case 'h':
            fputs(usage, stdout);
            exit(EXIT_OK);
        case 'V':
            printf("%s %s\n", options_program, SEVENCAST_VERSION);
            exit(EXIT_OK);
        default:
            rc = complain(EXIT_USAGE, "see --help");
        }
    if (!rc && optind < argc)
        rc = complain(EXIT_USAGE, "'%s' is not expected here", argv[optind]);
    return rc;
}
