// SPDX-License-Identifier: Apache-2.0
#include "measure/special.h"

#include <math.h>

static const double sqrt_half = 0.70710678118654752440;
static const double inverse_sqrt_two_pi = 0.39894228040143267794;
static const double log_sqrt_two_pi = 0.91893853320467274178;
static const double pi = 3.14159265358979323846;
static const double ln_two = 0.69314718055994530942;
static const double deviate_limit = 38; // P(Z > 38) = 2.9e-316, below the normal doubles

double normal_tail(double z)
{
    return 0.5 * erfc(z * sqrt_half);
}

// The upper deviate for tail <= 1/2: the rational start of Abramowitz & Stegun 26.2.23 (error
// 4.5e-4), then Halley's iteration on the tail itself.
static double upper_deviate(double tail)
{
    double s = sqrt(-2 * log(tail));
    double z = s - (2.515517 + s * (0.802853 + s * 0.010328)) /
                       (1 + s * (1.432788 + s * (0.189269 + s * 0.001308)));
    for (int i = 0; i < 3; i++) {
        double density = exp(-0.5 * z * z) * inverse_sqrt_two_pi;
        double step = (normal_tail(z) - tail) / density;
        z += step / (1 - 0.5 * z * step);
    }
    return z;
}

double normal_quantile(double p)
{
    if (p == 0.5)
        return 0;
    double tail = p < 0.5 ? p : 1 - p;
    double z = tail < 3e-316 ? deviate_limit : upper_deviate(tail);
    return p < 0.5 ? -z : z;
}

// ln Gamma for x > 0: Stirling's series after shifting x above 12. Our own because lgamma() writes
// a global.
static double ln_gamma(double x)
{
    double shift = 1;
    for (; x < 12; x++)
        shift *= x;
    double i = 1 / x, j = i * i;
    double series = i * (1.0 / 12 - j * (1.0 / 360 - j * (1.0 / 1260 - j * (1.0 / 1680))));
    return (x - 0.5) * log(x) - x + log_sqrt_two_pi + series - log(shift);
}

// The continued fraction of the incomplete beta function, DLMF 8.17.22: 1/(1 + d1/(1 + d2/(1 +
// ...))) by Lentz's method; it converges fast for x < (a + 1) / (a + b + 2).
static double beta_fraction(double x, double a, double b)
{
    double f = 1, c = 1, d = 0;
    for (int k = 1; k < 10000; k++) {
        int m = k / 2;
        double term = k % 2 == 0 ? m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m))
                                 : -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1));
        d = 1 / (1 + term * d);
        c = 1 + term / c;
        f *= c * d;
        if (fabs(c * d - 1) < 1e-15)
            break;
    }
    return 1 / f;
}

// The regularised incomplete beta function I_x(a, b).
static double beta_share(double x, double y, double a, double b)
{
    if (x <= 0)
        return 0;
    if (y <= 0)
        return 1;
    double front = exp(a * log(x) + b * log(y) + ln_gamma(a + b) - ln_gamma(a) - ln_gamma(b));
    if (x < (a + 1) / (a + b + 2))
        return front * beta_fraction(x, a, b) / a;
    return 1 - front * beta_fraction(y, b, a) / b;
}

double student_tail(double t, double df)
{
    double square = t * t, sum = df + square;
    double half = 0.5 * beta_share(df / sum, square / sum, 0.5 * df, 0.5);
    return t >= 0 ? half : 1 - half;
}

static double student_density(double t, double df)
{
    double front = exp(ln_gamma(0.5 * (df + 1)) - ln_gamma(0.5 * df)) / sqrt(df * pi);
    return front * exp(-0.5 * (df + 1) * log1p(t * t / df));
}

// Newton on the logarithm of the tail: the tail is log-concave enough in log t that this converges
// from the normal deviate for every df >= 1.
static double student_upper_half(double tail, double df)
{
    double z = tail < 3e-316 ? deviate_limit : upper_deviate(tail);
    double u = log(z * (1 + (z * z + 1) / (4 * df))); // first term of Fisher's expansion
    for (int i = 0; i < 60; i++) {
        double t = exp(u), p = student_tail(t, df);
        double step = log(p / tail) * p / (student_density(t, df) * t);
        u += step > 2 ? 2 : step < -2 ? -2 : step;
        if (fabs(step) < 1e-13)
            break;
    }
    return exp(u);
}

double student_upper(double tail, double df)
{
    if (tail == 0.5)
        return 0;
    return tail < 0.5 ? student_upper_half(tail, df) : -student_upper_half(1 - tail, df);
}

double student_to_normal(double t, double df)
{
    double tail = student_tail(fabs(t), df);
    double z = tail >= 0.5 ? 0 : tail < 3e-316 ? deviate_limit : upper_deviate(tail);
    return t < 0 ? -z : z;
}

double normal_to_student(double z, double df)
{
    double tail = normal_tail(fabs(z));
    double t = tail >= 0.5 ? 0 : student_upper_half(tail > 0 ? tail : 3e-316, df);
    return z < 0 ? -t : t;
}

double binomial_half_point(int k, int n)
{
    return exp(ln_gamma(n + 1.0) - ln_gamma(k + 1.0) - ln_gamma(n - k + 1.0) - n * ln_two);
}
