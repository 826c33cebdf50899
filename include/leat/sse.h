/* sse.h: Server-Sent Events (WHATWG HTML, "Server-sent events"): a response that does not end, of events that a browser's
 * EventSource takes as they come, and asks for again when the connection breaks.
 *
 *     static void news(leat_exchange *x)
 *     {
 *         int64_t at = atoll(leat_sse_last_id(x));       // where this client left off; 0: a new one
 *         leat_sse_begin(x);
 *         do {
 *             at++;
 *             leat_event event = {.id = leat_printf(x, "%lld", (long long)at), .data = "news"};
 *             if (leat_sse_send(x, &event) < 0)
 *                 return;                                // the client has gone
 *         } while (leat_sleep_ms(1000) == 0);
 *     }
 *
 * A handler like this holds a stack and an exchange for as long as its client stays: --tasks and --exchanges bound how many
 * there are. Memory of leat_printf and leat_alloc stays until the response ends: what is made for each event, for ever,
 * belongs in a local array. */
#ifndef LEAT_SSE_H
#define LEAT_SSE_H

#include "leat/leat.h"

#ifdef __cplusplus
extern "C" {
#endif

/* What is zero is left out. Text is UTF-8. */
typedef struct leat_event {
    const char *id;    /* one line: what leat_sse_last_id says after a reconnection */
    const char *event; /* one line: its type; browsers take none for "message" */
    const char *data; /* any number of lines; "": an event without text; NULL: nothing is dispatched */
    int64_t retry_ms; /* how long the client waits before it connects again, from now on; 0: not said */
} leat_event;

/* 200, text/event-stream, with Cache-Control: no-store, and X-Accel-Buffering: no for proxies. The head goes out at once.
 * As leat_begin. */
LEAT_API int leat_sse_begin(leat_exchange *x);

/* One event, on its way when this returns; waits while the client is slower than the handler. 0; -EINVAL: a line end in id
 * or event, or a negative retry_ms: nothing was sent; -EPERM: no leat_sse_begin; -ECONNRESET (also for HEAD, which has no
 * reader), -ECANCELED: the client is gone; -ETIMEDOUT. */
LEAT_API int leat_sse_send(leat_exchange *x, const leat_event *event);

/* A comment, which clients ignore: now and then it keeps proxies from closing a quiet connection, and finds out whether
 * the client is still there. text may be NULL, or have several lines. As leat_sse_send. */
LEAT_API int leat_sse_comment(leat_exchange *x, const char *text);

/* What the client has seen last (Last-Event-ID); "": nothing. In the arena. */
LEAT_API const char *leat_sse_last_id(leat_exchange *x);

#ifdef __cplusplus
}
#endif

#endif
