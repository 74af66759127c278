// SPDX-License-Identifier: Apache-2.0
// Any bytes as a file: judged without harm, and never good for the xc7s15 unless every frame of it
// and both CRC words were there.
#include "bitstream/test/bitstream_fuzz.h"

#include <stdlib.h>
#include <string.h>

#include "bitstream/bitstream.h"

static void must(int holds)
{
    if (!holds)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const struct device_part *part = device_part_by_name("xc7s15");
    struct bitstream_report r;

    bitstream_check(data, size, part, &r);
    must(r.why[0] != '\0' && memchr(r.why, '\0', sizeof r.why) != NULL);
    must(r.header.data_bytes <= size && r.header.data_offset <= size - r.header.data_bytes);
    if (r.verdict == BITSTREAM_OK) {
        must(r.part == part && r.crc_checks >= 1);
        must(r.compressed || r.fdri_words == part->frames * CONFIG_FRAME_WORDS);
    }
    bitstream_check(data, size, NULL, &r);
    must(r.why[0] != '\0');
    return 0;
}
