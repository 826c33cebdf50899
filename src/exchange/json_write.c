/* json_write.c: JSON written straight into the response.
 *
 * A writer is a place in the exchange's memory and three things that tell what may come next: the depth, a bit for each level
 * that says whether it is an array, and whether a comma is due. There is no stack and no tree, so every call costs what it
 * writes.
 *
 *     memory   [base ─── written ───► at ─── room ─── end)      grows where it lies while it is the arena's last piece, else
 *                                                               into twice as much, from the arena and then the content store
 *     stream   the same, of a few octets: every call ends by handing them to leat_write, so nothing of it is kept back when
 *              the handler waits, and at the handler's end only the last bracket is left to write
 *
 * The response knows its writer (response.json) from the beginning to the end of the text: the text ends when the handler has
 * returned (leat__json_finish), before anybody else looks at the response. A response that another has replaced forgets its
 * writer; writing goes nowhere then, as it does behind an error. */
#include "exchange/exchange.h"
#include "base/json_text.h"
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>

#define TYPE_JSON "Content-Type: application/json\r\n"

enum {
    JSON_DEPTH_MAX = 64,
    JSON_FIRST = 512,   /* octets of a text's first memory */
    JSON_PIECE = 512,   /* of what a stream gathers within one call */
    JSON_FORMAT = 1024, /* of a formatted string, on the stack */
};

#ifdef LEAT_DEBUG
static const bool tells_mistakes = true;
#else
static const bool tells_mistakes = false;
#endif

struct leat_json {
    leat_exchange *x;
    char *base, *at, *end;
    uint64_t arrays; /* bit n: level n + 1 is an array */
    uint32_t depth;  /* 0: the text has ended */
    bool comma;      /* a value stands before the next one */
    bool streams;
    bool not_finite;     /* a number became null */
    int error;           /* negative: nothing is written any more */
    const char *mistake; /* with -EINVAL and -E2BIG: what the handler did */
};

_Static_assert(JSON_DEPTH_MAX <= 64, "a bit for each level");
_Static_assert(JSON_PIECE > 2 * (int)JSON_NUMBER_MAX && JSON_PIECE > 2 * (int)JSON_UNIT_MAX,
               "what is put at once");

/* What the functions that begin answer when there is no memory. Never written to. */
static const struct leat_json without_memory = {.error = -ENOMEM};

static leat_json *nowhere(void)
{
    return (leat_json *)(uintptr_t)&without_memory;
}

static void fail(leat_json *j, int error, const char *mistake)
{
    if (j->error == 0) {
        j->error = error;
        j->mistake = mistake;
    }
}

/* ── Room ── */

static void hand_over(leat_json *j)
{
    size_t size = (size_t)(j->at - j->base);
    j->at = j->base;
    if (size > 0 && j->error == 0)
        fail(j, leat_write(j->x, j->base, size), NULL);
}

/* Where it lies, if nobody has taken memory behind it. */
static bool extend(leat_json *j, size_t need)
{
    struct arena *arena = &j->x->arena;
    size_t left = (size_t)(arena->end - arena->at);
    if (j->end != arena->at || left < need)
        return false;
    size_t more = size_min(left, align_up(size_max(need, (size_t)(j->end - j->base)), 16));
    j->end = arena->at += more;
    return true;
}

/* The smallest power of two: what the content store gives, to its last octet. */
static size_t round_up(size_t size)
{
    return (size_t)1 << (64 - __builtin_clzll(size - 1));
}

/* The text and twice the text are never there at once: it is over the bound. */
static bool is_too_large(const struct leat_exchange *x, size_t now, size_t next)
{
    return x->response_block != NULL && now + next > x->common->memory->content.size;
}

static bool move(leat_json *j, size_t need)
{
    struct leat_exchange *x = j->x;
    size_t used = (size_t)(j->at - j->base), room = (size_t)(j->end - j->base);
    size_t size = round_up(size_max(2 * room, used + need));
    if (is_too_large(x, room, size)) {
        x->arena.overflow = ARENA_TOO_LARGE;
        x->arena.at = x->arena.end;
        fail(j, -ENOMEM, NULL);
        return false;
    }
    char *block = x->response_block;
    x->response_block = NULL;
    char *memory = leat__response_memory(x, size);
    if (memory != NULL) {
        memcpy(memory, j->base, used);
        j->base = memory;
        j->at = memory + used;
        j->end = memory + size;
    } else {
        fail(j, -ENOMEM, NULL);
    }
    if (block != NULL)
        leat__content_release(&x->common->memory->content, block);
    return memory != NULL;
}

/* At least need octets, which of a stream are never many. */
static bool make_room(leat_json *j, size_t need)
{
    if (LIKELY((size_t)(j->end - j->at) >= need))
        return true;
    if (j->streams) {
        hand_over(j);
        return j->error == 0;
    }
    return extend(j, need) || move(j, need);
}

