/* hooks.h: functions that are called at turning points, errors that people can act on, and notes on a request.
 *
 *     static void show_error(leat_exchange *x, int status, void *argument)
 *     {
 *         (void)argument;
 *         if (status == 404)
 *             leat_text(x, 404, "Nothing here. Try /help\n");
 *     }
 *
 *     leat_on_error(app, show_error, NULL);
 *
 * Hooks belong to the whole app, whichever group they are registered on. Of each kind there may be 16; they are called in
 * the order of registration, on every shard: what their argument points to must be thread-safe. Before the start. */
#ifndef LEAT_HOOKS_H
#define LEAT_HOOKS_H

#include "leat/leat.h"

#ifdef __cplusplus
extern "C" {
#endif

/* ── Connections ── */

typedef struct leat_connection leat_connection; /* one that has just been accepted; valid during the hook */

/* function is called when a connection was accepted; false: it is closed without a word, and later hooks are not asked.
 * It must be quick: the shard stands still meanwhile. */
LEAT_API void leat_on_connect(leat_app *app,
                              bool (*function)(const leat_connection *connection, void *argument),
                              void *argument);
/* Address of who connected, as leat_peer writes it: behind a balancer the balancer, even where it will tell the client's by
 * the PROXY protocol. "unix:" for a client on this machine. */
LEAT_API const char *leat_connection_peer(const leat_connection *connection);
LEAT_API int leat_connection_port(const leat_connection *connection); /* the client's; 0: none */
/* Which of the server's listeners took it: 0 is the first that was given. "localhost" stands for two. */
LEAT_API unsigned leat_connection_listener(const leat_connection *connection);

/* ── Errors ── */

/* function is called for every error (400 and up) that Leat answers with itself (404, 405, 413, 503 …) or that was made by
 * leat_problem or leat_fail, once, when all middleware has returned and the response is about to be written. It may answer
 * anew (leat_text, leat_bytes …), set fields, or count. It runs outside of the handler's task: nothing in it can wait. Of a
 * request that could not be read, the target and fields may be empty.
 *
 * An error that no hook answers anew is told as problem details (RFC 9457) in JSON, or as a small page to a client whose
 * Accept names text/html and does not prefer JSON. An answer that a handler made by other means is no error to Leat. The
 * 503 for a connection that there is no memory for goes out without a hook. */
LEAT_API void leat_on_error(leat_app *app,
                            void (*function)(leat_exchange *x, int status, void *argument),
                            void *argument);

/* Answers with the problem that a negative errno stands for: -EINVAL 400, -EACCES and -EPERM 403, -ENOENT 404, -EEXIST 409,
 * -EMSGSIZE 413, -EAGAIN, -EBUSY, -ECANCELED and -ENOMEM 503, -ETIMEDOUT 504, others 500. */
LEAT_API void leat_fail(leat_exchange *x, int error);

/* function is called when a handler has overrun its time (leat_timeout), after it has returned and before its error is
 * made. */
LEAT_API void leat_on_deadline(leat_app *app, void (*function)(leat_exchange *x, void *argument),
                               void *argument);

/* ── Notes on a request ── */

/* Who asks, as authentication has found out; NULL: nobody has said. The name is copied. 0, -ENOMEM. */
LEAT_API const char *leat_principal(leat_exchange *x);
LEAT_API int leat_set_principal(leat_exchange *x, const char *name);
/* The request's id, where leat_request_ids is used; "" elsewhere. */
LEAT_API const char *leat_request_id(leat_exchange *x);

/* A field that counts only if the response, when its head is made, has no other of its name: a handler that comes behind may
 * set its own, and need not know. Of two defaults the later counts. As leat_field_set. */
LEAT_API int leat_field_default(leat_exchange *x, const char *name, const char *value);

#ifdef __cplusplus
}
#endif

#endif
