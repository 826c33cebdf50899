/* parse_scalar.c: the parser for every processor: octets by table, values by words of eight. */
#include "http1/classes.h"
#include "http1/head.h"

#define FAST(name) name##_scalar
#define FAST_TARGET

#define OCTETS(n) (0x0101010101010101u * (n))

static inline size_t scan_class(const char *p, const char *end, unsigned class)
{
    const char *at = p;
    while (at < end && octet_is(*at, class))
        at++;
    return (size_t)(at - p);
}

static inline size_t scan_path_scalar(const char *p, const char *end)
{
    const char *at = p;
    while (at < end && octet_is(*at, CLASS_PATH) && *at != '%' && *at != '?')
        at++;
    return (size_t)(at - p);
}

static inline size_t scan_query_scalar(const char *p, const char *end)
{
    return scan_class(p, end, CLASS_TARGET);
}

static inline size_t scan_host_scalar(const char *p, const char *end)
{
    return scan_class(p, end, CLASS_NAME);
}

static inline size_t scan_name_scalar(const char *p, const char *end)
{
    return scan_class(p, end, CLASS_TOKEN);
}

struct window_scalar {
    char unused;
};

static inline struct window_scalar open_window_scalar(const char *p)
{
    (void)p;
    return (struct window_scalar){0};
}

/* A word's octets below 0x20 and 0x7f get their high bits; exact up to the first of them, which is
 * what counts. */
static inline size_t scan_line_scalar(struct window_scalar *w, const char *p, const char *end, size_t name)
{
    (void)w;
    for (const char *at = p + name; at < end; at += 8) {
        uint64_t word;
        memcpy(&word, at, sizeof word);
        uint64_t delete = word ^ OCTETS(0x7f);
        uint64_t bits = ((word - OCTETS(0x20)) & ~word) | ((delete - OCTETS(1)) & ~delete);
        bits &= OCTETS(0x80);
        if (bits != 0)
            return (size_t)(at - p) + (size_t)__builtin_ctzll(bits) / 8;
    }
    return (size_t)(end - p);
}

#include "http1/parse.inc"
