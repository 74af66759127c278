// SPDX-License-Identifier: Apache-2.0
// The smallest client: one forecast from the numbers on the command line.
//   cc forecast.c $(pkg-config --cflags --libs sevencast) -o forecast
//   ./forecast demand 22262 21756 22247 ...
#include <sevencast.h>
#include <stdio.h>
#include <stdlib.h>

int main(int argc, char **argv)
{
    struct sc_client *client;
    const struct sc_forecast *forecast;
    double window[SC_MAX_WINDOW];
    if (argc < 3 || argc > 2 + SC_MAX_WINDOW) {
        fprintf(stderr, "usage: forecast MODEL VALUE...   (oldest first, one feature)\n");
        return 2;
    }
    for (int i = 2; i < argc; i++)
        window[i - 2] = strtod(argv[i], NULL);
    if (sc_open(NULL, NULL, &client) != SC_OK)
        return 1;
    int code = sc_infer(client, argv[1], window, (size_t)argc - 2, 1, 1000, &forecast);
    if (code == SC_OK) {
        printf("%g  (%s, %u cycles, origin %s)\n", forecast->values[0], forecast->variant,
               forecast->fpga_cycles, sc_origin_name(forecast->origin));
        sc_free(forecast);
    } else {
        fprintf(stderr, "%s: %s\n", sc_code_name(code), sc_error_text(client));
    }
    sc_close(client);
    return code == SC_OK ? 0 : 1;
}
