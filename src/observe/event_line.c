/* event_line.c: a record as a line of text, or of JSON.
 *
 * People and programs read the text: behind the message come name=value, a value in quotes where it holds more than letters,
 * digits and a few signs. In the message itself quotes stay as they are; controls (those of C1 too, which some terminals
 * obey) and what is not UTF-8 become \xhh, a line end \n: what comes from a client can begin no line and move no cursor. */
#include "observe/event_inside.h"

#include "base/json_text.h"
#include "observe/rfc3339.h"

enum { NAME_ROOM = EVENT_NAME_MAX + 8 };

_Static_assert(EVENT_LINE_MAX >= 6 * (EVENT_MESSAGE_MAX + EVENT_FIELDS_MAX) + 768,
               "whatever is in it");

static const char *const level_names[] = {"", "error", "warning", "notice", "info", "debug"};

const char *leat__event_level_name(enum leat_log_level level)
{
    return level_names[level];
}

static char *put(char *out, const char *text, size_t size)
{
    memcpy(out, text, size);
    return out + size;
}

static char *put_word(char *out, const char *text)
{
    return put(out, text, strlen(text));
}

/* ── Texts ── */

static char *put_octets(char *out, const char *text, size_t size)
{
    static const char digits[] = "0123456789abcdef";
    for (size_t i = 0; i < size; i++) {
        unsigned char octet = (unsigned char)text[i];
        *out++ = '\\';
        if (octet == '\n') {
            *out++ = 'n';
            continue;
        }
        *out++ = 'x';
        *out++ = digits[octet >> 4];
        *out++ = digits[octet & 15];
    }
    return out;
}

static bool is_control(const char *text, size_t size)
{
    unsigned char first = (unsigned char)text[0];
    return first < 0x20 || first == 0x7f ||
           (size == 2 && first == 0xc2 && (unsigned char)text[1] < 0xa0);
}

static char *put_message(char *out, const char *text, size_t size)
{
    for (size_t at = 0, one; at < size; at += one) {
        if (leat__utf8_take(text + at, size - at, &one) && !is_control(text + at, one))
            out = put(out, text + at, one);
        else
            out = put_octets(out, text + at, one);
    }
    return out;
}

static char *put_string(char *out, const char *text, size_t size)
{
    *out++ = '"';
    const char *end = text + size;
    out += leat__json_escape(out, size * JSON_UNIT_MAX, &text, end);
    *out++ = '"';
    return out;
}

/* A value of a text line: as JSON has it, and what terminals obey besides. */
static char *put_quoted(char *out, const char *text, size_t size)
{
    *out++ = '"';
    for (size_t at = 0, one; at < size; at += one) {
        const char *from = text + at;
        bool is_octets = leat__utf8_take(from, size - at, &one) && (unsigned char)*from >= 0x7f &&
                         is_control(from, one);
        if (is_octets)
            out = put_octets(out, from, one);
        else
            out += leat__json_escape(out, JSON_UNIT_MAX, &from, from + one);
    }
    *out++ = '"';
    return out;
}

static bool is_plain(const char *text, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        char c = text[i];
        bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
        if (!letter && (c == '\0' || strchr("-_./:+@~,", c) == NULL))
            return false;
    }
    return size > 0;
}

/* ── Fields ── */

struct field {
    char name[NAME_ROOM];
    const char *value;
    size_t size;
    bool is_number;
    int64_t number;
};

/* A name that is one, and none of the line's own. */
static void make_name(char out[static NAME_ROOM], const char *name, size_t size)
{
    static const char *const taken[] = {"time", "level", "area", "message"};
    size = size_min(size, EVENT_NAME_MAX);
    for (size_t i = 0; i < size; i++) {
        char c = name[i];
        bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
        out[i] = letter || c == '.' || c == '-' ? c : '_';
    }
    out[size] = '\0';
    if (size == 0)
        memcpy(out, "_", 2);
    for (size_t i = 0; i < COUNT_OF(taken); i++)
        if (strcmp(out, taken[i]) == 0)
            memcpy(out + size, "_", 2);
}

