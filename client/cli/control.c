// SPDX-License-Identifier: Apache-2.0
// Commands that change what boards do, and ping.
#include <inttypes.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

#include "client/cli/cli.h"

int command_swap(const struct cli *cli)
{
    const struct sc_swap *s;
    bool show = isatty(STDERR_FILENO);
    if (show)
        fprintf(stderr, "swapping to %s ...", cli->options.argument);
    int code = sc_load(cli->client, cli->options.argument, cli->options.board,
                       (uint32_t)cli->options.timeout_ms, &s);
    if (show)
        fputs("\r\033[K", stderr);
    if (code)
        return cli_fail(cli, code);
    if (cli->options.json)
        code = cli_print_json(json_pack("{s:s,s:s,s:s,s:{s:f,s:f,s:f,s:f}}", "board", s->board,
                                        "variant", s->variant, "hash", s->hash, "seconds", "drain",
                                        s->drain_s, "program", s->program_s, "verify", s->verify_s,
                                        "total", s->total_s));
    else
        printf("board %s serves %s (%.12s) after %.3f s: drain %.3f, program %.3f, verify %.3f\n",
               s->board, s->variant, s->hash, s->total_s, s->drain_s, s->program_s, s->verify_s);
    sc_free(s);
    return code;
}

int command_unload(const struct cli *cli)
{
    const struct sc_names *n;
    int code = sc_unload(cli->client, cli->options.argument, cli->options.board,
                         (uint32_t)cli->options.timeout_ms, &n);
    if (code)
        return cli_fail(cli, code);
    json_t *array = json_array();
    for (uint32_t i = 0; i < n->count; i++) {
        if (!cli->options.json)
            printf("board %s stopped serving\n", n->name[i]);
        json_array_append_new(array, json_string(n->name[i]));
    }
    if (cli->options.json)
        code = cli_print_json(json_pack("{s:O}", "boards", array));
    json_decref(array);
    sc_free(n);
    return code;
}

int command_ping(const struct cli *cli)
{
    const struct timespec pause = {cli->options.interval_ms / 1000,
                                   cli->options.interval_ms % 1000 * 1000000};
    for (int64_t i = 0; i < (cli->options.count < 0 ? 1 : cli->options.count); i++) {
        uint64_t ns;
        char text[16];
        if (i)
            nanosleep(&pause, NULL);
        int code = sc_ping(cli->client, (uint32_t)cli->options.timeout_ms, &ns);
        if (code)
            return cli_fail(cli, code);
        if (cli->options.json)
            cli_print_json(json_pack("{s:I}", "round_trip_ns", (json_int_t)ns));
        else
            printf("alive, %s%s\n", format_ns(text, ns), i ? "" : " with connecting");
        fflush(stdout);
    }
    return EXIT_OK;
}
