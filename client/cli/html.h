// SPDX-License-Identifier: Apache-2.0
// What the pages of reports share: head with style, escaped text, number cells. A page is one file
// that needs no other.
#ifndef SEVENCAST_CLIENT_HTML_H
#define SEVENCAST_CLIENT_HTML_H

#include <stdio.h>

// Begins a page: everything up to its title in the head.
void html_begin(FILE *out, const char *title, const char *what);
// before and after are written as they are, text is escaped.
void html_put(FILE *out, const char *before, const char *text, const char *after);
// A table cell: "-" where the value is not finite. format: "p" for a p value, "count" for whole
// numbers, else six digits.
void html_number(FILE *out, double value, const char *format);
// A dot in the colour of a series.
void html_key(FILE *out, int series);

#endif
