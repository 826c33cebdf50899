/* negotiate.c: Accept-Encoding, and lists like it. A member that is malformed counts as if it were not there. */
#include "negotiate.h"
#include <string.h>
#include <strings.h>

enum { WEIGHT_NONE = -1, WEIGHT_FULL = 1000 };

/* In thousandths. */
struct weights {
    int coding[CODINGS], identity, star;
};

static leat_slice trim(leat_slice s)
{
    while (s.size > 0 && (s.data[0] == ' ' || s.data[0] == '\t')) {
        s.data++;
        s.size--;
    }
    while (s.size > 0 && (s.data[s.size - 1] == ' ' || s.data[s.size - 1] == '\t'))
        s.size--;
    return s;
}

/* What stands before the separator; *rest is what is behind it. */
static leat_slice cut(leat_slice *rest, char separator)
{
    leat_slice all = *rest;
    const char *end = all.size > 0 ? memchr(all.data, separator, all.size) : NULL;
    size_t size = end != NULL ? (size_t)(end - all.data) : all.size;
    size_t used = end != NULL ? size + 1 : size;
    *rest = (leat_slice){all.data + used, all.size - used};
    return trim((leat_slice){all.data, size});
}

static bool is_word(leat_slice s, const char *word)
{
    return s.size == strlen(word) && strncasecmp(s.data, word, s.size) == 0;
}

/* A qvalue (RFC 9110 12.4.2); WEIGHT_NONE: it is none. */
static int parse_weight(leat_slice s)
{
    if (s.size == 0 || s.size > 5 || (s.data[0] != '0' && s.data[0] != '1') ||
        (s.size > 1 && s.data[1] != '.'))
        return WEIGHT_NONE;
    int weight = s.data[0] - '0';
    for (size_t i = 2; i < 5; i++) {
        char c = i < s.size ? s.data[i] : '0';
        if (c < '0' || c > '9')
            return WEIGHT_NONE;
        weight = weight * 10 + c - '0';
    }
    return weight <= WEIGHT_FULL ? weight : WEIGHT_NONE;
}

static void take_member(struct weights *w, leat_slice member)
{
    leat_slice name = cut(&member, ';');
    int weight = WEIGHT_FULL;
    while (member.size > 0) {
        leat_slice parameter = cut(&member, ';');
        leat_slice key = cut(&parameter, '=');
        if (is_word(key, "q"))
            weight = parse_weight(trim(parameter));
    }
    if (weight == WEIGHT_NONE)
        return;
    const struct coding *coding = coding_find(name.data, name.size);
    for (size_t i = 0; i < CODINGS; i++)
        if (coding == all_codings[i])
            w->coding[i] = weight;
    if (is_word(name, "identity"))
        w->identity = weight;
    if (is_word(name, "*"))
        w->star = weight;
}

static int weight_of(const struct weights *w, const struct coding *coding)
{
    int weight = WEIGHT_NONE;
    for (size_t i = 0; i < CODINGS; i++)
        if (coding == all_codings[i])
            weight = w->coding[i];
    weight = weight == WEIGHT_NONE ? w->star : weight;
    return weight == WEIGHT_NONE ? 0 : weight;
}

struct choice negotiate_coding(leat_exchange *x, const struct coding *const prefer[])
{
    struct weights w = {{WEIGHT_NONE, WEIGHT_NONE, WEIGHT_NONE}, WEIGHT_NONE, WEIGHT_NONE};
    struct choice choice = {NULL, false};
    leat_slice name, value;
    for (size_t i = 0; leat_field_at(x, i, &name, &value); i++)
        while (is_word(name, "Accept-Encoding") && value.size > 0)
            take_member(&w, cut(&value, ','));
    int best = 0;
    for (size_t i = 0; prefer[i] != NULL; i++) {
        int weight = weight_of(&w, prefer[i]);
        if (weight > best) {
            best = weight;
            choice.coding = prefer[i];
        }
    }
    if (w.identity > best)
        choice.coding = NULL;
    bool is_refused = w.identity == 0 || (w.identity == WEIGHT_NONE && w.star == 0);
    choice.is_needed = is_refused && choice.coding != NULL;
    return choice;
}

bool list_has(leat_slice list, const char *name)
{
    while (list.size > 0) {
        leat_slice member = cut(&list, ',');
        if (is_word(cut(&member, '='), name))
            return true;
    }
    return false;
}

/* ── Media types ── */

/* Compressed by themselves; a star stands for whatever follows. The first that fits counts. */
static const struct {
    const char *type;
    bool is_compressible;
} types[] = {
    {"image/svg+xml", true},
    {"image/bmp", true},
    {"image/x-icon", true},
    {"image/vnd.microsoft.icon", true},
    {"image/*", false},
    {"video/*", false},
    {"audio/*", false},
    {"font/woff*", false},
    {"application/font-woff*", false},
    {"application/gzip", false},
    {"application/x-gzip", false},
    {"application/zip", false},
    {"application/x-zip*", false},
    {"application/zstd", false},
    {"application/brotli", false},
    {"application/x-brotli", false},
    {"application/x-bzip*", false},
    {"application/x-xz", false},
    {"application/x-lzma", false},
    {"application/x-compress*", false},
    {"application/x-7z-compressed", false},
    {"application/x-rar*", false},
    {"application/vnd.rar", false},
    {"application/pdf", false},
    {"application/java-archive", false},
    {"application/vnd.android.package-archive", false},
    {"application/vnd.debian.binary-package", false},
    {"application/vnd.openxmlformats-officedocument.*", false},
    {"application/vnd.oasis.opendocument.*", false},
    {"application/ogg", false},
    {"application/mp4", false},
    {"multipart/*", false},
};

static bool type_fits(const char *pattern, leat_slice type)
{
    size_t size = strlen(pattern);
    if (pattern[size - 1] != '*')
        return is_word(type, pattern);
    return type.size >= size - 1 && strncasecmp(pattern, type.data, size - 1) == 0;
}

bool media_type_is_compressible(leat_slice type)
{
    static const char zip[] = "+zip";
    leat_slice name = cut(&type, ';');
    if (name.size == 0)
        return false;
    for (size_t i = 0; i < sizeof types / sizeof *types; i++)
        if (type_fits(types[i].type, name))
            return types[i].is_compressible;
    size_t size = sizeof zip - 1;
    return name.size < size || strncasecmp(name.data + name.size - size, zip, size) != 0;
}
