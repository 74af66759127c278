// SPDX-License-Identifier: Apache-2.0
// sevencast-bitstream: judges configuration files and makes virtual ones.
#include <errno.h>
#include <getopt.h>
#include <jansson.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bitstream/bitstream.h"

enum { EXIT_REFUSED = 1, EXIT_USAGE = 2, EXIT_IO = 3 };

static const char usage_text[] =
    "usage: sevencast-bitstream check FILE [--part PART] [--json]\n"
    "       sevencast-bitstream make-virtual --variant NAME --hash HEX --out FILE [--part PART]\n"
    "       sevencast-bitstream --help\n"
    "\n"
    "check         says whether FILE (.bit or raw) is whole and made for PART: header, device,\n"
    "              packets, configuration CRC, length. Without --part: for the device it names.\n"
    "make-virtual  writes a VIRTUAL bitstream: the virtual board reads a variant's name and hash\n"
    "              in its first frame. It configures nothing on a real device.\n"
    "\n"
    "  --part PART     xc7s6, xc7s15 (default of make-virtual), xc7s25, xc7s50, xc7a35t ...\n"
    "  --json          the report as one JSON object\n"
    "  --variant NAME  the variant, a-z 0-9 -\n"
    "  --hash HEX      its hash, 64 hex digits\n"
    "  --out FILE      where the bitstream goes\n"
    "\n"
    "Exit status: 0 good, 1 refused, 2 wrong usage, 3 a file cannot be read or written.\n";

struct options {
    const char *file, *part, *variant, *hash, *out;
    int json;
};

static int usage(const char *message, const char *what)
{
    fprintf(stderr, "sevencast-bitstream: %s%s%s\nTry: sevencast-bitstream --help\n", message,
            what != NULL ? ": " : "", what != NULL ? what : "");
    return EXIT_USAGE;
}

static void print_json(const struct options *o, const struct bitstream_report *r)
{
    char sha256[65], crc[11], idcode[11], hash[65];
    json_t *report;

    sodium_bin2hex(sha256, sizeof sha256, r->sha256, sizeof r->sha256);
    sodium_bin2hex(hash, sizeof hash, r->mark.hash, sizeof r->mark.hash);
    snprintf(crc, sizeof crc, "0x%08lx", (unsigned long)r->first_crc);
    snprintf(idcode, sizeof idcode, "0x%08lx", (unsigned long)r->idcode);
    report = json_pack(
        "{s:s, s:s, s:s, s:s, s:s, s:s, s:s?, s:s, s:s, s:s, s:I, s:I, s:I, s:I, s:b, s:b, s:s}",
        "file", o->file, "verdict", bitstream_verdict_name(r->verdict), "why", r->why, "design",
        r->header.design, "header_part", r->header.part, "idcode", idcode, "part",
        r->part != NULL ? r->part->name : NULL, "date", r->header.date, "time", r->header.time,
        "sha256", sha256, "data_bytes", (json_int_t)r->header.data_bytes, "fdri_words",
        (json_int_t)r->fdri_words, "mfwr_writes", (json_int_t)r->mfwr_writes, "crc_checks",
        (json_int_t)r->crc_checks, "compressed", r->compressed, "virtual", r->is_virtual,
        "first_crc", crc);
    if (r->is_virtual)
        json_object_set_new(report, "mark",
                            json_pack("{s:s, s:s}", "variant", r->mark.variant, "hash", hash));
    json_dumpf(report, stdout, JSON_INDENT(2));
    putchar('\n');
    json_decref(report);
}

static void print_text(const struct options *o, const struct bitstream_report *r)
{
    char sha256[65], hash[65];

    sodium_bin2hex(sha256, sizeof sha256, r->sha256, sizeof r->sha256);
    printf("%s: %s: %s\n", o->file, bitstream_verdict_name(r->verdict), r->why);
    if (r->header.part[0] != '\0')
        printf("  header     %s, %s %s, %s\n", r->header.part, r->header.date, r->header.time,
               r->header.design);
    printf("  IDCODE     %08lX %s\n", (unsigned long)r->idcode,
           r->part != NULL ? r->part->name : "");
    printf("  first CRC  %08lX\n  SHA-256    %s\n", (unsigned long)r->first_crc, sha256);
    if (r->is_virtual) {
        sodium_bin2hex(hash, sizeof hash, r->mark.hash, sizeof r->mark.hash);
        printf("  VIRTUAL    variant %s\n             hash %s\n", r->mark.variant, hash);
    }
}

