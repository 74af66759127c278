// SPDX-License-Identifier: Apache-2.0
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "tools/vivado/script.h"

const char *const script_ports[PIN_COUNT] = {
    "clk",        "ft_data[0]", "ft_data[1]", "ft_data[2]", "ft_data[3]", "ft_data[4]",
    "ft_data[5]", "ft_data[6]", "ft_data[7]", "ft_rxf_n",   "ft_txe_n",   "ft_rd_n",
    "ft_wr_n",    "ft_siwu_n",  "busy",       "led[0]",     "led[1]",
};

enum { LINE_MAX_BYTES = 256 };

static void trim(char *text)
{
    size_t n = strlen(text), skip = strspn(text, " \t\r\n");
    memmove(text, text + skip, n - skip + 1);
    n -= skip;
    while (n && isspace((unsigned char)text[n - 1]))
        text[--n] = '\0';
}

// A ball of a package: letters of its row, number of its column.
static int is_site(const char *s)
{
    size_t letters = strspn(s, "ABCDEFGHJKLMNPRTUVWY");
    size_t digits = strspn(s + letters, "0123456789");
    return letters >= 1 && letters <= 2 && digits >= 1 && digits <= 2 && s[letters] != '0' &&
           !s[letters + digits];
}

static int port_number(const char *name)
{
    for (int i = 0; i < PIN_COUNT; i++)
        if (strcmp(name, script_ports[i]) == 0)
            return i;
    return -1;
}

static int take(struct pins *p, char *line, const char *path, int number, char *why, size_t whycap)
{
    char *equals = strchr(line, '=');
    if (!equals) {
        snprintf(why, whycap, "%s:%d: not PORT=SITE", path, number);
        return -1;
    }
    *equals = '\0';
    char *site = equals + 1;
    trim(line);
    trim(site);
    int port = port_number(line);
    if (port < 0) {
        snprintf(why, whycap, "%s:%d: top_xc7s15 has no port \"%.40s\"", path, number, line);
        return -1;
    }
    if (!is_site(site)) {
        snprintf(why, whycap, "%s:%d: \"%.40s\" is no site of a package", path, number, site);
        return -1;
    }
    for (int i = 0; i < PIN_COUNT; i++)
        if (strcmp(p->site[i], site) == 0) {
            snprintf(why, whycap, "%s:%d: site %s is taken by %s", path, number, site,
                     script_ports[i]);
            return -1;
        }
    if (*p->site[port]) {
        snprintf(why, whycap, "%s:%d: %s is there twice", path, number, line);
        return -1;
    }
    snprintf(p->site[port], sizeof p->site[port], "%s", site);
    return 0;
}

int pins_read(const char *path, struct pins *p, char *why, size_t whycap)
{
    char line[LINE_MAX_BYTES];
    *p = (struct pins){0};
    FILE *in = fopen(path, "r");
    if (!in) {
        snprintf(why, whycap, "%s: %s", path, strerror(errno));
        return -1;
    }
    int bad = 0;
    for (int number = 1; !bad && fgets(line, sizeof line, in); number++) {
        if (!strchr(line, '\n') && strlen(line) == sizeof line - 1) {
            snprintf(why, whycap, "%s:%d: line too long", path, number);
            bad = 1;
            break;
        }
        line[strcspn(line, "#")] = '\0';
        trim(line);
        bad = *line && take(p, line, path, number, why, whycap) != 0;
    }
    if (!bad && ferror(in)) {
        snprintf(why, whycap, "%s: cannot be read", path);
        bad = 1;
    }
    fclose(in);
    for (int i = 0; !bad && i < PIN_COUNT; i++)
        if (!*p->site[i]) {
            snprintf(why, whycap, "%s: no site for %s", path, script_ports[i]);
            bad = 1;
        }
    return bad ? -1 : 0;
}
