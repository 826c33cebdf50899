/* log.c: lines of the event log that are about a request (leat/log.h). Names of fields are everybody's: request_id, method,
 * route. The route is told by its pattern, as it was registered: what a client sent would be one more thing to be careful
 * with, and a pattern can be counted. */
#define _GNU_SOURCE /* strerrordesc_np */
#include "exchange/exchange.h"
#include "observe/events.h"
#include <stdarg.h>
#include <stdio.h>

enum { REQUEST_ID_MAX = 128 };

static void put_text(struct event_fields *fields, const char *name, const char *text)
{
    leat__event_field_text(fields, name, text, strlen(text));
}

void leat__exchange_tell(const struct leat_exchange *x, struct event_fields *fields)
{
    event_fields_init(fields);
    if (x == NULL)
        return;
    const struct http1_head *head = &x->head;
    if (x->notes != NULL && x->notes->request_id != NULL)
        leat__event_field_text(fields, "request_id", x->notes->request_id,
                               strnlen(x->notes->request_id, REQUEST_ID_MAX));
    if (x->bytes != NULL && head->method_size > 0)
        leat__event_field_text(fields, "method", x->bytes + head->method_at,
                               size_min(head->method_size, ACCESS_METHOD_MAX));
    if (x->link != NULL && x->chain->pattern != NULL && x->chain->pattern[0] != '\0')
        put_text(fields, "route", x->chain->pattern);
}

void leat_log_x(leat_exchange *x, enum leat_log_level level, const char *format, ...)
{
    struct event_fields fields;
    va_list arguments;
    va_start(arguments, format);
    leat__exchange_tell(x, &fields);
    leat__event_print(level, &fields, format, arguments);
    va_end(arguments);
}

void leat_log_fields(leat_exchange *x, enum leat_log_level level, const char *message,
                     const leat_log_field *fields, size_t count)
{
    struct event_fields all;
    leat__exchange_tell(x, &all);
    for (size_t i = 0; i < count; i++) {
        const char *name = fields[i].name != NULL ? fields[i].name : "";
        if (fields[i].text != NULL)
            put_text(&all, name, fields[i].text);
        else
            leat__event_field_int(&all, name, fields[i].number);
    }
    leat__event_text(level, message != NULL ? message : "", &all);
}

void leat__exchange_tell_failure(struct leat_exchange *x)
{
    struct event_fields fields;
    int error = x->way.failure;
    const char *what = error != 0 ? strerrordesc_np(error) : NULL;
    leat__exchange_tell(x, &fields);
    leat__event_with(EVENT_HANDLER_FAILED, &fields, "answered %u%s%s", x->response.status,
                     what != NULL ? ": " : "", what != NULL ? what : "");
}