static int check_file(const struct options *o, const struct device_part *part)
{
    struct bitstream_report report;
    char why[256];
    size_t n;
    uint8_t *file = bitstream_load(o->file, &n, why, sizeof why);

    if (file == NULL) {
        fprintf(stderr, "sevencast-bitstream: %s\n", why);
        return EXIT_IO;
    }
    bitstream_check(file, n, part, &report);
    free(file);
    if (o->json)
        print_json(o, &report);
    else
        print_text(o, &report);
    return report.verdict == BITSTREAM_OK ? 0 : EXIT_REFUSED;
}

static int write_file(const char *path, const uint8_t *bytes, size_t n)
{
    FILE *f = fopen(path, "wb");
    int bad = f == NULL || fwrite(bytes, 1, n, f) != n;

    if (f != NULL && fclose(f) != 0)
        bad = 1;
    if (bad)
        fprintf(stderr, "sevencast-bitstream: %s: %s\n", path, strerror(errno));
    return bad ? EXIT_IO : 0;
}

static int make_virtual(const struct options *o, const struct device_part *part)
{
    struct virtual_mark mark = {0};
    size_t n, hash_bytes;
    uint8_t *file;
    int rc;

    if (o->variant == NULL || o->hash == NULL || o->out == NULL)
        return usage("make-virtual needs --variant, --hash and --out", NULL);
    if (strlen(o->hash) != 64 ||
        sodium_hex2bin(mark.hash, sizeof mark.hash, o->hash, 64, NULL, &hash_bytes, NULL) != 0 ||
        hash_bytes != sizeof mark.hash)
        return usage("--hash: not 64 hex digits", o->hash);
    if (snprintf(mark.variant, sizeof mark.variant, "%s", o->variant) >= (int)sizeof mark.variant)
        return usage("--variant: over 63 bytes", o->variant);
    file = bitstream_make_virtual(part, &mark, &n);
    if (file == NULL)
        return usage("--variant: a name is a-z, 0-9 and - and starts with no -", o->variant);
    rc = write_file(o->out, file, n);
    free(file);
    return rc;
}

static int parse(int argc, char **argv, struct options *o)
{
    static const struct option known[] = {
        {"part", required_argument, NULL, 'p'},    {"json", no_argument, NULL, 'j'},
        {"variant", required_argument, NULL, 'v'}, {"hash", required_argument, NULL, 'x'},
        {"out", required_argument, NULL, 'o'},     {"help", no_argument, NULL, 'h'},
        {"version", no_argument, NULL, 'V'},       {NULL, 0, NULL, 0}};
    int c;

    while ((c = getopt_long(argc, argv, "h", known, NULL)) != -1) {
        switch (c) {
        case 'p':
            o->part = optarg;
            break;
        case 'j':
            o->json = 1;
            break;
        case 'v':
            o->variant = optarg;
            break;
        case 'x':
            o->hash = optarg;
            break;
        case 'o':
            o->out = optarg;
            break;
        case 'h':
            fputs(usage_text, stdout);
            exit(0);
        case 'V':
            puts("sevencast-bitstream " SEVENCAST_VERSION);
            exit(0);
        default:
            return -1;
        }
    }
    return 0;
}

int main(int argc, char **argv)
{
    struct options o = {0};
    const struct device_part *part = NULL;
    const char *verb;

    if (parse(argc, argv, &o) < 0)
        return usage("wrong option", NULL);
    if (optind >= argc)
        return usage("no verb given", NULL);
    verb = argv[optind++];
    if (o.part != NULL && (part = device_part_by_name(o.part)) == NULL)
        return usage("--part: unknown device", o.part);
    if (strcmp(verb, "check") == 0) {
        if (argc - optind != 1)
            return usage("check takes one file", NULL);
        o.file = argv[optind];
        return check_file(&o, part);
    }
    if (strcmp(verb, "make-virtual") == 0) {
        if (argc != optind)
            return usage("one word too many", argv[optind]);
        return make_virtual(&o, part != NULL ? part : device_part_by_name("xc7s15"));
    }
    return usage("unknown verb", verb);
}
