// SPDX-License-Identifier: Apache-2.0
// Plots as SVG, for reports that are one file: axes with round ticks, points, lines, bands.
// Everything is written as it comes; text is escaped. Colours are those of a series, 0 to 7.
#ifndef SEVENCAST_CLIENT_SVG_H
#define SEVENCAST_CLIENT_SVG_H

#include <stdio.h>

struct svg {
    FILE *out;                                      // borrowed
    double width, height, left, right, top, bottom; // of the drawing; the frame's place in it
    double x_low, x_high, y_low, y_high;            // the data that the frame shows
};

// Writes text with &, <, > and quotes escaped.
void svg_text(FILE *out, const char *text);
const char *svg_colour(int series);

// Begins a drawing whose frame shows x_low..x_high and y_low..y_high, with a little room around;
// ranges of no width are widened. Axis labels may be "".
void svg_begin(struct svg *s, FILE *out, double width, double height, double x_low, double x_high,
               double y_low, double y_high, const char *x_label, const char *y_label);
void svg_end(struct svg *s);

void svg_point(struct svg *s, double x, double y, int series, const char *title); // title: "" none
void svg_line(struct svg *s, double x0, double y0, double x1, double y1, int series);
void svg_dash(struct svg *s, double x0, double y0, double x1, double y1);
// A vertical band over the whole height.
void svg_band(struct svg *s, double x0, double x1);
// Words in the margin left of a value on the y axis, in place of its ticks.
void svg_row(struct svg *s, double y, const char *text);
void svg_x_ticks(struct svg *s);
void svg_y_ticks(struct svg *s);

#endif
