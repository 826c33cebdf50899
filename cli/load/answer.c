/* answer.c: a machine of one octet a step for heads, pieces as they come for contents.
 *
 *   "HTTP/1." minor ' ' status reason CR LF │ name ':' value CR LF │ … │ CR LF │ content
 *
 * Strict where doubt could make an answer another one: no bare LF, no folding, no blank before a colon, one length or one
 * coding. Interim answers (1xx) are read over; 101 is none of them, since nothing was to be switched. A content ends by its
 * length, by its last chunk or, where there is neither, by the end of the connection. */
#include "load/answer.h"
#include "http1/classes.h"
#include <strings.h>

enum state {
    VERSION, /* "HTTP/1." */
    MINOR,
    VERSION_BLANK,
    STATUS_1,
    STATUS_2,
    STATUS_3,
    STATUS_OVER,
    REASON,
    LINE_LF,
    NAME_FIRST,
    NAME,
    VALUE,
    HEAD_LF,
    CONTENT,
    OVER,
};

enum framing { BY_NOTHING, BY_LENGTH, BY_CHUNKS, BY_CLOSE };

enum field { FIELD_OTHER, FIELD_LENGTH, FIELD_CODING, FIELD_CONNECTION };

static const char version[] = "HTTP/1.";

static enum answer_result bad(struct answer *a, const char *why)
{
    a->why = why;
    a->state = OVER;
    return ANSWER_BAD;
}

/* ── Contents ─────────────────────────────────────────────────────────────────────────────────────────────── */

static bool is_status_wanted(const struct answer *a, const struct answer_wanted *wanted)
{
    return wanted->status != 0 ? a->status == wanted->status : a->status >= 200 && a->status < 300;
}

static void content_differs(struct answer *a, uint64_t at)
{
    a->fault = ANSWER_FAULT_CONTENT;
    a->differs_at = at;
}

static void compare(struct answer *a, const struct answer_wanted *wanted, const char *bytes, size_t size)
{
    const char *here = wanted->content + a->size;
    uint64_t there = a->size < wanted->size ? wanted->size - a->size : 0;
    size_t both = size_min(size, there);
    if (UNLIKELY(memcmp(here, bytes, both) != 0)) {
        size_t same = 0;
        while (here[same] == bytes[same])
            same++;
        content_differs(a, a->size + same);
    } else if (UNLIKELY(both < size)) {
        content_differs(a, wanted->size);
    }
}

static void take_content(struct answer *a, const struct answer_wanted *wanted, const char *bytes,
                         size_t size)
{
    if (wanted->content != NULL && LIKELY(a->fault == ANSWER_RIGHT) && size > 0)
        compare(a, wanted, bytes, size);
    if (UNLIKELY(wanted->take != NULL))
        wanted->take(wanted->context, bytes, size);
    a->size += size;
}

static enum answer_result finish(struct answer *a, const struct answer_wanted *wanted)
{
    a->state = OVER;
    if (a->fault == ANSWER_RIGHT && wanted->checks_size && !wanted->no_content &&
        UNLIKELY(a->size != wanted->size))
        content_differs(a, a->size < wanted->size ? a->size : wanted->size);
    return ANSWER_DONE;
}

static enum answer_result feed_chunks(struct answer *a, const struct answer_wanted *wanted,
                                      char *bytes, size_t size, size_t *used)
{
    size_t made = 0;
    enum http1_result result = leat__http1_parse_chunked(&a->chunked, bytes, size, used, bytes,
                                                         size, &made);
    take_content(a, wanted, bytes, made);
    if (result == HTTP1_BAD)
        return bad(a, a->chunked.why);
    return result == HTTP1_DONE ? finish(a, wanted) : ANSWER_MORE;
}

static enum answer_result feed_content(struct answer *a, const struct answer_wanted *wanted,
                                       char *bytes, size_t size, size_t *used)
{
    size_t piece = size;
    switch ((enum framing)a->framing) {
    case BY_NOTHING:
        *used = 0;
        return finish(a, wanted);
    case BY_CHUNKS:
        return feed_chunks(a, wanted, bytes, size, used);
    case BY_CLOSE:
        break;
    case BY_LENGTH:
        piece = size_min(size, a->left);
        a->left -= piece;
        break;
    }
    take_content(a, wanted, bytes, piece);
    *used = piece;
    return a->framing == BY_LENGTH && a->left == 0 ? finish(a, wanted) : ANSWER_MORE;
}

/* ── The head's meaning ───────────────────────────────────────────────────────────────────────────────────── */

static enum answer_result read_length(struct answer *a)
{
    uint64_t length = 0;
    if (a->text_size == 0 || a->text_size > 18)
        return bad(a, "a Content-Length that is no number");
    for (unsigned i = 0; i < a->text_size; i++) {
        if (a->text[i] < '0' || a->text[i] > '9')
            return bad(a, "a Content-Length that is no number");
        length = length * 10 + (uint64_t)(a->text[i] - '0');
    }
    if (a->has_length && length != a->left)
        return bad(a, "two lengths");
    a->has_length = true;
    a->left = length;
    return ANSWER_MORE;
}

