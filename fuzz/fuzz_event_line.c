/* fuzz_event_line.c: any octets as a message and its fields, broken heads of fields among them: through the ring, and into a
 * line of text and of JSON. Each is one line without controls; the text is UTF-8, the JSON's strings too, and its quotes pair
 * up. */
#include "base/json_text.h"
#include "observe/event_inside.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static char line[EVENT_LINE_MAX], scratch[EVENT_LINE_MAX], told[EVENT_TOLD_MAX];
static char memory[EVENT_MESSAGE_MAX + EVENT_FIELDS_MAX];

static void must(bool holds)
{
    if (!holds)
        abort();
}

static void check_text(const char *text, size_t size)
{
    for (size_t i = 0, one; i < size; i += one)
        must((unsigned char)text[i] >= ' ' && text[i] != 0x7f &&
             leat__utf8_take(text + i, size - i, &one));
}

static void check_json(size_t size)
{
    bool in_string = false;
    must(size > 2 && memcmp(line, "{\"time\":\"", 9) == 0 && memcmp(line + size - 2, "}\n", 2) == 0);
    for (size_t i = 0, one; i < size - 2; i += one) {
        must((unsigned char)line[i] >= ' ' && leat__utf8_take(line + i, size - i, &one));
        if (in_string && line[i] == '\\')
            one = 2;
        else if (line[i] == '"')
            in_string = !in_string;
        else if (!in_string)
            must(strchr("{:,-0123456789", line[i]) != NULL);
    }
    must(!in_string);
}

static void check(const struct event_record *record)
{
    struct event_style style = {EVENT_TEXT, false};
    size_t size = leat__event_line_write(line, &style, record);
    must(size <= EVENT_LINE_MAX && line[size - 1] == '\n');
    check_text(line, size - 1);
    style.is_journal = true;
    size = leat__event_line_write(line, &style, record);
    must(size > 4 && line[0] == '<' && line[2] == '>');
    check_text(line, size - 1);
    style.format = EVENT_JSON;
    check_json(leat__event_line_write(line, &style, record));
    leat__event_tell(told, scratch, record);
    check_text(told, strnlen(told, sizeof told - 1));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct event_record record = {.area = "area", .kind = EVENT_UNLIMITED}, taken;
    if (size < 11)
        return 0;
    memcpy(&record.time_ms, data, 8);
    record.level = (uint8_t)(LEAT_LOG_ERROR + data[8] % LEAT_LOG_DEBUG);
    size_t fields = size_min(data[9] | (size_t)data[10] << 8, EVENT_FIELDS_MAX);
    data += 11;
    size -= 11;
    fields = size_min(fields, size);
    record.fields = (const char *)data;
    record.fields_size = (uint32_t)fields;
    record.message = (const char *)data + fields;
    record.message_size = (uint32_t)size_min(size - fields, EVENT_MESSAGE_MAX);
    check(&record);
    must(leat__event_ring_put(&record));
    must(leat__event_ring_take(&taken, memory));
    must(leat__event_ring_is_empty());
    must(taken.time_ms == record.time_ms && taken.level == record.level &&
         taken.message_size == record.message_size && taken.fields_size == record.fields_size &&
         memcmp(taken.message, record.message, record.message_size) == 0 &&
         memcmp(taken.fields, record.fields, record.fields_size) == 0);
    check(&taken);
    return 0;
}
