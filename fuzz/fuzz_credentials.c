/* fuzz_credentials.c: any octets as the value of an Authorization field. A name and a password that are read are what was
 * encoded, octet by octet; no other text stands for the same octets; a token is made of its own letters; and whatever comes,
 * nothing is read beyond it. */
#include "handler/credentials.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool holds)
{
    if (!holds)
        abort();
}

static size_t encode(char *out, const char *in, size_t size)
{
    static const char letters[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    size_t n = 0;
    for (size_t i = 0; i < size; i += 3) {
        uint32_t bits = 0;
        for (size_t k = 0; k < 3; k++)
            bits = bits << 8 | (i + k < size ? (unsigned char)in[i + k] : 0);
        for (size_t k = 0; k < 4; k++)
            out[n++] = (char)(i + k > size ? '=' : letters[bits >> (18 - 6 * k) & 63]);
    }
    return n;
}

static void check_base64(struct http_text text)
{
    char *out = malloc(text.size + 1), *again = malloc(text.size + 8);
    must(out != NULL && again != NULL);
    ptrdiff_t n = leat__base64_decode(out, text.size, text);
    must(n >= -1 && n <= (ptrdiff_t)text.size);
    if (n >= 0)
        must(encode(again, out, (size_t)n) == text.size && memcmp(again, text.data, text.size) == 0);
    if (n > 0)
        must(leat__base64_decode(out, (size_t)n - 1, text) == -1);
    free(out);
    free(again);
}

static void check_credentials(struct http_text text)
{
    struct credentials c;
    if (!leat__credentials_read(&c, text))
        return;
    char again[CREDENTIALS_MAX * 2];
    size_t name = strlen(c.name), password = strlen(c.password);
    must(c.name + name + 1 == c.password && strchr(c.name, ':') == NULL);
    c.text[name] = ':';
    must(encode(again, c.text, name + 1 + password) == text.size);
    must(memcmp(again, text.data, text.size) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *copy = malloc(size + 1); /* so that a step beyond it is seen */
    must(copy != NULL);
    memcpy(copy, data, size);
    char *field = realloc(copy, size > 0 ? size : 1);
    must(field != NULL);
    struct http_text whole = {field, size}, rest = {NULL, 0};
    check_base64(whole);
    if (leat__credentials_have(whole, "Basic", &rest))
        check_credentials(rest);
    if (leat__credentials_have(whole, "Bearer", &rest) && leat__credentials_is_token(rest))
        for (size_t i = 0; i < rest.size; i++)
            must(rest.data[i] > ' ' && rest.data[i] < 0x7f && rest.data[i] != '"' && rest.data[i] != ',');
    free(field);
    return 0;
}