static bool text_is(const char *text, size_t size, const char *word)
{
    return size == strlen(word) && strncasecmp(text, word, size) == 0;
}

static enum answer_result read_coding(struct answer *a)
{
    if (a->has_coding || !text_is(a->text, a->text_size, "chunked"))
        return bad(a, "a Transfer-Encoding that is not chunked");
    a->has_coding = true;
    return ANSWER_MORE;
}

static void read_connection(struct answer *a)
{
    const char *at = a->text, *end = a->text + a->text_size;
    while (at < end) {
        const char *comma = memchr(at, ',', (size_t)(end - at)), *to = comma != NULL ? comma : end;
        const char *last = to;
        while (at < last && (*at == ' ' || *at == '\t'))
            at++;
        while (last > at && (last[-1] == ' ' || last[-1] == '\t'))
            last--;
        a->has_close |= text_is(at, (size_t)(last - at), "close");
        a->has_keep |= text_is(at, (size_t)(last - at), "keep-alive");
        at = to + 1;
    }
}

/* A field's line is over. */
static enum answer_result end_line(struct answer *a)
{
    while (a->text_size > 0 && (a->text[a->text_size - 1] == ' ' || a->text[a->text_size - 1] == '\t'))
        a->text_size--;
    switch ((enum field)a->field) {
    case FIELD_LENGTH:
        return read_length(a);
    case FIELD_CODING:
        return read_coding(a);
    case FIELD_CONNECTION:
        read_connection(a);
        break;
    case FIELD_OTHER:
        break;
    }
    return ANSWER_MORE;
}

static uint8_t field_of(const struct answer *a)
{
    if (text_is(a->text, a->text_size, "content-length"))
        return FIELD_LENGTH;
    if (text_is(a->text, a->text_size, "transfer-encoding"))
        return FIELD_CODING;
    return text_is(a->text, a->text_size, "connection") ? FIELD_CONNECTION : FIELD_OTHER;
}

static uint8_t framing_of(const struct answer *a, const struct answer_wanted *wanted)
{
    if (wanted->no_content || a->status == 204 || a->status == 304)
        return BY_NOTHING;
    if (a->has_coding)
        return BY_CHUNKS;
    if (!a->has_length)
        return BY_CLOSE;
    return a->left == 0 ? BY_NOTHING : BY_LENGTH;
}

static enum answer_result enter_content(struct answer *a, const struct answer_wanted *wanted)
{
    a->state = CONTENT;
    if (UNLIKELY(!is_status_wanted(a, wanted)))
        a->fault = ANSWER_FAULT_STATUS;
    if (a->framing == BY_NOTHING)
        return finish(a, wanted);
    if (a->framing == BY_CHUNKS)
        memset(&a->chunked, 0, sizeof a->chunked);
    return ANSWER_MORE;
}

static enum answer_result end_head(struct answer *a, const struct answer_wanted *wanted)
{
    if (a->has_length && a->has_coding)
        return bad(a, "a Content-Length beside a Transfer-Encoding");
    if (a->status == 101)
        return bad(a, "101, and nothing was to be switched");
    if (a->status < 200) {
        uint32_t head_size = a->head_size; /* all of them together are bounded */
        answer_begin(a);
        a->head_size = head_size;
        return ANSWER_MORE;
    }
    a->framing = framing_of(a, wanted);
    a->close = a->has_close || (a->minor == 0 && !a->has_keep) || a->framing == BY_CLOSE;
    return enter_content(a, wanted);
}

/* ── The head's octets ────────────────────────────────────────────────────────────────────────────────────── */

static void keep_octet(struct answer *a, char o)
{
    if (a->text_size < ANSWER_TEXT_MAX)
        a->text[a->text_size++] = o;
}

static bool is_digit(char o)
{
    return o >= '0' && o <= '9';
}

/* HTAB, blank, and all that is no control octet. */
static bool is_text(char o)
{
    unsigned char u = (unsigned char)o;
    return (u >= 0x20 && u != 0x7f) || u == '\t';
}

