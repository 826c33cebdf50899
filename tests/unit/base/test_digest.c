/* test_digest.c: the digest is BLAKE2b of 16 octets, with a key or without, however its input comes in. The expected
 * digests are those of Python's hashlib.blake2b(digest_size=16, key=…). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

#include "base/digest.h"

static const char *hex_of(const uint8_t digest[DIGEST_SIZE])
{
    static char text[2 * DIGEST_SIZE + 1];
    for (unsigned i = 0; i < DIGEST_SIZE; i++)
        snprintf(text + 2 * i, 3, "%02x", digest[i]);
    return text;
}

/* The digest of count octets 0, 1, 2 … handed over in pieces of that size; the key is such octets too. */
static const char *digest_in_pieces(size_t key, size_t count, size_t piece)
{
    uint8_t bytes[1024], out[DIGEST_SIZE];
    struct digest d;
    for (size_t i = 0; i < sizeof bytes; i++)
        bytes[i] = (uint8_t)i;
    leat__digest_init_keyed(&d, bytes, key);
    for (size_t at = 0; at < count; at += piece)
        leat__digest_add(&d, bytes + at, size_min(piece, count - at));
    leat__digest_end(&d, out);
    return hex_of(out);
}

static const struct {
    size_t key, count;
    const char *digest;
} known[] = {
    {0, 0, "cae66941d9efbd404e4d88758ea67670"},    {0, 1, "7025e075d5e2f6cde3cc051a31f07660"},
    {0, 127, "28b1296c7d4807883de6ee4ec04dcc0a"},  {0, 128, "a74787004ef589e31149183900d0294a"},
    {0, 129, "aaf1b0371f6d4ee49ee4fb5ddd9c49ef"},  {0, 255, "192657d8c2d07da4ee7beb8c6f9951f4"},
    {0, 256, "c2472c0ac37a8dbdb25f05ada0d82643"},  {0, 257, "5b9ad79f1309b3599ac3871688f3812c"},
    {0, 1000, "978a3f8b45508a42fe7f0f99caf2c423"}, {0, 1024, "0b4661484ed1cc8e28c4a7f18e8b1019"},
    {1, 0, "667428338d33e26cdee2fcbafffde7fe"},    {1, 1, "e8f8b150b25feb56d0f4a9d72ff6f571"},
    {1, 128, "7935b60c406dcd79184f9ffab4d4f34a"},  {1, 200, "ccefe2ac55549d1647a027634fcf7e39"},
    {16, 0, "083aac7ba77bc664005d821eb8bfa4d9"},   {16, 1, "b8debbaa94db1228c038dc59cdf5731e"},
    {16, 128, "e94244f632798f71beb06dab13945da8"}, {16, 200, "2b1a60e0575f43cefdcb4a14206c3f61"},
    {32, 0, "3daf97bce7888fd59773c66bf647459c"},   {32, 1, "cb0f7736a53974236661585b8842dd8c"},
    {32, 128, "45d43af02414a146c8803c3f7da3554d"}, {32, 200, "8aa5152a0f33a31b72568b613ea3c92e"},
    {64, 0, "2ae6b02df83c8d5a85eb7ab86fe3a11f"},   {64, 1, "c06a03cf64b4bf5b16081e8fb36d3762"},
    {64, 128, "e73ac67c730bc525224c1fe98561401b"}, {64, 200, "2a01c9f85e180cbecdcd41de4617aac7"},
};

static void known_digests_come_out_however_the_input_is_cut(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(known); i++)
        for (size_t piece = 1; piece <= 300; piece += piece < 4 ? 1 : 31)
            assert_string_equal(digest_in_pieces(known[i].key, known[i].count, piece), known[i].digest);
}

static void one_bit_makes_another_digest(void **state)
{
    (void)state;
    uint8_t a[DIGEST_SIZE] = {1, 2, 3}, b[DIGEST_SIZE] = {1, 2, 3};
    assert_true(leat__digest_same(a, b, sizeof a));
    for (size_t i = 0; i < DIGEST_SIZE; i++) {
        b[i] ^= 0x80;
        assert_false(leat__digest_same(a, b, sizeof a));
        b[i] ^= 0x80;
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(known_digests_come_out_however_the_input_is_cut),
        cmocka_unit_test(one_bit_makes_another_digest),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