/* The next one of at to end; NULL: there is none. Else where the one behind it is. */
static const char *next_field(const char *at, const char *end, struct field *field)
{
    struct event_field_head h;
    if ((size_t)(end - at) < sizeof h)
        return NULL;
    memcpy(&h, at, sizeof h);
    at += sizeof h;
    if ((size_t)(end - at) < (size_t)h.name_size + h.size)
        return NULL;
    make_name(field->name, at, h.name_size);
    field->value = at + h.name_size;
    field->size = h.size;
    field->is_number = h.kind == EVENT_VALUE_INT && h.size == sizeof field->number;
    if (field->is_number)
        memcpy(&field->number, field->value, sizeof field->number);
    return field->value + h.size;
}

/* ── Lines ── */

/* "area: message name=value …" */
static char *put_text(char *out, const struct event_record *r)
{
    struct field field;
    if (r->area != NULL)
        out = put(put_word(out, r->area), ": ", 2);
    out = put_message(out, r->message, r->message_size);
    const char *at = r->fields, *end = at != NULL ? at + r->fields_size : NULL;
    while (at != NULL && (at = next_field(at, end, &field)) != NULL) {
        *out++ = ' ';
        out = put_word(out, field.name);
        *out++ = '=';
        if (field.is_number)
            out += leat__json_int(out, field.number);
        else if (is_plain(field.value, field.size))
            out = put(out, field.value, field.size);
        else
            out = put_quoted(out, field.value, field.size);
    }
    return out;
}

static char *put_json(char *out, const struct event_record *r)
{
    struct field field;
    out = put_word(out, "{\"time\":\"");
    leat__rfc3339_write(out, r->time_ms);
    out = put_word(out + RFC3339_SIZE, "\",\"level\":\"");
    out = put_word(out, level_names[r->level]);
    out = put_word(out, "\",\"area\":\"");
    out = put_word(out, r->area != NULL ? r->area : "program");
    out = put_word(out, "\",\"message\":");
    out = put_string(out, r->message, r->message_size);
    const char *at = r->fields, *end = at != NULL ? at + r->fields_size : NULL;
    while (at != NULL && (at = next_field(at, end, &field)) != NULL) {
        *out++ = ',';
        out = put_string(out, field.name, strlen(field.name));
        *out++ = ':';
        if (field.is_number)
            out += leat__json_int(out, field.number);
        else
            out = put_string(out, field.value, field.size);
    }
    *out++ = '}';
    return out;
}

size_t leat__event_line_write(char out[static EVENT_LINE_MAX], const struct event_style *style,
                              const struct event_record *r)
{
    static const char priorities[] = "034567"; /* sd-daemon(3), by level */
    char *at = out;
    if (style->format == EVENT_JSON) {
        at = put_json(at, r);
    } else if (style->is_journal) {
        *at++ = '<';
        *at++ = priorities[r->level];
        *at++ = '>';
        at = put_text(at, r);
    } else {
        leat__rfc3339_write(at, r->time_ms);
        at += RFC3339_SIZE;
        *at++ = ' ';
        at = put_word(at, level_names[r->level]);
        *at++ = ' ';
        at = put_text(at, r);
    }
    *at++ = '\n';
    ASSERT((size_t)(at - out) <= EVENT_LINE_MAX);
    return (size_t)(at - out);
}

void leat__event_tell(char out[static EVENT_TOLD_MAX], char scratch[static EVENT_LINE_MAX],
                      const struct event_record *record)
{
    size_t size = (size_t)(put_text(scratch, record) - scratch);
    if (size > EVENT_TOLD_MAX - 1) {
        size = EVENT_TOLD_MAX - 4;
        while (size > 0 && ((unsigned char)scratch[size] & 0xc0) == 0x80)
            size--;
        memcpy(scratch + size, "\xe2\x80\xa6", 3);
        size += 3;
    }
    memcpy(out, scratch, size);
    out[size] = '\0';
}