/* ── Octets ── */

static void put_octet(leat_json *j, char octet)
{
    if (make_room(j, 1))
        *j->at++ = octet;
}

static void put_octets(leat_json *j, const char *octets, size_t size)
{
    if (UNLIKELY(j->streams && size > JSON_PIECE)) {
        hand_over(j);
        if (j->error == 0)
            fail(j, leat_write(j->x, octets, size), NULL);
    } else if (size > 0 && make_room(j, size)) {
        memcpy(j->at, octets, size);
        j->at += size;
    }
}

static void put_string(leat_json *j, const char *text, size_t size)
{
    const char *end = text + size;
    put_octet(j, '"');
    make_room(j, j->streams ? 1 : size + 1);
    while (text < end && j->error == 0) {
        j->at += leat__json_escape(j->at, (size_t)(j->end - j->at), &text, end);
        if (text < end)
            make_room(j, j->streams ? JSON_UNIT_MAX : (size_t)(end - text) + JSON_UNIT_MAX);
    }
    put_octet(j, '"');
}

/* ── Values ── */

/* Whether a value of that name may stand here: writes what comes before it. */
static bool begin_value(leat_json *j, const char *name)
{
    if (UNLIKELY(j->error != 0 || j->x->response.json != j))
        return false;
    if (UNLIKELY(j->depth == 0)) {
        fail(j, -EINVAL, "JSON: a value behind the end of the text");
        return false;
    }
    bool in_array = (j->arrays >> (j->depth - 1) & 1) != 0;
    if (UNLIKELY(in_array != (name == NULL))) {
        fail(j, -EINVAL,
             in_array ? "JSON: a value in an array has a name" : "JSON: a value in an object has no name");
        return false;
    }
    if (j->comma)
        put_octet(j, ',');
    j->comma = true;
    if (name != NULL) {
        put_string(j, name, strlen(name));
        put_octet(j, ':');
    }
    return j->error == 0;
}

static void end_value(leat_json *j)
{
    if (UNLIKELY(j->streams))
        hand_over(j);
}

static void put_value(leat_json *j, const char *name, const char *octets, size_t size)
{
    if (!begin_value(j, name))
        return;
    put_octets(j, octets, size);
    end_value(j);
}

void leat_json_stringn(leat_json *j, const char *name, const char *text, size_t size)
{
    if (!begin_value(j, name))
        return;
    put_string(j, text, size);
    end_value(j);
}

void leat_json_string(leat_json *j, const char *name, const char *text)
{
    if (text == NULL)
        leat_json_null(j, name);
    else
        leat_json_stringn(j, name, text, strlen(text));
}

void leat_json_stringf(leat_json *j, const char *name, const char *format, ...)
{
    char text[JSON_FORMAT];
    va_list arguments;
    va_start(arguments, format);
    int n = vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    if (j->error != 0)
        return;
    if (n < 0) {
        fail(j, -EINVAL, "JSON: a format that printf does not know");
    } else if ((size_t)n < sizeof text) {
        leat_json_stringn(j, name, text, (size_t)n);
    } else {
        char *long_text = arena_alloc(&j->x->arena, (size_t)n + 1);
        if (long_text == NULL) {
            fail(j, -ENOMEM, NULL);
            return;
        }
        va_start(arguments, format);
        vsnprintf(long_text, (size_t)n + 1, format, arguments);
        va_end(arguments);
        leat_json_stringn(j, name, long_text, (size_t)n);
    }
}

void leat_json_int(leat_json *j, const char *name, int64_t value)
{
    char text[JSON_NUMBER_MAX];
    put_value(j, name, text, leat__json_int(text, value));
}

void leat_json_uint(leat_json *j, const char *name, uint64_t value)
{
    char text[JSON_NUMBER_MAX];
    put_value(j, name, text, leat__json_uint(text, value));
}

void leat_json_double(leat_json *j, const char *name, double value)
{
    char text[JSON_NUMBER_MAX];
    size_t size = leat__json_double(text, value);
    if (size == 0) {
        if (j->error == 0)
            j->not_finite = true;
        leat_json_null(j, name);
        return;
    }
    put_value(j, name, text, size);
}

void leat_json_bool(leat_json *j, const char *name, bool value)
{
    put_value(j, name, value ? "true" : "false", value ? 4 : 5);
}

void leat_json_null(leat_json *j, const char *name)
{
    put_value(j, name, "null", 4);
}

void leat_json_raw(leat_json *j, const char *name, const char *json, size_t size)
{
    put_value(j, name, json, size);
}

int leat_json_error(const leat_json *j)
{
    return j->error != 0 ? j->error : j->not_finite ? -EDOM : 0;
}

