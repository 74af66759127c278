// SPDX-License-Identifier: Apache-2.0
// show: a variant as tables for people.
#include <stdio.h>

#include "tools/model/cli.h"

static void show_tensors(const struct model *mdl)
{
    static const char *const kind[] = {
        [MODEL_SIGNED] = "signed", [MODEL_NARROW] = "narrow", [MODEL_UNSIGNED] = "unsigned"};
    int rows, cols;

    printf("\ntensor layer       shape  bits  range\n");
    for (int t = 0; t < MODEL_TENSORS; t++)
        for (int n = 0; model_tensor_shape(&mdl->shape, t, n, &rows, &cols) == 0; n++) {
            int bits = model_tensor_bits(&mdl->bits, t, n);
            enum model_range r = model_tensor_range(&mdl->shape, t);
            printf("%-6s %5d  %4d x %-4d %5d  %s %ld..%ld\n", model_tensor_name(t), n, rows, cols,
                   bits, kind[r], (long)model_range_min(r, bits), (long)model_range_max(r, bits));
        }
}

// Signed bits of the widest sum before the shift, worst case over the inputs.
static int sum_bits(const struct model_linear *lin, const struct model_op_info *info)
{
    const struct model_requant *rq = &lin->rq;
    int64_t acc = model_factor_max(info);
    int64_t widest = 0;

    for (int i = 0; i < info->biases; i++) {
        int row = i % info->rows;
        int64_t sum = acc * rq->m[rq->per_row ? row : 0] + (rq->b[i] < 0 ? -rq->b[i] : rq->b[i]);
        if (rq->g != NULL)
            sum += (INT64_C(1) << (info->res_bits - 1)) *
                   (int64_t)(rq->g[row] < 0 ? -rq->g[row] : rq->g[row]);
        widest = sum > widest ? sum : widest;
    }
    return model_signed_bits(widest);
}

static int64_t show_operations(struct model *mdl, int64_t *parameters)
{
    int64_t weight_bits = 0;

    printf("\noperation layer      weights  bits  acc  sum  shift  multiplier\n");
    for (int op = 0; op < MODEL_OPS; op++) {
        struct model_op_info info;
        for (int n = 0; model_op_describe(&mdl->shape, &mdl->bits, op, n, &info) == 0; n++) {
            const struct model_linear *lin = model_op_linear(mdl, op, n);
            int acc = model_signed_bits(info.acc_max);
            printf("%-9s %5d   %4d x %-4d %5d %4d %4d %6d  ", info.name, n, info.rows, info.cols,
                   info.w_bits, acc, sum_bits(lin, &info), lin->rq.shift);
            if (lin->rq.per_row)
                printf("per channel\n");
            else
                printf("%ld\n", (long)lin->rq.m[0]);
            *parameters += info.rows * info.cols;
            weight_bits += (int64_t)info.rows * info.cols * info.w_bits;
        }
    }
    for (int n = 0; n < mdl->shape.layers; n++) {
        const struct model_layer *l = &mdl->layer[n];
        printf("score     %5d   %-28s %9d  %ld\n", n, "", l->score_shift, (long)l->score_m);
        printf("context   %5d   %-28s %9d  K %ld\n", n, "", l->context_shift, (long)l->context_k);
    }
    if (mdl->shape.form == MODEL_ENCODER)
        printf("pool      %5d   %-28s %9d  %ld\n", 0, "", mdl->pool_shift, (long)mdl->pool_m);
    return weight_bits;
}

static void show_scaling(const struct variant *v)
{
    printf("\ninput scale %.9g\n", v->x_scale);
    for (int i = 0; i < v->model->shape.features; i++)
        printf("  %-24s (value - %.9g) / %.9g\n", v->feature[i].name, v->feature[i].offset,
               v->feature[i].scale);
    printf("output scale %.9g\n", v->y_scale);
    for (int i = 0; i < v->model->shape.outputs; i++)
        printf("  %-24s y * %.9g + %.9g %s\n", v->target[i].name, v->target[i].scale,
               v->target[i].offset, v->target[i].unit);
}

int cli_show(const char *dir)
{
    char why[MODEL_WHY_MAX * 2];
    struct variant *v = variant_load(dir, why, sizeof why);
    int list[MODEL_MAX_SHIFTS], shifts;
    int64_t parameters = 0, weight_bits;

    if (v == NULL)
        return cli_fail(CLI_REFUSED, "%s/%s", dir, why);
    const struct model_shape *s = &v->model->shape;
    printf("%s (task %s)\nhash %s\n", v->name, v->task, v->hash_hex);
    printf("%s: window %d, features %d, d_model %d, heads %d, d_ff %d, layers %d, outputs %d\n",
           model_form_name(s->form), s->window, s->features, s->d_model, s->heads, s->d_ff,
           s->layers, s->outputs);
    show_tensors(v->model);
    weight_bits = show_operations(v->model, &parameters);
    shifts = model_shifts(v->model, list);
    printf("\nshifts");
    for (int i = 0; i < shifts; i++)
        printf(" %d", list[i]);
    printf("\nweights %lld, %lld bits; multiply-accumulates of a window %ld\n",
           (long long)parameters, (long long)weight_bits, model_macs(s));
    show_scaling(v);
    variant_free(v);
    return 0;
}
