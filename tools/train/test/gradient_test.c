// SPDX-License-Identifier: Apache-2.0
// The net's gradients against finite differences, in double precision (TRAIN_DOUBLE).
#include "tools/train/net.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#include "tools/train/dice.h"

static const double nudge = 1e-6, tolerance = 2e-5;

struct batch {
    real x[MODEL_MAX_WINDOW * 4 * LANES];
    real target[4 * LANES];
};

static void draw_batch(struct batch *b, const struct model_shape *s, struct dice *dice)
{
    for (int i = 0; i < s->window * s->features * LANES; i++)
        b->x[i] = 3 * dice_unit(dice) - 1.5;
    for (int i = 0; i < s->outputs * LANES; i++)
        b->target[i] = dice_unit(dice) - 0.5;
}

static double loss(struct net *n, const struct batch *b, int with_gradient)
{
    const struct model_shape *s = &n->layout.shape;
    double sum = 0;
    net_begin(n);
    memcpy(net_input(n), b->x, (size_t)(s->window * s->features) * LANES * sizeof(real));
    net_forward(n);
    for (int i = 0; i < s->outputs * LANES; i++) {
        real e = net_output(n)[i] - b->target[i];
        sum += e * e;
        net_output_grad(n)[i] = 2 * e;
    }
    if (with_gradient) {
        net_backward(n);
        net_end(n);
    }
    return sum;
}

// Random biases and gains besides the random weights, so that no group is zero or one.
static void stir(struct net *n, struct dice *dice)
{
    for (size_t i = 0; i < n->layout.weights_end; i++)
        n->param[i] += 0.4 * (dice_unit(dice) - 0.5);
}

static void check_shape(const struct model_shape *s, uint64_t seed)
{
    static struct batch batch;
    struct dice dice = {seed};
    struct net *n = net_new(s);
    assert_non_null(n);
    net_init(n, seed);
    stir(n, &dice);
    draw_batch(&batch, s, &dice);
    loss(n, &batch, 1);
    real *gradient = n->grad, largest = 0;
    real copy[8192];
    assert_true(n->layout.weights_end <= sizeof copy / sizeof *copy);
    memcpy(copy, gradient, n->layout.weights_end * sizeof *copy);
    for (size_t i = 0; i < n->layout.weights_end; i++) {
        real kept = n->param[i];
        n->param[i] = kept + nudge;
        double up = loss(n, &batch, 0);
        n->param[i] = kept - nudge;
        double down = loss(n, &batch, 0);
        n->param[i] = kept;
        double measured = (up - down) / (2 * nudge);
        double apart = fabs(measured - copy[i]) / (fabs(measured) + fabs(copy[i]) + 1e-2);
        if (apart > tolerance)
            fail_msg("seed %d parameter %zu: gradient %.9g, difference %.9g", (int)seed, i, copy[i],
                     measured);
        largest = fabs(copy[i]) > largest ? fabs(copy[i]) : largest;
    }
    assert_true(largest > 0.1);
    net_free(n);
}

static void one_layer_one_head(void **state)
{
    (void)state;
    check_shape(&(struct model_shape){5, 2, 4, 1, 7, 1, 1, MODEL_ENCODER}, 1);
    check_shape(&(struct model_shape){24, 1, 16, 1, 20, 1, 1, MODEL_ENCODER}, 2);
}

static void heads_layers_and_outputs(void **state)
{
    (void)state;
    check_shape(&(struct model_shape){6, 3, 8, 2, 9, 2, 3, MODEL_ENCODER}, 3);
    check_shape(&(struct model_shape){7, 1, 12, 4, 5, 2, 2, MODEL_ENCODER}, 4);
}

// Every group takes part: in each, some gradient is not zero.
static void check_groups(struct model_shape s)
{
    static struct batch batch;
    struct dice dice = {5};
    struct net *n = net_new(&s);
    net_init(n, 5);
    stir(n, &dice);
    draw_batch(&batch, &s, &dice);
    loss(n, &batch, 1);
    for (int i = 0; i < n->layout.linears; i++) {
        const struct net_linear *lin = &n->layout.linear[i];
        if (lin->in == 0) // the collapsed form has fewer
            continue;
        real w = 0, b = 0, gain = 0;
        for (int k = 0; k < lin->in * lin->out; k++)
            w += fabs(n->grad[lin->w + (size_t)k]);
        for (int k = 0; k < lin->biases; k++)
            b += fabs(n->grad[lin->b + (size_t)k]);
        for (int k = 0; lin->gain != NET_NONE && k < lin->out; k++)
            gain += fabs(n->grad[lin->gain + (size_t)k]);
        assert_true(w > 1e-9);
        // A bias of k moves all scores of a row alike, which the softmax does not see.
        int is_k =
            i == net_linear_index(&s, MODEL_OP_K, 0) || i == net_linear_index(&s, MODEL_OP_K, 1);
        assert_true(is_k ? b < 1e-9 : b > 1e-9);
        assert_true(lin->gain == NET_NONE || gain > 1e-9);
    }
    net_free(n);
}

static void every_group_has_a_gradient(void **state)
{
    (void)state;
    check_groups((struct model_shape){6, 2, 8, 2, 9, 2, 2, MODEL_ENCODER});
    check_groups((struct model_shape){6, 2, 8, 1, 9, 1, 2, MODEL_COLLAPSED});
}

static void collapsed_form(void **state)
{
    (void)state;
    check_shape(&(struct model_shape){5, 2, 4, 1, 7, 1, 1, MODEL_COLLAPSED}, 6);
    check_shape(&(struct model_shape){24, 1, 16, 1, 20, 1, 2, MODEL_COLLAPSED}, 7);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_layer_one_head),
        cmocka_unit_test(heads_layers_and_outputs),
        cmocka_unit_test(collapsed_form),
        cmocka_unit_test(every_group_has_a_gradient),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