/* ── Objects and arrays ── */

static void open_level(leat_json *j, bool array)
{
    if (UNLIKELY(j->depth == JSON_DEPTH_MAX)) {
        fail(j, -E2BIG, "JSON: deeper than 64");
        return;
    }
    uint64_t bit = (uint64_t)1 << j->depth++;
    j->arrays = array ? j->arrays | bit : j->arrays & ~bit;
    j->comma = false;
    put_octet(j, array ? '[' : '{');
}

static void close_level(leat_json *j)
{
    j->depth--;
    put_octet(j, (j->arrays >> j->depth & 1) != 0 ? ']' : '}');
    j->comma = true;
    if (j->depth == 0)
        put_octet(j, '\n');
    end_value(j);
}

static void begin_level(leat_json *j, const char *name, bool array)
{
    if (!begin_value(j, name))
        return;
    open_level(j, array);
    end_value(j);
}

void leat_json_object(leat_json *j, const char *name)
{
    begin_level(j, name, false);
}

void leat_json_array(leat_json *j, const char *name)
{
    begin_level(j, name, true);
}

void leat_json_end(leat_json *j)
{
    if (j->error != 0 || j->x->response.json != j)
        return;
    if (j->depth == 0)
        fail(j, -EINVAL, "JSON: ended once too often");
    else
        close_level(j);
}

/* ── The text ── */

static leat_json *open_text(leat_exchange *x, size_t size)
{
    leat_json *j = arena_alloc(&x->arena, sizeof *j);
    char *memory = j != NULL ? arena_alloc(&x->arena, size) : NULL;
    if (memory == NULL)
        return NULL;
    *j = (leat_json){.x = x, .base = memory, .at = memory, .end = memory + size};
    return j;
}

static leat_json *begin_text(leat_exchange *x, int status, bool array)
{
    response_forget(x);
    leat_json *j = open_text(x, JSON_FIRST);
    if (j == NULL || x->way.stream != STREAM_NONE)
        return nowhere();
    leat__response_make(x, status, TYPE_JSON, sizeof TYPE_JSON - 1, NULL, 0);
    x->response.json = j;
    exchange_has_an_end(x);
    x->flags |= X_HOLDS; /* another answer lets go of it */
    open_level(j, array);
    return j;
}

leat_json *leat_json_begin(leat_exchange *x, int status)
{
    return begin_text(x, status, false);
}

leat_json *leat_json_begin_array(leat_exchange *x, int status)
{
    return begin_text(x, status, true);
}

static leat_json *stream_text(leat_exchange *x, bool array)
{
    leat_json *j = x->response.json;
    if (j == NULL || !j->streams)
        j = open_text(x, JSON_PIECE);
    if (j == NULL)
        return nowhere();
    if (j->depth > 0)
        fail(j, -EINVAL, "JSON: begun within another text");
    if (x->way.stream == STREAM_NONE)
        fail(j, -EPERM, NULL);
    else
        x->response.json = j;
    exchange_has_an_end(x);
    if (j->error != 0)
        return j;
    j->streams = true;
    open_level(j, array);
    end_value(j);
    return j;
}

leat_json *leat_json_stream(leat_exchange *x)
{
    return stream_text(x, false);
}

leat_json *leat_json_stream_array(leat_exchange *x)
{
    return stream_text(x, true);
}

/* ── Its end ── */

static void refuse_text(struct leat_exchange *x, const leat_json *j)
{
    if (tells_mistakes && j->mistake != NULL)
        fprintf(stderr, "leat: %s: %s\n", x->chain != NULL ? x->chain->pattern : "", j->mistake);
    if (j->streams) {
        if (x->way.write_error == 0)
            x->way.write_error = (int16_t)j->error;
    } else if (j->error != -ENOMEM) {
        leat_problem(x, 500, tells_mistakes ? j->mistake : NULL);
    } /* else the arena remembers it */
}

static void publish_text(struct leat_exchange *x, const leat_json *j)
{
    struct arena *arena = &x->arena;
    if (j->end == arena->at)
        arena->at = j->base + align_up((size_t)(j->at - j->base), 16);
    if (x->response_block == NULL)
        x->flags &= (uint16_t)~X_HOLDS; /* it holds nothing else */
    x->response.content = j->base;
    x->response.content_size = (uint64_t)(j->at - j->base);
}

void leat__json_finish(struct leat_exchange *x)
{
    leat_json *j = x->response.json;
    if (j->depth > 1)
        fail(j, -EINVAL, "JSON: an object or array within has no end");
    if (j->depth == 1 && j->error == 0)
        close_level(j);
    x->response.json = NULL;
    if (j->error != 0)
        refuse_text(x, j);
    else if (!j->streams)
        publish_text(x, j);
}
