/* chunked.c: the chunked transfer coding (RFC 9112 7.1), strictly: a machine of one octet a step,
 * but for the chunks' own octets, which are copied in bulk.
 *
 *   size ─┬─ extensions ─┬─ LF ─┬─ data ─ CR ─ LF ─ size …
 *         └──────────────┘      └─ (0) trailer lines ─ empty line ─ done
 *
 * Every octet is judged when it comes, by the state and by what was counted so far, never by what
 * lies around it: so the answer cannot hang on how the bytes were split. Blanks are taken exactly
 * where the grammar has them (around ';' and '='), extensions and trailers are read for their form.
 * Both are bounded, by line and in all, and dropped, but for trailers that the caller keeps: it is
 * asked for room for them when the first one begins, so who gets none pays for none. */
#include "http1/classes.h"
#include "http1/http1.h"

enum state {
    SIZE_FIRST, /* the first digit of a size: there must be one */
    SIZE,
    SIZE_BLANK,   /* blanks before ';' */
    NAME_BLANK,   /* blanks behind ';' */
    NAME,         /* of an extension */
    EQUALS_BLANK, /* blanks behind it: '=', ';' or nothing else */
    VALUE_BLANK,  /* blanks behind '=' */
    VALUE,
    QUOTED,
    QUOTED_PAIR,
    QUOTED_OVER, /* behind the closing quote */
    SIZE_LF,
    DATA,
    DATA_CR,
    DATA_LF,
    TRAILER_FIRST,
    TRAILER_NAME,
    TRAILER_VALUE,
    TRAILER_LF,
    LAST_LF,
    OVER,
    REFUSED,
};

/* A size over this is not worth a sum. */
static const uint64_t size_end = (uint64_t)1 << 60;

static uint8_t refuse(struct http1_chunked *c, uint16_t status, const char *why)
{
    c->status = status;
    c->why = why;
    return REFUSED;
}

static bool is_blank(char o)
{
    return o == ' ' || o == '\t';
}

static uint8_t step_size(struct http1_chunked *c, char o)
{
    if (octet_is(o, CLASS_HEX)) {
        c->left = c->left << 4 | hex_value(o);
        return c->left < size_end ? SIZE : refuse(c, 413, "a chunk of a size that cannot be meant");
    }
    if (c->state == SIZE_FIRST)
        return refuse(c, 400, "a chunk without a size");
    if (o == '\r')
        return SIZE_LF;
    if (o == ';')
        return NAME_BLANK;
    return is_blank(o) ? SIZE_BLANK : refuse(c, 400, "a chunk's size is malformed");
}

/* Behind a whole extension, or its name: what may follow. */
static uint8_t step_behind(struct http1_chunked *c, char o, bool may_have_value, uint8_t blank)
{
    if (o == ';')
        return NAME_BLANK;
    if (o == '=' && may_have_value)
        return VALUE_BLANK;
    if (is_blank(o))
        return blank;
    bool over = o == '\r' && c->state != EQUALS_BLANK && c->state != SIZE_BLANK;
    return over ? SIZE_LF : refuse(c, 400, "a chunk's extension is malformed");
}

static uint8_t step_quoted(struct http1_chunked *c, char o)
{
    if (c->state == QUOTED_PAIR)
        return octet_is(o, CLASS_VALUE) ? QUOTED : refuse(c, 400, "a chunk's extension is malformed");
    if (o == '"')
        return QUOTED_OVER;
    if (o == '\\')
        return QUOTED_PAIR;
    return octet_is(o, CLASS_QUOTED) ? QUOTED : refuse(c, 400, "a chunk's extension is malformed");
}

static uint8_t step_extension(struct http1_chunked *c, char o)
{
    switch (c->state) {
    case NAME_BLANK:
        if (is_blank(o))
            return NAME_BLANK;
        return octet_is(o, CLASS_TOKEN) ? NAME : refuse(c, 400, "a chunk's extension has no name");
    case NAME:
        return octet_is(o, CLASS_TOKEN) ? NAME : step_behind(c, o, true, EQUALS_BLANK);
    case EQUALS_BLANK:
        return step_behind(c, o, true, EQUALS_BLANK);
    case VALUE_BLANK:
        if (is_blank(o))
            return VALUE_BLANK;
        if (o == '"')
            return QUOTED;
        return octet_is(o, CLASS_TOKEN) ? VALUE : refuse(c, 400, "a chunk's extension has no value");
    case VALUE:
        return octet_is(o, CLASS_TOKEN) ? VALUE : step_behind(c, o, false, SIZE_BLANK);
    case QUOTED:
    case QUOTED_PAIR:
        return step_quoted(c, o);
    default: /* QUOTED_OVER, SIZE_BLANK */
        return step_behind(c, o, false, SIZE_BLANK);
    }
}

