/* fuzz_access_line.c: any octets as what a client sent; through the ring and into a line of each format. It must be one
 * line of printable ASCII, whose quotes pair up, and that gives back the texts when its escapes are undone. */
#include "base/json_text.h"
#include "observe/access_inside.h"

#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct access_ring ring;
static char memory[ACCESS_RECORD_MAX], line[ACCESS_LINE_MAX];
static struct access_style styles[3];

static void must(bool holds)
{
    if (!holds)
        abort();
}

static void start_once(void)
{
    static struct region region;
    if (region.base != NULL)
        return;
    must(leat__region_create(&region, ACCESS_RING_MIN, REGION_RESERVE) == 0);
    leat__access_ring_init(&ring, &region, ACCESS_RING_MIN);
    leat__access_style_init(&styles[0], ACCESS_COMMON, 0);
    leat__access_style_init(&styles[1], ACCESS_COMBINED, 0);
    leat__access_style_init(&styles[2], ACCESS_JSON, 0);
}

/* The next piece of the input: two octets say how much. */
static struct access_text next(const uint8_t **data, size_t *size)
{
    if (*size < 2)
        return (struct access_text){NULL, 0};
    size_t wanted = (*data)[0] | (size_t)(*data)[1] << 8;
    *data += 2;
    *size -= 2;
    struct access_text text = {(const char *)*data, size_min(wanted % 4096, *size)};
    *data += text.size;
    *size -= text.size;
    return text;
}

static unsigned hex(char digit)
{
    must((digit >= '0' && digit <= '9') || (digit >= 'a' && digit <= 'f'));
    return (unsigned)(digit <= '9' ? digit - '0' : digit - 'a' + 10);
}

/* Undoes the escapes of a text at *at, up to a quote or so many octets, and compares. */
static void expect_text(const char **at, const char *end, const char *text, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        must(*at < end);
        unsigned octet = (unsigned char)*(*at)++;
        if (octet == '\\') {
            must(*at < end);
            octet = (unsigned char)*(*at)++;
            if (octet == 'x') {
                must(end - *at >= 2);
                octet = hex((*at)[0]) << 4 | hex((*at)[1]);
                *at += 2;
                must(octet < 0x20 || octet >= 0x7f);
            } else {
                must(octet == '"' || octet == '\\');
            }
        } else {
            must(octet != '"');
        }
        must(octet == (unsigned char)text[i]);
    }
}

static void expect(const char **at, const char *end, const char *word)
{
    size_t size = strlen(word);
    must((size_t)(end - *at) >= size && memcmp(*at, word, size) == 0);
    *at += size;
}

static void expect_quoted(const char **at, const char *end, struct access_text text)
{
    expect(at, end, "\"");
    if (text.size == 0)
        expect(at, end, "-");
    expect_text(at, end, text.data, size_min(text.size, ACCESS_TEXT_MAX));
    expect(at, end, "\"");
}

/* In a line every quote that is not escaped begins or ends a text. */
static void expect_one_line(size_t size, unsigned quotes)
{
    must(size > 0 && size <= ACCESS_LINE_MAX && line[size - 1] == '\n');
    for (size_t i = 0; i < size - 1; i++) {
        must(line[i] >= ' ' && line[i] < 0x7f);
        if (line[i] == '\\')
            i++;
        else
            quotes -= line[i] == '"';
    }
    must(quotes == 0);
}

/* One object, whose strings have no controls and no bare quotes. */
static void check_json(const struct access_record *r)
{
    size_t size = leat__access_line_write(line, &styles[ACCESS_JSON], r);
    bool in_string = false;
    must(size > 2 && size <= ACCESS_LINE_MAX && memcmp(line, "{\"time\":\"", 9) == 0);
    must(memcmp(line + size - 2, "}\n", 2) == 0);
    for (size_t i = 0, one; i < size - 2; i += one) {
        must((unsigned char)line[i] >= ' ' && leat__utf8_take(line + i, size - i, &one));
        if (in_string && line[i] == '\\')
            one = 2;
        else if (line[i] == '"')
            in_string = !in_string;
        else if (!in_string)
            must(strchr("{:,.0123456789", line[i]) != NULL);
    }
    must(!in_string);
}

static void check_line(const struct access_record *r, enum access_format format)
{
    size_t size = leat__access_line_write(line, &styles[format], r);
    expect_one_line(size, format == ACCESS_COMBINED ? 6 : 2);
    const char *at = line, *end = line + size;
    if (r->host[0] == '\0')
        expect(&at, end, "-");
    expect_text(&at, end, r->host, strnlen(r->host, sizeof r->host));
    expect(&at, end, " - - [");
    must(end - at > ACCESS_TIME_SIZE);
    at += ACCESS_TIME_SIZE - 1;
    expect(&at, end, " \"");
    if (r->method.size == 0 || r->target.size == 0) {
        expect(&at, end, "-\" ");
    } else {
        expect_text(&at, end, r->method.data, size_min(r->method.size, ACCESS_METHOD_MAX));
        expect(&at, end, " ");
        expect_text(&at, end, r->target.data, size_min(r->target.size, ACCESS_TEXT_MAX));
        expect(&at, end, r->minor % 10 == 0 ? " HTTP/1.0\" " : " HTTP/1.1\" ");
    }
    char numbers[32];
    snprintf(numbers, sizeof numbers, "%u %llu", r->status, (unsigned long long)r->octets);
    expect(&at, end, numbers);
    if (format == ACCESS_COMBINED) {
        expect(&at, end, " ");
        expect_quoted(&at, end, r->referer);
        expect(&at, end, " ");
        expect_quoted(&at, end, r->user_agent);
    }
    expect(&at, end, "\n");
    must(at == end);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    start_once();
    struct access_record sent = {0}, taken;
    if (size < sizeof sent.host + 18)
        return 0;
    memcpy(sent.host, data, sizeof sent.host - 1);
    data += sizeof sent.host;
    memcpy(&sent.time_s, data, 8);
    memcpy(&sent.octets, data + 8, 8);
    sent.status = data[16];
    sent.minor = data[17] % 2;
    data += 18;
    size -= sizeof sent.host + 18;
    sent.method = next(&data, &size);
    sent.target = next(&data, &size);
    sent.referer = next(&data, &size);
    sent.user_agent = next(&data, &size);
    sent.has_details = sent.status % 2 == 1;
    if (sent.has_details) {
        sent.time_ms = sent.time_s;
        sent.ticks = sent.octets;
        sent.route = next(&data, &size);
        sent.request_id = next(&data, &size);
        sent.principal = next(&data, &size);
    }
    check_json(&sent);
    check_line(&sent, ACCESS_COMBINED);
    must(leat__access_put(&ring, &sent));
    must(leat__access_take(&ring, atomic_load(&ring.head), &taken, memory));
    must(access_ring_is_empty(&ring));
    must(strcmp(taken.host, sent.host) == 0 && taken.time_s == sent.time_s);
    check_line(&taken, ACCESS_COMMON);
    check_line(&taken, ACCESS_COMBINED);
    check_json(&taken);
    return 0;
}
