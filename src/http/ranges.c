/* ranges.c: which octets a Range field asks for (RFC 9110 14.1, 14.2).
 *
 *     bytes=0-499        the first 500
 *     bytes=500-         from the 501st on
 *     bytes=-500         the last 500
 *     bytes=0-0,-1       the first and the last
 *
 * A set is valid or not as a whole: one element that is malformed, and the field is ignored, as it is allowed to be. Of a
 * valid set those that lie behind the end are left out; none left is 416. A client may ask for the same octets again and
 * again: what overlaps or touches is joined, so that no octet is sent twice and no answer is larger than it must be.
 *
 * Numbers may have any length. What does not fit in 64 bits is as far behind every end as the largest that does. */
#include "http/conditions.h"

/* 1*DIGIT at *at, which is moved behind it. */
static bool take_number(const char **at, const char *end, uint64_t *n)
{
    const char *begin = *at;
    *n = 0;
    for (; *at < end && **at >= '0' && **at <= '9'; (*at)++) {
        unsigned digit = (unsigned)(**at - '0');
        if (*n > (UINT64_MAX - digit) / 10)
            *n = UINT64_MAX;
        else
            *n = *n * 10 + digit;
    }
    return *at > begin;
}

enum spec { SATISFIABLE, UNSATISFIABLE, EMPTY, INVALID };

/* "-N". Of an empty representation the last N octets are there, and none (14.1.2): that can only be sent as a whole. */
static enum spec read_suffix(const char *at, const char *end, uint64_t size, struct http_range *r)
{
    uint64_t last;
    if (!take_number(&at, end, &last) || at != end)
        return INVALID;
    if (last == 0)
        return UNSATISFIABLE;
    if (size == 0)
        return EMPTY;
    r->size = last < size ? last : size;
    r->first = size - r->size;
    return SATISFIABLE;
}

static enum spec read_spec(struct http_text text, uint64_t size, struct http_range *r)
{
    const char *at = text.data, *end = at + text.size;
    uint64_t first, last = UINT64_MAX;
    if (*at == '-')
        return read_suffix(at + 1, end, size, r);
    if (!take_number(&at, end, &first) || at == end || *at++ != '-')
        return INVALID;
    if (at < end && (!take_number(&at, end, &last) || at != end || last < first))
        return INVALID;
    if (first >= size)
        return UNSATISFIABLE;
    r->first = first;
    r->size = (last < size ? last + 1 : size) - first;
    return SATISFIABLE;
}

static bool touches(const struct http_range *a, const struct http_range *b)
{
    return a->first <= b->first + b->size && b->first <= a->first + a->size;
}

static void extend(struct http_range *r, const struct http_range *by)
{
    uint64_t end = r->first + r->size, by_end = by->first + by->size;
    r->first = r->first < by->first ? r->first : by->first;
    r->size = (end > by_end ? end : by_end) - r->first;
}

/* Puts r behind the others, joined with those it touches in the place of the first of them. Those are apart from each other,
 * so what r grows to touches none that r did not. */
static uint32_t join(struct http_range *out, uint32_t count, struct http_range r)
{
    uint32_t kept = 0, place = RANGES_MAX;
    for (uint32_t i = 0; i < count; i++) {
        if (!touches(&out[i], &r)) {
            out[kept++] = out[i];
            continue;
        }
        extend(&r, &out[i]);
        if (place == RANGES_MAX)
            place = kept++;
    }
    if (place == RANGES_MAX)
        place = kept++;
    out[place] = r;
    return kept;
}

/* Whether several ranges are cheaper than the whole. */
static bool is_worth_parts(const struct http_range *out, uint32_t count, uint64_t size)
{
    uint64_t spared = size;
    for (uint32_t i = 0; i < count; i++)
        spared -= out[i].size; /* no octet is in two of them */
    return spared > (uint64_t)count * RANGE_PART_COST;
}

/* What is left of the field behind "bytes="; data NULL: it is none, or of another unit. */
static struct http_text range_set(const struct http_lines *field)
{
    static const char unit[] = "bytes=";
    enum { UNIT_SIZE = sizeof unit - 1 };
    struct http_text none = {NULL, 0};
    if (field->count != 1)
        return none;
    struct http_text text = http_text_trim(field->lines[0]);
    if (text.size < UNIT_SIZE)
        return none;
    for (size_t i = 0; i < UNIT_SIZE; i++) {
        char c = text.data[i];
        if ((c >= 'A' && c <= 'Z' ? c | 0x20 : c) != unit[i])
            return none;
    }
    return (struct http_text){text.data + UNIT_SIZE, text.size - UNIT_SIZE};
}

int leat__http_ranges(const struct http_conditions *c, const struct http_validators *v,
                      uint64_t size, struct http_range out[RANGES_MAX])
{
    struct http_text set = range_set(&c->range);
    /* no list begins with a space */
    if (set.size == 0 || *set.data == ' ' || *set.data == '\t' || !leat__http_if_range_holds(c, v))
        return 0;
    uint32_t count = 0, asked = 0;
    bool empty = false;
    for (const char *at = set.data, *end = at + set.size; at < end;) {
        const char *comma = memchr(at, ',', (size_t)(end - at));
        const char *stop = comma != NULL ? comma : end;
        struct http_text text = http_text_trim((struct http_text){at, (size_t)(stop - at)});
        at = stop + 1;
        if (text.size == 0)
            continue;
        struct http_range r;
        enum spec spec = read_spec(text, size, &r);
        if (spec == INVALID || ++asked > RANGES_MAX)
            return 0;
        empty |= spec == EMPTY;
        if (spec == SATISFIABLE)
            count = join(out, count, r);
    }
    if (count == 0)
        return asked == 0 || empty ? 0 : -416;
    return count > 1 && !is_worth_parts(out, count, size) ? 0 : (int)count;
}
