// SPDX-License-Identifier: Apache-2.0
#include "client/cli/html.h"

#include <math.h>
#include <string.h>

#include "client/cli/svg.h"

static const char style[] =
    "body{font:15px/1.45 system-ui,sans-serif;max-width:62em;margin:2em auto;padding:0 1em;"
    "color:#222;background:#fff}"
    "table{border-collapse:collapse;margin:1em 0}"
    "th,td{padding:.2em .7em;text-align:left;border-bottom:1px solid #8884}"
    "td.n{text-align:right;font-variant-numeric:tabular-nums}"
    ".better,.equivalent{color:#00734d}.worse,.flag{color:#b22}.undecided{color:#8a6500}"
    "svg{display:block;margin:.5em 0;max-width:100%;height:auto}"
    ".k{display:inline-block;width:.8em;height:.8em;border-radius:50%;margin:0 .3em 0 1em}"
    "@media(prefers-color-scheme:dark){body{color:#ddd;background:#181818}}";

void html_put(FILE *out, const char *before, const char *text, const char *after)
{
    fputs(before, out);
    svg_text(out, text);
    fputs(after, out);
}

void html_begin(FILE *out, const char *title, const char *what)
{
    html_put(out,
             "<!doctype html><html lang=en><meta charset=utf-8><meta name=viewport "
             "content=\"width=device-width\"><title>",
             title, " - ");
    html_put(out, "", what, "</title><style>");
    fprintf(out, "%s</style>\n", style);
}

void html_number(FILE *out, double value, const char *format)
{
    char text[64];
    snprintf(text, sizeof text, "-");
    if (isfinite(value)) {
        if (strcmp(format, "p") == 0)
            snprintf(text, sizeof text, "%.2g", value);
        else if (strcmp(format, "count") == 0)
            snprintf(text, sizeof text, "%.0f", value);
        else
            snprintf(text, sizeof text, "%.6g", value);
    }
    html_put(out, "<td class=n>", text, "</td>");
}

void html_key(FILE *out, int series)
{
    fprintf(out, "<span class=k style=\"background:%s\"></span>", svg_colour(series));
}
