/* session.h: sessions: what a server remembers of a client between its requests, found by a random id in a cookie.
 *
 *     struct visitor { uint32_t user; char name[32]; };
 *
 *     leat_sessions_create(app, sizeof(struct visitor), NULL);          // before the routes are served
 *
 *     static void login(leat_exchange *x)
 *     {
 *         if (leat_session_begin(x) < 0 || leat_session_renew(x) < 0) { // a new id: the old one may be known to others
 *             leat_problem(x, 503, NULL);
 *             return;
 *         }
 *         struct visitor *visitor = leat_session_data(x);
 *         visitor->user = 7;
 *         leat_redirect(x, 303, "/");
 *     }
 *
 *     static void page(leat_exchange *x)
 *     {
 *         struct visitor *visitor = leat_session_data(x);
 *         leat_text(x, 200, "%u\n", visitor != NULL ? visitor->user : 0);
 *     }
 *
 * Data is a plain struct without pointers, of one size. A request works on a copy in its arena; what it has changed is
 * written back when its handlers have ended. When another request of the same client has written in between, its version
 * stays and ours is lost (counted): where that matters call leat_session_save, and look at its answer.
 *
 * Ids have 128 random bits. The cookie is HttpOnly and SameSite=Lax, and unless plain_http is set it is Secure, with the
 * prefix __Host- (RFC 6265bis). Ids that clients make up are never taken over. */
#ifndef LEAT_SESSION_H
#define LEAT_SESSION_H

#include "leat/leat.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct leat_sessions leat_sessions; /* all sessions of an app, and where they are kept */

enum { LEAT_SESSION_ID = 33 /* octets of an id as text, with its NUL */ };

/* Where sessions are kept instead of in this server's memory: called on handlers' stacks, they may wait. size is the same
 * for all, and more than the data's. Each answers 0 or a negative errno; load -ENOENT where there is none. A session that
 * was not saved for idle_ms may be forgotten. */
typedef struct leat_session_store {
    int (*load)(void *argument, const char *id, void *bytes, size_t size);
    int (*save)(void *argument, const char *id, const void *bytes, size_t size, int64_t idle_ms);
    int (*remove)(void *argument, const char *id);
    void *argument;
} leat_session_store;

/* Zero means the default. */
typedef struct leat_sessions_options {
    const char *cookie;    /* its name, without the prefix; default "session" */
    uint32_t count;        /* sessions at once; default 10,000 */
    int64_t idle_ms;       /* one that was not used for so long ends; default 30 minutes */
    int64_t absolute_ms;   /* … and one that is so old, in any case; default 12 hours */
    bool plain_http;       /* the site is not behind TLS */
    bool persistent;       /* the cookie outlives the browser, for absolute_ms */
    bool refuse_when_full; /* else the one that was not used for longest makes room */
    const leat_session_store *store; /* copied; NULL: in memory, which is a row of the plan */
} leat_sessions_options;

/* For the routes of app and of its groups. size: bytes of each one's data, at most 16 KiB. Before the start; goes with app. */
LEAT_API leat_sessions *leat_sessions_create_sized(leat_app *app, size_t size,
                                                   const leat_sessions_options *options,
                                                   size_t options_size);
static inline leat_sessions *leat_sessions_create(leat_app *app, size_t size,
                                                  const leat_sessions_options *options)
{
    return leat_sessions_create_sized(app, size, options, sizeof(leat_sessions_options));
}

/* This request's copy, aligned to 16; NULL: the client has no session (or the store did not answer). */
LEAT_API void *leat_session_data(leat_exchange *x);
/* Begins one, all zero, where there is none; sets the cookie. 0; -ENOSPC: the table is full; -EALREADY: the response has
 * begun; -EPERM: no leat_sessions_create for this route; -ENOMEM; what the store says. */
LEAT_API int leat_session_begin(leat_exchange *x);
/* The same session by a new id: at a login, and wherever rights change. -ENOENT: there is none; else as begin. */
LEAT_API int leat_session_renew(leat_exchange *x);
/* Writes the copy now. 0; -EAGAIN: another request has written since: the copy is its version now, do yours again; -ENOENT:
 * the session has ended meanwhile; what the store says. */
LEAT_API int leat_session_save(leat_exchange *x);
/* Ends it, and has the client forget the cookie. 0, also when there is none; -EALREADY: it has ended, but the client has
 * the cookie still; what the store says. */
LEAT_API int leat_session_end(leat_exchange *x);

typedef struct leat_session_counts {
    uint64_t live; /* now, with those that have expired unseen */
    uint64_t begun, expired, evicted, refused, conflicts;
} leat_session_counts;

/* What holds at this moment; counts_size is sizeof *counts. */
LEAT_API void leat_sessions_count(leat_sessions *sessions, leat_session_counts *counts,
                                  size_t counts_size);

#ifdef __cplusplus
}
#endif

#endif
