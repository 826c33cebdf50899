/* admin.h: the admin listener: what a server shows of itself, on an address of its own (--admin), served by a server of its
 * own: one thread, its own small memory (a row of the plan). So it answers when the server proper is full or stuck, and
 * whatever is asked of it costs the requests nothing but processor time.
 *
 *     /leat/        the live page (page.c), and what it shows: live.json, events (live.c)
 *     /metrics      for Prometheus (metrics_text.c, families.c)
 *     /healthz      200: the process answers (health.c)
 *     /readyz       200: it takes requests; 503: it drains, or is overloaded (health.c)
 *
 * Where the address is one that others reach, everything but the two probes wants a token (guard.c). */
#ifndef LEAT_ADMIN_H
#define LEAT_ADMIN_H

#include "admin/look.h"

enum {
    ADMIN_CONNECTIONS = 64,
    ADMIN_EXCHANGES = 32,
    ADMIN_WRITE_MS = 10000,
    ADMIN_TEXTS = 8, /* of /metrics, that there is room for at once */
    ADMIN_TOKEN_MAX = 256,
    ADMIN_PORT = 9464, /* of localhost, when nothing is said */
};

struct admin {
    leat_app *app;
    struct looker *looker;
    struct metrics_text *metrics;    /* metrics_text.c */
    struct live *live;               /* what the live page is shown */
    const char *name;                /* the program's */
    bool is_default;                 /* its address: another port is taken when that is in use */
    char token[ADMIN_TOKEN_MAX + 1]; /* "": none is wanted */
    struct config config;            /* of its server */
};

/* At start, behind all that the program registers with app. NULL with an empty line: config says off; with a line of error:
 * what is wrong with the address or the token. */
struct admin *leat__admin_create(const struct config *config, const leat_app *app, const char *name,
                                 char *error, size_t error_size);
/* Before its server starts: what there is to be seen. */
void leat__admin_begin(struct admin *admin, const struct look_source *source);
/* What its server's plan adds to ours: all but what the process has anyway. */
uint64_t leat__admin_bytes(const struct plan *plan);
void leat__admin_destroy(struct admin *admin); /* takes NULL; with its app, behind its server */

/* Middleware: lets those through who may see (data: the admin). */
void leat__admin_guard(leat_exchange *x);
/* Adds what makes browsers careful with the page, for all of the app. */
void leat__admin_careful(leat_app *app);

/* Handlers (data: the admin). */
void leat__admin_healthz(leat_exchange *x);
void leat__admin_readyz(leat_exchange *x);
void leat__admin_sign_in(leat_exchange *x); /* who sends the form that the guard shows */
/* Registers its own. */
void leat__admin_add_metrics(struct admin *admin, leat_app *group, const leat_app *looked_at);
void leat__admin_add_page(leat_app *app, leat_app *guarded);
void leat__admin_add_live(struct admin *admin, leat_app *group);

struct live *leat__live_create(struct looker *looker); /* at start; leat__start_free */

#endif
