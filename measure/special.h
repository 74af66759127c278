// SPDX-License-Identifier: Apache-2.0
// The distributions that intervals and p values are read from. Relative error below 1e-9 for the
// arguments that occur here (degrees of freedom 1..1e6, tails down to 1e-280); special_test.c
// compares with closed forms and with numerical integration.
#ifndef SEVENCAST_MEASURE_SPECIAL_H
#define SEVENCAST_MEASURE_SPECIAL_H

// P(Z > z), accurate in the upper tail.
double normal_tail(double z);

// z with P(Z < z) = p. p <= 0 and p >= 1 give -38 and 38, past which a double has no tail.
double normal_quantile(double p);

// P(T > t) with df degrees of freedom, accurate in the upper tail.
double student_tail(double t, double df);

// t with P(T > t) = tail; 0 < tail < 1.
double student_upper(double tail, double df);

// The normal deviate with the same tail as t: turns a t statistic into a z statistic.
double student_to_normal(double t, double df);

// The other way: the t whose tail is that of z.
double normal_to_student(double z, double df);

// P(X = k), X binomial with n trials of probability 1/2; 0 <= k <= n.
double binomial_half_point(int k, int n);

#endif
