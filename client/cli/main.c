// SPDX-License-Identifier: Apache-2.0
// sevencast: the command-line client of sevencastd. See man/sevencast.1.
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "client/cli/cli.h"

void cli_message(const char *format, ...)
{
    va_list args;
    fputs("sevencast: ", stderr);
    va_start(args, format);
    vfprintf(stderr, format, args);
    va_end(args);
    fputc('\n', stderr);
}

int cli_exit_code(int code)
{
    switch (code) {
    case SC_OK:
        return EXIT_OK;
    case SC_ARGUMENT:
        return EXIT_USAGE;
    case SC_UNREACHABLE:
    case SC_TIMEOUT:
    case SC_LOST:
    case SC_DEADLINE:
        return EXIT_NO_ANSWER;
    case SC_BAD_REQUEST:
    case SC_UNKNOWN_MODEL:
    case SC_UNAUTHORISED:
    case SC_UNKNOWN_EXPERIMENT:
        return EXIT_REFUSED;
    case SC_NOT_READY:
    case SC_QUEUE_FULL:
    case SC_EXPERIMENT_QUEUE_FULL:
    case SC_CANCELED:
    case SC_DEVICE_LOST:
    case SC_DEVICE_FAULT:
    case SC_STALE:
        return EXIT_NOT_READY;
    case SC_SWAP_FAILED:
        return EXIT_SWAP_FAILED;
    default:
        return EXIT_OTHER;
    }
}

int cli_fail(const struct cli *cli, int code)
{
    const char *field = sc_error_field(cli->client), *active = sc_error_active(cli->client);
    cli_message("%s%s%s (%s: %s)", field, field[0] ? ": " : "", sc_error_text(cli->client),
                sc_code_name(code), sc_code_advice(code));
    if (code == SC_SWAP_FAILED)
        cli_message(active[0] ? "%s still serves" : "nothing serves now%s", active);
    if (cli->options.json) {
        json_t *error = json_pack("{s:s,s:s}", "code", sc_code_name(code), "message",
                                  sc_error_text(cli->client));
        if (field[0])
            json_object_set_new(error, "field", json_string(field));
        if (code == SC_SWAP_FAILED)
            json_object_set_new(error, "active", json_string(active));
        cli_print_json(json_pack("{s:o}", "error", error));
    }
    return cli_exit_code(code);
}

int cli_refuse(const struct cli *cli, int exit_code, const char *name, const char *format, ...)
{
    char message[2 * SC_TEXT_BYTES];
    va_list args;
    va_start(args, format);
    vsnprintf(message, sizeof message, format, args);
    va_end(args);
    cli_message("%s", message);
    if (cli->options.json)
        cli_print_json(json_pack("{s:{s:s,s:s%}}", "error", "code", name, "message", message,
                                 strlen(message)));
    return exit_code;
}

int cli_print_json(json_t *object)
{
    if (!object) {
        cli_message("out of memory");
        return EXIT_OTHER;
    }
    json_dumpf(object, stdout, JSON_COMPACT);
    putchar('\n');
    json_decref(object);
    return EXIT_OK;
}

static bool wants_colour(void)
{
    const char *none = getenv("NO_COLOR"), *terminal = getenv("TERM");
    return isatty(STDOUT_FILENO) && !(none && none[0]) && terminal && strcmp(terminal, "dumb") != 0;
}

static int run(const struct cli *cli)
{
    static int (*const run_command[COMMANDS])(const struct cli *) = {
        [COMMAND_STATUS] = command_status, [COMMAND_VARIANTS] = command_variants,
        [COMMAND_BOARDS] = command_status, [COMMAND_DESCRIBE] = command_describe,
        [COMMAND_INFER] = command_infer,   [COMMAND_SWAP] = command_swap,
        [COMMAND_UNLOAD] = command_unload, [COMMAND_PING] = command_ping,
        [COMMAND_WATCH] = command_watch,   [COMMAND_STATISTICS] = command_statistics,
        [COMMAND_AB] = command_ab,         [COMMAND_ROUTES] = command_routes,
        [COMMAND_POWER] = command_power,
    };
    return run_command[cli->options.command](cli);
}

int main(int argc, char **argv)
{
    struct cli cli = {.colour = wants_colour()};
    bool done;
    int code = options_parse(argc, argv, &cli.options, &done);
    if (code || done)
        return code;
    int opened = sc_open(cli.options.endpoint,
                         &(struct sc_options){.max_in_flight = (uint32_t)cli.options.in_flight,
                                              .key = cli.options.key},
                         &cli.client);
    if (opened) {
        char endpoint[256];
        cli_message("endpoint '%s': %s",
                    cli.options.endpoint ? cli.options.endpoint
                                         : sc_default_endpoint(endpoint, sizeof endpoint),
                    opened == SC_ARGUMENT
                        ? "not an address such as ipc:///path or tcp://host:port, "
                          "or a key of more than 64 bytes"
                        : "out of memory or file descriptors");
        return cli_exit_code(opened);
    }
    code = run(&cli);
    sc_close(cli.client);
    if (fflush(stdout) != 0 || ferror(stdout)) {
        cli_message("cannot write the output");
        return code ? code : EXIT_OTHER;
    }
    return code;
}
