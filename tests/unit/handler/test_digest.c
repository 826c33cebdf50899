/* test_digest.c: the digest is BLAKE2b of 16 octets, however its input comes in. The expected digests are those of
 * Python's hashlib.blake2b(digest_size=16). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

#include "handler/digest.h"

static const char *hex_of(const uint8_t digest[DIGEST_SIZE])
{
    static char text[2 * DIGEST_SIZE + 1];
    for (unsigned i = 0; i < DIGEST_SIZE; i++)
        snprintf(text + 2 * i, 3, "%02x", digest[i]);
    return text;
}

/* The digest of count octets 0, 1, 2 … handed over in pieces of that size. */
static const char *digest_in_pieces(size_t count, size_t piece)
{
    uint8_t bytes[1024], out[DIGEST_SIZE];
    struct digest d;
    for (size_t i = 0; i < sizeof bytes; i++)
        bytes[i] = (uint8_t)i;
    leat__digest_init(&d);
    for (size_t at = 0; at < count; at += piece)
        leat__digest_add(&d, bytes + at, size_min(piece, count - at));
    leat__digest_end(&d, out);
    return hex_of(out);
}

static const struct {
    size_t count;
    const char *digest;
} known[] = {
    {0, "cae66941d9efbd404e4d88758ea67670"},    {1, "7025e075d5e2f6cde3cc051a31f07660"},
    {127, "28b1296c7d4807883de6ee4ec04dcc0a"},  {128, "a74787004ef589e31149183900d0294a"},
    {129, "aaf1b0371f6d4ee49ee4fb5ddd9c49ef"},  {255, "192657d8c2d07da4ee7beb8c6f9951f4"},
    {256, "c2472c0ac37a8dbdb25f05ada0d82643"},  {257, "5b9ad79f1309b3599ac3871688f3812c"},
    {1000, "978a3f8b45508a42fe7f0f99caf2c423"}, {1024, "0b4661484ed1cc8e28c4a7f18e8b1019"},
};

static void known_digests_come_out_however_the_input_is_cut(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(known); i++)
        for (size_t piece = 1; piece <= 300; piece += piece < 4 ? 1 : 31)
            assert_string_equal(digest_in_pieces(known[i].count, piece), known[i].digest);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(known_digests_come_out_however_the_input_is_cut),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
