/* sse.c: Server-Sent Events: see leat/sse.h. The format is lines "name: value" and an empty one behind each event; a client
 * takes CR, LF and CRLF for line ends, so data is split at all three, and id and event may have none of them. The blank
 * behind the colon is always there: the client takes exactly one away, so a value keeps those of its own. */
#include "exchange/exchange.h"
#include "leat/sse.h"
#include <errno.h>

static int write_text(struct leat_exchange *x, const char *text)
{
    return leat_write(x, text, strlen(text));
}

static int write_line(struct leat_exchange *x, const char *name, const char *value, size_t size)
{
    int error = write_text(x, name);
    if (error == 0)
        error = leat_write(x, value, size);
    return error < 0 ? error : leat_write(x, "\n", 1);
}

/* A line for each line of text, the last one too when it is empty. */
static int write_lines(struct leat_exchange *x, const char *name, const char *text)
{
    for (;;) {
        size_t size = strcspn(text, "\r\n");
        int error = write_line(x, name, text, size);
        if (error < 0 || text[size] == '\0')
            return error;
        text += size + (text[size] == '\r' && text[size + 1] == '\n' ? 2 : 1);
    }
}

static bool is_one_line(const char *text)
{
    return text == NULL || text[strcspn(text, "\r\n")] == '\0';
}

int leat_sse_begin(leat_exchange *x)
{
    leat_field_set(x, "Cache-Control", "no-store");
    leat_field_set(x, "X-Accel-Buffering", "no");
    int error = leat_begin(x, 200, "text/event-stream");
    if (error == 0 && !x->way.is_sse) {
        x->way.is_sse = true;
        metrics_add(&x->common->metrics->sse_begun, 1);
    }
    return error < 0 ? error : leat_flush(x);
}

/* Whether somebody reads. */
static int check(const struct leat_exchange *x)
{
    if (x->way.stream == STREAM_NONE)
        return -EPERM;
    return x->way.stream == STREAM_BARE ? -ECONNRESET : 0;
}

static int finish(struct leat_exchange *x)
{
    int error = leat_write(x, "\n", 1);
    return error < 0 ? error : leat_flush(x);
}

int leat_sse_send(leat_exchange *x, const leat_event *event)
{
    int error = check(x);
    if (error < 0)
        return error;
    if (!is_one_line(event->id) || !is_one_line(event->event) || event->retry_ms < 0)
        return -EINVAL;
    if (event->event != NULL)
        error = write_line(x, "event: ", event->event, strlen(event->event));
    if (error == 0 && event->data != NULL)
        error = write_lines(x, "data: ", event->data);
    if (error == 0 && event->id != NULL)
        error = write_line(x, "id: ", event->id, strlen(event->id));
    if (error == 0 && event->retry_ms > 0)
        error = leat_writef(x, "retry: %lld\n", (long long)event->retry_ms);
    return error < 0 ? error : finish(x);
}

int leat_sse_comment(leat_exchange *x, const char *text)
{
    int error = check(x);
    if (error == 0)
        error = write_lines(x, text != NULL && *text != '\0' ? ": " : ":", text != NULL ? text : "");
    return error < 0 ? error : finish(x);
}

const char *leat_sse_last_id(leat_exchange *x)
{
    leat_slice id = leat_field(x, "Last-Event-ID");
    char *copy = id.size > 0 ? leat_alloc(x, id.size + 1) : NULL;
    if (copy == NULL)
        return "";
    memcpy(copy, id.data, id.size);
    copy[id.size] = '\0';
    return copy;
}