static uint8_t judge_trailer(struct http1_chunked *c, char o)
{
    switch (c->state) {
    case TRAILER_FIRST:
        if (o == '\r')
            return LAST_LF;
        return octet_is(o, CLASS_TOKEN) ? TRAILER_NAME
                                        : refuse(c, 400, "a trailer field without a name");
    case TRAILER_NAME:
        if (o == ':')
            return TRAILER_VALUE;
        return octet_is(o, CLASS_TOKEN) ? TRAILER_NAME
                                        : refuse(c, 400, "a trailer field's name is malformed");
    default: /* TRAILER_VALUE */
        if (o == '\r')
            return TRAILER_LF;
        return octet_is(o, CLASS_VALUE) ? TRAILER_VALUE
                                        : refuse(c, 400, "a control octet in a trailer field");
    }
}

static uint8_t step_trailer(struct http1_chunked *c, char o)
{
    uint8_t next = judge_trailer(c, o);
    if (c->trailers == NULL || next == REFUSED || next == LAST_LF)
        return next;
    if (c->trailers_size == HTTP1_TRAILERS_MAX)
        return refuse(c, 431, "too much of trailer fields");
    c->trailers[c->trailers_size++] = o == '\r' ? '\n' : o;
    return next;
}

static uint8_t end_size_line(struct http1_chunked *c)
{
    c->line = 0;
    if (c->left == 0)
        return TRAILER_FIRST;
    if (c->total_max != 0 && c->left > c->total_max - c->total)
        return refuse(c, 413, "the content is too large");
    return DATA;
}

/* What a line, and all lines together, may hold beside sizes that mean something. */
static uint8_t count_octet(struct http1_chunked *c)
{
    bool trailer = c->state >= TRAILER_FIRST;
    c->line++;
    if (trailer || c->state > SIZE || c->line > 2 * sizeof c->left)
        c->overhead++;
    if (c->line <= HTTP1_CHUNK_LINE_MAX && c->overhead <= HTTP1_CHUNK_OVERHEAD_MAX)
        return c->state;
    return trailer ? refuse(c, 431, "too much of trailer fields")
                   : refuse(c, 400, "too much of chunk extensions");
}

static uint8_t step(struct http1_chunked *c, char o)
{
    switch (c->state) {
    case SIZE_LF:
        return o == '\n' ? end_size_line(c) : refuse(c, 400, "CR without LF behind a chunk's size");
    case DATA_CR:
        return o == '\r' ? DATA_LF : refuse(c, 400, "a chunk is longer than its size");
    case DATA_LF:
        return o == '\n' ? SIZE_FIRST : refuse(c, 400, "CR without LF behind a chunk");
    case TRAILER_LF:
        c->line = 0;
        return o == '\n' ? TRAILER_FIRST : refuse(c, 400, "CR without LF behind a trailer field");
    case LAST_LF:
        return o == '\n' ? OVER : refuse(c, 400, "CR without LF at the content's end");
    }
    if (count_octet(c) == REFUSED)
        return REFUSED;
    if (c->state <= SIZE)
        return step_size(c, o);
    return c->state < SIZE_LF ? step_extension(c, o) : step_trailer(c, o);
}

enum http1_result leat__http1_parse_chunked(struct http1_chunked *c, const char *in, size_t size,
                                            size_t *used, char *out, size_t out_size, size_t *made)
{
    size_t i = 0, written = 0;
    while (i < size && c->state < OVER) {
        if (c->state != DATA) {
            c->wants_room = c->state == TRAILER_FIRST && c->keeps_trailers && c->trailers == NULL &&
                            in[i] != '\r';
            if (c->wants_room)
                break;
            c->state = step(c, in[i++]);
            continue;
        }
        size_t n = size_min(size - i, out_size - written);
        if (n > c->left)
            n = (size_t)c->left;
        if (n == 0) {
            c->state = refuse(c, 413, "the content is too large");
            break;
        }
        memmove(out + written, in + i, n);
        i += n;
        written += n;
        c->left -= n;
        c->total += n;
        if (c->left == 0)
            c->state = DATA_CR;
    }
    *used = i;
    *made = written;
    if (c->state == REFUSED)
        return HTTP1_BAD;
    return c->state == OVER ? HTTP1_DONE : HTTP1_NEED_MORE;
}
