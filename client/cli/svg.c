// SPDX-License-Identifier: Apache-2.0
#include "client/cli/svg.h"

#include <math.h>

void svg_text(FILE *out, const char *text)
{
    for (; *text; text++) {
        switch (*text) {
        case '&':
            fputs("&amp;", out);
            break;
        case '<':
            fputs("&lt;", out);
            break;
        case '>':
            fputs("&gt;", out);
            break;
        case '"':
            fputs("&quot;", out);
            break;
        default:
            fputc((unsigned char)*text < 0x20 ? ' ' : *text, out);
        }
    }
}

// Told apart also by those who see few colours (Okabe & Ito, 2008).
const char *svg_colour(int series)
{
    static const char *const colours[] = {"#0072b2", "#d55e00", "#009e73", "#cc79a7",
                                          "#e69f00", "#56b4e9", "#7f7f7f", "#000000"};
    return colours[(unsigned)series % 8];
}

static double px(const struct svg *s, double x)
{
    return s->left + (x - s->x_low) / (s->x_high - s->x_low) * (s->right - s->left);
}

static double py(const struct svg *s, double y)
{
    return s->bottom - (y - s->y_low) / (s->y_high - s->y_low) * (s->bottom - s->top);
}

static void widen(double *low, double *high)
{
    double room = 0.05 * (*high - *low);
    if (!(room > 0))
        room = fabs(*high) > 0 ? 0.05 * fabs(*high) : 1;
    *low -= room;
    *high += room;
}

void svg_begin(struct svg *s, FILE *out, double width, double height, double x_low, double x_high,
               double y_low, double y_high, const char *x_label, const char *y_label)
{
    *s = (struct svg){out,         width, height, 90,    width - 15, 12,
                      height - 42, x_low, x_high, y_low, y_high};
    widen(&s->x_low, &s->x_high);
    widen(&s->y_low, &s->y_high);
    fprintf(out,
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 %.0f %.0f\" width=\"%.0f\" "
            "height=\"%.0f\" font-size=\"12\" role=\"img\">\n",
            width, height, width, height);
    fprintf(out,
            "<rect x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"%.1f\" fill=\"none\" "
            "stroke=\"currentColor\" stroke-opacity=\"0.4\"/>\n",
            s->left, s->top, s->right - s->left, s->bottom - s->top);
    fprintf(out, "<text x=\"%.1f\" y=\"%.1f\" text-anchor=\"middle\" fill=\"currentColor\">",
            (s->left + s->right) / 2, height - 6);
    svg_text(out, x_label);
    fprintf(out,
            "</text>\n<text transform=\"translate(14 %.1f) rotate(-90)\" text-anchor=\"middle\" "
            "fill=\"currentColor\">",
            (s->top + s->bottom) / 2);
    svg_text(out, y_label);
    fputs("</text>\n", out);
}

void svg_end(struct svg *s)
{
    fputs("</svg>\n", s->out);
}

// 1, 2 or 5 times a power of ten, so that some five ticks fit.
static double tick_step(double low, double high)
{
    double raw = (high - low) / 5, power = pow(10, floor(log10(raw))), share = raw / power;
    return power * (share < 1.5 ? 1 : share < 3.5 ? 2 : share < 7.5 ? 5 : 10);
}

static int decimals(double step)
{
    int n = (int)ceil(-log10(step) - 1e-9);
    return n < 0 ? 0 : n > 12 ? 12 : n;
}

void svg_x_ticks(struct svg *s)
{
    double step = tick_step(s->x_low, s->x_high);
    for (double x = ceil(s->x_low / step) * step, n = 0; x <= s->x_high && n < 20; x += step, n++)
        fprintf(s->out,
                "<line x1=\"%.1f\" y1=\"%.1f\" x2=\"%.1f\" y2=\"%.1f\" stroke=\"currentColor\"/>"
                "<text x=\"%.1f\" y=\"%.1f\" text-anchor=\"middle\" "
                "fill=\"currentColor\">%.*f</text>\n",
                px(s, x), s->bottom, px(s, x), s->bottom + 4, px(s, x), s->bottom + 17,
                decimals(step), fabs(x) < step / 2 ? 0 : x);
}

void svg_y_ticks(struct svg *s)
{
    double step = tick_step(s->y_low, s->y_high);
    for (double y = ceil(s->y_low / step) * step, n = 0; y <= s->y_high && n < 20; y += step, n++)
        fprintf(
            s->out,
            "<line x1=\"%.1f\" y1=\"%.1f\" x2=\"%.1f\" y2=\"%.1f\" stroke=\"currentColor\"/>"
            "<text x=\"%.1f\" y=\"%.1f\" text-anchor=\"end\" fill=\"currentColor\">%.*f</text>\n",
            s->left - 4, py(s, y), s->left, py(s, y), s->left - 7, py(s, y) + 4, decimals(step),
            fabs(y) < step / 2 ? 0 : y);
}

void svg_point(struct svg *s, double x, double y, int series, const char *title)
{
    if (!isfinite(x) || !isfinite(y))
        return;
    fprintf(s->out, "<circle cx=\"%.1f\" cy=\"%.1f\" r=\"3\" fill=\"%s\">", px(s, x), py(s, y),
            svg_colour(series));
    if (*title) {
        fputs("<title>", s->out);
        svg_text(s->out, title);
        fputs("</title>", s->out);
    }
    fputs("</circle>\n", s->out);
}

void svg_line(struct svg *s, double x0, double y0, double x1, double y1, int series)
{
    if (!isfinite(x0) || !isfinite(y0) || !isfinite(x1) || !isfinite(y1))
        return;
    fprintf(s->out,
            "<line x1=\"%.1f\" y1=\"%.1f\" x2=\"%.1f\" y2=\"%.1f\" stroke=\"%s\" "
            "stroke-width=\"2\"/>\n",
            px(s, x0), py(s, y0), px(s, x1), py(s, y1), svg_colour(series));
}

void svg_dash(struct svg *s, double x0, double y0, double x1, double y1)
{
    fprintf(s->out,
            "<line x1=\"%.1f\" y1=\"%.1f\" x2=\"%.1f\" y2=\"%.1f\" stroke=\"currentColor\" "
            "stroke-dasharray=\"4 3\"/>\n",
            px(s, x0), py(s, y0), px(s, x1), py(s, y1));
}

void svg_band(struct svg *s, double x0, double x1)
{
    fprintf(s->out,
            "<rect x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"%.1f\" fill=\"currentColor\" "
            "fill-opacity=\"0.12\"/>\n",
            px(s, x0), s->top, px(s, x1) - px(s, x0), s->bottom - s->top);
}

void svg_row(struct svg *s, double y, const char *text)
{
    fprintf(s->out, "<text x=\"%.1f\" y=\"%.1f\" text-anchor=\"end\" fill=\"currentColor\">",
            s->left - 7, py(s, y) + 4);
    svg_text(s->out, text);
    fputs("</text>\n", s->out);
}
