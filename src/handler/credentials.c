/* credentials.c: what an Authorization field says. Decoding takes a time that depends on the size alone, as far as a table
 * of 256 octets does. */
#include "handler/credentials.h"

#include <strings.h>

bool leat__credentials_have(struct http_text field, const char *scheme, struct http_text *rest)
{
    size_t size = strlen(scheme);
    if (field.size < size || strncasecmp(field.data, scheme, size) != 0)
        return false;
    if (field.size > size && field.data[size] != ' ')
        return false;
    *rest = http_text_trim((struct http_text){field.data + size, field.size - size});
    return true;
}

static bool is_letter_or_digit(char c)
{
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}

bool leat__credentials_is_token(struct http_text text)
{
    size_t i = 0;
    while (i < text.size && (is_letter_or_digit(text.data[i]) ||
                             (text.data[i] != '\0' && strchr("-._~+/", text.data[i]) != NULL)))
        i++;
    bool begun = i > 0;
    while (i < text.size && text.data[i] == '=')
        i++;
    return begun && i == text.size;
}

/* 0 to 63, or -1 */
static int value_of(char c)
{
    if (c >= 'A' && c <= 'Z')
        return c - 'A';
    if (c >= 'a' && c <= 'z')
        return c - 'a' + 26;
    if (c >= '0' && c <= '9')
        return c - '0' + 52;
    return c == '+' ? 62 : c == '/' ? 63 : -1;
}

ptrdiff_t leat__base64_decode(char *out, size_t room, struct http_text text)
{
    size_t padding = 0, n = 0;
    while (padding < 2 && padding < text.size && text.data[text.size - 1 - padding] == '=')
        padding++;
    if (text.size % 4 != 0 || text.size / 4 * 3 > room + padding)
        return -1;
    uint32_t bits = 0;
    for (size_t i = 0; i < text.size; i++) {
        bool is_padding = i >= text.size - padding;
        int value = is_padding ? 0 : value_of(text.data[i]);
        if (value < 0)
            return -1;
        bits = bits << 6 | (uint32_t)value;
        if (i % 4 != 3)
            continue;
        size_t octets = i + 1 == text.size ? 3 - padding : 3;
        for (size_t k = 0; k < octets; k++)
            out[n++] = (char)(bits >> (16 - 8 * k) & 0xff);
        if ((bits & ((1u << (8 * (3 - octets))) - 1)) != 0)
            return -1;
        bits = 0;
    }
    return (ptrdiff_t)n;
}

/* Octets of the character at the start of text (RFC 3629 4); 0: it is none, or a control character. */
static size_t character(const unsigned char *text, size_t size)
{
    static const struct {
        unsigned char first, last, low, high;
        size_t size;
    } kinds[] = {{0xc2, 0xdf, 0x80, 0xbf, 2}, {0xe0, 0xe0, 0xa0, 0xbf, 3},
                 {0xe1, 0xec, 0x80, 0xbf, 3}, {0xed, 0xed, 0x80, 0x9f, 3},
                 {0xee, 0xef, 0x80, 0xbf, 3}, {0xf0, 0xf0, 0x90, 0xbf, 4},
                 {0xf1, 0xf3, 0x80, 0xbf, 4}, {0xf4, 0xf4, 0x80, 0x8f, 4}};
    if (text[0] < 0x80)
        return text[0] >= 0x20 && text[0] != 0x7f;
    for (size_t k = 0; k < COUNT_OF(kinds); k++) {
        if (text[0] < kinds[k].first || text[0] > kinds[k].last)
            continue;
        if (size < kinds[k].size || text[1] < kinds[k].low || text[1] > kinds[k].high)
            return 0;
        for (size_t i = 2; i < kinds[k].size; i++)
            if ((text[i] & 0xc0) != 0x80)
                return 0;
        return kinds[k].size;
    }
    return 0;
}

static bool is_plain_utf8(const char *text, size_t size)
{
    for (size_t i = 0; i < size;) {
        size_t n = character((const unsigned char *)text + i, size - i);
        if (n == 0)
            return false;
        i += n;
    }
    return true;
}

bool leat__credentials_read(struct credentials *c, struct http_text text)
{
    ptrdiff_t size = leat__base64_decode(c->text, CREDENTIALS_MAX, text);
    if (size <= 0 || !is_plain_utf8(c->text, (size_t)size))
        return false;
    c->text[size] = '\0';
    char *colon = strchr(c->text, ':');
    if (colon == NULL)
        return false;
    *colon = '\0';
    c->name = c->text;
    c->password = colon + 1;
    return true;
}
