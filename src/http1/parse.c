/* parse.c: which copy of the parser runs, and finding fields in what it found. */
#include "http1/classes.h"
#include "http1/head.h"

#include <stdatomic.h>

static enum http1_result choose_and_parse(struct http1_head *h, const char *bytes, size_t size,
                                          const struct http1_limits *limits);

/* Asking the processor is done by whoever comes first; others may ask again meanwhile and get the
 * same answer. */
static _Atomic(__typeof__(&choose_and_parse)) chosen = choose_and_parse;

static enum http1_result choose_and_parse(struct http1_head *h, const char *bytes, size_t size,
                                          const struct http1_limits *limits)
{
    __typeof__(&choose_and_parse) best = leat__http1_parse_head_scalar;
#if defined(__x86_64__)
    __builtin_cpu_init();
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("bmi") && __builtin_cpu_supports("bmi2"))
        best = leat__http1_parse_head_avx2;
#endif
    atomic_store_explicit(&chosen, best, memory_order_relaxed);
    return best(h, bytes, size, limits);
}

enum http1_result leat__http1_parse_head(struct http1_head *h, const char *bytes, size_t size,
                                         const struct http1_limits *limits)
{
    return atomic_load_explicit(&chosen, memory_order_relaxed)(h, bytes, size, limits);
}

static char lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c | 0x20) : c;
}

static bool is_same_name(const char *a, const char *b, size_t size)
{
    for (size_t i = 0; i < size; i++)
        if (lower(a[i]) != lower(b[i]))
            return false;
    return true;
}

const struct http1_field *leat__http1_find(const struct http1_head *h, const char *bytes,
                                           const char *name, size_t name_size, unsigned *from)
{
    for (unsigned i = *from; i < h->field_count; i++) {
        const struct http1_field *f = &h->fields[i];
        if (f->name_size == name_size && is_same_name(bytes + f->name_at, name, name_size)) {
            *from = i + 1;
            return f;
        }
    }
    *from = h->field_count;
    return NULL;
}

bool leat__http1_is_token(const char *text, size_t size)
{
    size_t i = 0;
    while (i < size && octet_is(text[i], CLASS_TOKEN))
        i++;
    return size > 0 && i == size;
}

bool leat__http1_is_field_value(const char *text, size_t size)
{
    for (size_t i = 0; i < size; i++)
        if (!octet_is(text[i], CLASS_VALUE))
            return false;
    return true;
}
