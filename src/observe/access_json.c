/* access_json.c: a record as a line of JSON (RFC 8259), for programs that gather logs. The names are the same as in the event
 * log's lines and in leat/log.h: request_id, method, route. */
#include "observe/access_inside.h"

#include "base/json_text.h"
#include "observe/rfc3339.h"

static char *put(char *out, const char *text)
{
    size_t size = strlen(text);
    memcpy(out, text, size);
    return out + size;
}

static char *put_escaped(char *out, const char *text, size_t size)
{
    const char *end = text + size;
    return out + leat__json_escape(out, size * JSON_UNIT_MAX, &text, end);
}

/* ,"name":"text", unless there is none. */
static char *put_text(char *out, const char *name, struct access_text text, size_t max)
{
    if (text.size == 0)
        return out;
    out = put(put(put(out, ",\""), name), "\":\"");
    out = put_escaped(out, text.data, size_min(text.size, max));
    return put(out, "\"");
}

static char *put_number(char *out, const char *name, uint64_t value)
{
    out = put(put(put(out, ",\""), name), "\":");
    return out + leat__json_uint(out, value);
}

/* Seconds, to the microsecond. */
static char *put_duration(char *out, uint64_t ticks, uint64_t ticks_per_s)
{
    uint64_t rest = (uint64_t)((double)(ticks % ticks_per_s) * 1e6 / (double)ticks_per_s);
    out = put_number(out, "duration_s", ticks / ticks_per_s);
    *out++ = '.';
    for (uint64_t unit = 100000; unit > 0; unit /= 10)
        *out++ = (char)('0' + rest / unit % 10);
    return out;
}

static int64_t time_of(const struct access_record *r)
{
    if (r->has_details)
        return r->time_ms;
    return r->time_s > INT64_MAX / 1000 ? INT64_MAX : r->time_s < 0 ? 0 : r->time_s * 1000;
}

size_t leat__access_json_write(char *out, const struct access_record *r, uint64_t ticks_per_s)
{
    char *at = put(out, "{\"time\":\"");
    leat__rfc3339_write(at, time_of(r));
    at = put(at + RFC3339_SIZE, "\"");
    at = put_text(at, "peer", (struct access_text){r->host, strnlen(r->host, sizeof r->host)},
                  sizeof r->host);
    if (r->method.size > 0 && r->target.size > 0) {
        at = put_text(at, "method", r->method, ACCESS_METHOD_MAX);
        at = put_text(at, "target", r->target, ACCESS_TEXT_MAX);
        at = put(at, r->minor % 10 == 0 ? ",\"protocol\":\"HTTP/1.0\"" : ",\"protocol\":\"HTTP/1.1\"");
    }
    at = put_number(at, "status", r->status);
    at = put_number(at, "octets", r->octets);
    if (r->has_details && r->ticks > 0)
        at = put_duration(at, r->ticks, ticks_per_s);
    if (r->has_details) {
        at = put_text(at, "route", r->route, ACCESS_ROUTE_MAX);
        at = put_text(at, "request_id", r->request_id, ACCESS_NAME_MAX);
        at = put_text(at, "principal", r->principal, ACCESS_NAME_MAX);
    }
    at = put_text(at, "referer", r->referer, ACCESS_TEXT_MAX);
    at = put_text(at, "user_agent", r->user_agent, ACCESS_TEXT_MAX);
    at = put(at, "}\n");
    size_t size = (size_t)(at - out);
    ASSERT_DEBUG(size <= ACCESS_LINE_MAX);
    return size;
}