static enum answer_result step_status_line(struct answer *a, char o)
{
    switch ((enum state)a->state) {
    case VERSION:
        if (o != version[a->text_size])
            break;
        a->text_size++;
        if (version[a->text_size] == 0)
            a->state = MINOR;
        return ANSWER_MORE;
    case MINOR:
        a->minor = o == '1';
        a->state = VERSION_BLANK;
        if (o == '0' || o == '1')
            return ANSWER_MORE;
        break;
    case VERSION_BLANK:
        a->state = STATUS_1;
        if (o == ' ')
            return ANSWER_MORE;
        break;
    case STATUS_1:
    case STATUS_2:
    case STATUS_3:
        if (!is_digit(o) || (a->state == STATUS_1 && o == '0'))
            break;
        a->status = (uint16_t)(a->status * 10 + (o - '0'));
        a->state++;
        return ANSWER_MORE;
    case STATUS_OVER: /* some leave the blank away when there is no reason */
        a->state = o == '\r' ? LINE_LF : REASON;
        if (o == ' ' || o == '\r')
            return ANSWER_MORE;
        break;
    default:
        if (o == '\r')
            a->state = LINE_LF;
        else if (!is_text(o))
            break;
        return ANSWER_MORE;
    }
    return bad(a, "a status line that is none");
}

static enum answer_result step_field(struct answer *a, const struct answer_wanted *wanted, char o)
{
    switch ((enum state)a->state) {
    case LINE_LF:
        a->state = NAME_FIRST;
        return o == '\n' ? ANSWER_MORE : bad(a, "a CR without its LF");
    case NAME_FIRST:
        if (o == '\r') {
            a->state = HEAD_LF;
            return ANSWER_MORE;
        }
        a->text_size = 0;
        a->state = NAME;
        if (!octet_is(o, CLASS_TOKEN))
            return bad(a, "a field without a name");
        keep_octet(a, o);
        return ANSWER_MORE;
    case NAME:
        if (o == ':') {
            a->field = field_of(a);
            a->text_size = 0;
            a->state = VALUE;
        } else if (!octet_is(o, CLASS_TOKEN)) {
            return bad(a, "a field's name that is none");
        } else {
            keep_octet(a, o);
        }
        return ANSWER_MORE;
    case VALUE:
        if (o == '\r') {
            a->state = LINE_LF;
            return end_line(a);
        }
        if (!is_text(o))
            return bad(a, "a control octet in a field");
        if (a->field != FIELD_OTHER && (a->text_size > 0 || (o != ' ' && o != '\t')))
            keep_octet(a, o);
        return ANSWER_MORE;
    default:
        return o == '\n' ? end_head(a, wanted) : bad(a, "a CR without its LF");
    }
}

static enum answer_result feed_head(struct answer *a, const struct answer_wanted *wanted,
                                    const char *bytes, size_t size, size_t *used)
{
    enum answer_result result = ANSWER_MORE;
    size_t i = 0;
    while (i < size && result == ANSWER_MORE && a->state < CONTENT) {
        if (++a->head_size > ANSWER_HEAD_MAX)
            return bad(a, "a head of more than 64 KiB");
        result = a->state < LINE_LF ? step_status_line(a, bytes[i]) : step_field(a, wanted, bytes[i]);
        i++;
    }
    *used = i;
    return result;
}

/* ── Heads that were seen before ──────────────────────────────────────────────────────────────────────────── */

static bool is_known(const struct answer_known *known, const char *bytes, size_t size)
{
    return known->size != 0 && size >= known->size && memcmp(bytes, known->head, known->size) == 0;
}

static enum answer_result recognise(struct answer *a, const struct answer_wanted *wanted)
{
    const struct answer_known *known = wanted->known;
    a->status = known->status;
    a->framing = known->framing;
    a->close = known->close;
    a->left = known->length;
    a->head_size = known->size;
    return enter_content(a, wanted);
}

static void remember(const struct answer *a, struct answer_known *known, const char *bytes, size_t size)
{
    if (size > ANSWER_KNOWN_MAX || a->head_size != size)
        return; /* too long, or behind an interim one */
    known->size = (uint32_t)size;
    known->status = a->status;
    known->framing = a->framing;
    known->close = a->close;
    known->length = a->left;
    memcpy(known->head, bytes, size);
}

enum answer_result leat__answer_feed(struct answer *a, const struct answer_wanted *wanted,
                                     char *bytes, size_t size, size_t *used)
{
    enum answer_result result = ANSWER_MORE;
    size_t head = 0;
    *used = 0;
    if (a->state < CONTENT) {
        bool whole = !answer_has_begun(a);
        if (whole && wanted->known != NULL && LIKELY(is_known(wanted->known, bytes, size))) {
            result = recognise(a, wanted);
            head = wanted->known->size;
        } else {
            result = feed_head(a, wanted, bytes, size, &head);
            if (whole && wanted->known != NULL && a->state >= CONTENT && result != ANSWER_BAD)
                remember(a, wanted->known, bytes, head);
        }
    }
    *used = head;
    if (result != ANSWER_MORE || head == size)
        return result;
    size_t taken = 0;
    result = feed_content(a, wanted, bytes + head, size - head, &taken);
    *used = head + taken;
    return result;
}

enum answer_result leat__answer_end(struct answer *a, const struct answer_wanted *wanted)
{
    if (a->state == CONTENT && a->framing == BY_CLOSE)
        return finish(a, wanted);
    return bad(a, "the connection ended within it");
}
