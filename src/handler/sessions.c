/* sessions.c: see leat/session.h. The middleware only leaves a note on the request; a session is looked for when a handler
 * asks for it, and written back, if it was changed, behind the handlers. In memory (session_table.c) or by the program's
 * store: what a store keeps is the time of the beginning, and the data behind it. */
#include "leat/session.h"
#include "exchange/exchange.h"
#include "handler/session_table.h"
#include "leat/cookie.h"
#include "memory/seal.h"
#include <errno.h>
#include <stdatomic.h>
#include <stdio.h>
#include <strings.h>
#include <sys/random.h>

enum {
    DATA_MAX = 16384,
    COUNT = 10000,
    COUNT_MAX = 1 << 26,
    IDLE_MS = 30 * 60 * 1000,
    ABSOLUTE_MS = 12 * 3600 * 1000,
    NAME_MAX_SIZE = 64,
    COOKIES_MAX = 4, /* of our name, that are tried */
    RANDOM_POOL = 256,
};

#define HOST_PREFIX "__Host-"

struct leat_sessions {
    char *name; /* of the cookie, whole */
    size_t size;
    bool plain_http, persistent;
    int64_t idle_ms, absolute_ms;
    leat_session_store store; /* load NULL: the table */
    struct session_table table;
    void *memory;
};

/* What a store keeps; the copy of every request lies so. */
struct kept {
    int64_t created_s; /* Unix time */
    int64_t unused;
    char data[];
};

/* A request's note. */
struct session_use {
    struct leat_sessions *sessions;
    struct session_id id;
    struct kept *kept;  /* NULL: there is no session */
    char *before;       /* data as it was loaded or written last */
    uint64_t version;   /* of the table */
    int64_t created_ms; /* by the loop's clock */
    int error;          /* of the store, when it was asked */
    bool looked;
};

/* ── At start ── */

static void destroy(void *thing)
{
    struct leat_sessions *s = thing;
    if (s->memory != NULL)
        leat__session_table_finish(&s->table);
    leat__start_free(s->memory);
    leat__start_free(s->name);
    leat__start_free(s);
}

static void make_name(leat_app *app, struct leat_sessions *s, const char *name)
{
    size_t size = sizeof HOST_PREFIX + strlen(name);
    if (!leat__http1_is_token(name, strlen(name)) || strlen(name) > NAME_MAX_SIZE)
        leat__app_error(app, "leat_sessions_create: \"%s\" is no cookie's name", name);
    s->name = leat__start_alloc(size);
    snprintf(s->name, size, "%s%s", s->plain_http ? "" : HOST_PREFIX, name);
}

static void make_table(leat_app *app, struct leat_sessions *s, uint32_t count, bool refuses)
{
    size_t footprint = leat__session_table_footprint(count, s->size);
    s->memory = leat__start_alloc(footprint);
    leat__app_count_table(app, footprint);
    leat__session_table_init(&s->table, s->memory, count, s->size);
    s->table.idle_ms = s->idle_ms;
    s->table.absolute_ms = s->absolute_ms;
    s->table.refuses = refuses;
}

static void serve(leat_exchange *x);

leat_sessions *leat_sessions_create_sized(leat_app *app, size_t size,
                                          const leat_sessions_options *options, size_t options_size)
{
    leat_sessions_options o = {0};
    if (options != NULL)
        memcpy(&o, options, size_min(options_size, sizeof o));
    struct leat_sessions *s = leat__start_alloc(sizeof *s);
    uint32_t count = o.count != 0 ? o.count : COUNT;
    s->size = size;
    s->plain_http = o.plain_http;
    s->persistent = o.persistent;
    s->idle_ms = o.idle_ms != 0 ? o.idle_ms : IDLE_MS;
    s->absolute_ms = o.absolute_ms != 0 ? o.absolute_ms : ABSOLUTE_MS;
    make_name(app, s, o.cookie != NULL ? o.cookie : "session");
    leat__app_keep(app, s, destroy);
    leat_use_with(app, serve, s);
    if (o.store != NULL)
        s->store = *o.store;
    if (size == 0 || size > DATA_MAX)
        leat__app_error(app, "leat_sessions_create: data of %zu bytes; it has 1 to %d", size, DATA_MAX);
    else if (count > COUNT_MAX || s->idle_ms < 0 || s->absolute_ms < 0)
        leat__app_error(app, "leat_sessions_create: at most %d sessions, and times that are positive",
                        COUNT_MAX);
    else if (o.store != NULL &&
             (s->store.load == NULL || s->store.save == NULL || s->store.remove == NULL))
        leat__app_error(app, "leat_sessions_create: a store has load, save and remove");
    else if (o.store == NULL)
        make_table(app, s, count, o.refuse_when_full);
    return s;
}

void leat_sessions_count(leat_sessions *s, leat_session_counts *counts, size_t counts_size)
{
    leat_session_counts all = {.live = atomic_load(&s->table.live),
                               .begun = atomic_load(&s->table.begun),
                               .expired = atomic_load(&s->table.expired),
                               .evicted = atomic_load(&s->table.evicted),
                               .refused = atomic_load(&s->table.refused),
                               .conflicts = atomic_load(&s->table.conflicts)};
    memset(counts, 0, counts_size);
    memcpy(counts, &all, size_min(counts_size, sizeof all));
}

/* ── Ids ── */

/* From the kernel's own, a few at a time. 0 or -errno. */
static int make_id(struct session_id *id)
{
    static _Thread_local unsigned char pool[RANDOM_POOL];
    static _Thread_local size_t left;
    if (left < sizeof *id) {
        ssize_t n = getrandom(pool, sizeof pool, 0);
        if (n != (ssize_t)sizeof pool)
            return n < 0 ? -errno : -EIO;
        left = sizeof pool;
    }
    left -= sizeof *id;
    memcpy(id, pool + left, sizeof *id);
    memset(pool + left, 0, sizeof *id);
    return 0;
}

static void write_id(char out[LEAT_SESSION_ID], struct session_id id)
{
    snprintf(out, LEAT_SESSION_ID, "%016llx%016llx", (unsigned long long)id.halves[0],
             (unsigned long long)id.halves[1]);
}

static bool read_id(struct session_id *id, const char *text, size_t size)
{
    if (size != LEAT_SESSION_ID - 1)
        return false;
    *id = (struct session_id){{0, 0}};
    for (size_t i = 0; i < size; i++) {
        char c = text[i];
        bool is_digit = c >= '0' && c <= '9', is_letter = c >= 'a' && c <= 'f';
        if (!is_digit && !is_letter)
            return false;
        id->halves[i / 16] = id->halves[i / 16] << 4 | (uint64_t)(is_digit ? c - '0' : c - 'a' + 10);
    }
    return true;
}

/* ── Cookies ── */

/* The next of that name in a Cookie field, from *at on. */
static bool next_cookie(const char *name, leat_slice field, size_t *at, leat_slice *value)
{
    size_t name_size = strlen(name);
    while (*at < field.size) {
        const char *pair = field.data + *at, *end = field.data + field.size;
        const char *semicolon = memchr(pair, ';', (size_t)(end - pair));
        const char *pair_end = semicolon != NULL ? semicolon : end;
        *at = (size_t)(pair_end - field.data) + 1;
        while (pair < pair_end && *pair == ' ')
            pair++;
        if ((size_t)(pair_end - pair) <= name_size || memcmp(pair, name, name_size) != 0 ||
            pair[name_size] != '=')
            continue;
        *value = (leat_slice){pair + name_size + 1, (size_t)(pair_end - pair) - name_size - 1};
        return true;
    }
    return false;
}

/* value NULL: forget it. */
static int set_cookie(struct leat_exchange *x, const struct leat_sessions *s, const char *value)
{
    leat_cookie_options options = {.secure = !s->plain_http};
    if (value == NULL)
        return leat_cookie_delete(x, s->name, &options);
    if (s->persistent)
        options.max_age_s = s->absolute_ms / 1000;
    return leat_cookie_set(x, s->name, value, &options);
}

/* ── In the table, or in the store ── */

static bool has_store(const struct leat_sessions *s)
{
    return s->store.load != NULL;
}

static size_t kept_size(const struct leat_sessions *s)
{
    return sizeof(struct kept) + s->size;
}

static int load_stored(struct leat_exchange *x, struct session_use *use, struct kept *kept)
{
    struct leat_sessions *s = use->sessions;
    char id[LEAT_SESSION_ID];
    write_id(id, use->id);
    int error = s->store.load(s->store.argument, id, kept, kept_size(s));
    if (error < 0)
        return error;
    if (*x->common->now_s - kept->created_s <= s->absolute_ms / 1000)
        return 0;
    s->store.remove(s->store.argument, id);
    return -ENOENT;
}

static int load(struct leat_exchange *x, struct session_use *use, struct kept *kept)
{
    if (has_store(use->sessions))
        return load_stored(x, use, kept);
    return leat__session_table_load(&use->sessions->table, use->id, *x->common->now_ms, kept->data,
                                    &use->version, &use->created_ms);
}

static int save_stored(const struct session_use *use)
{
    const struct leat_sessions *s = use->sessions;
    char id[LEAT_SESSION_ID];
    write_id(id, use->id);
    return s->store.save(s->store.argument, id, use->kept, kept_size(s), s->idle_ms);
}

/* As a new session, by a new id. */
static int add(struct leat_exchange *x, struct session_use *use)
{
    struct leat_sessions *s = use->sessions;
    int error = make_id(&use->id);
    if (error < 0)
        return error;
    if (has_store(s))
        return save_stored(use);
    return leat__session_table_add(&s->table, use->id, *x->common->now_ms, use->created_ms,
                                   use->kept->data, &use->version);
}

static int remove_id(struct leat_sessions *s, struct session_id id)
{
    char text[LEAT_SESSION_ID];
    if (!has_store(s))
        return leat__session_table_remove(&s->table, id);
    write_id(text, id);
    return s->store.remove(s->store.argument, text);
}

/* ── For handlers ── */

static struct session_use *use_of(struct leat_exchange *x)
{
    return x->notes != NULL ? x->notes->session : NULL;
}

/* Memory for the copy, and for what it was. */
static struct kept *make_copy(struct leat_exchange *x, struct session_use *use)
{
    size_t size = align_up(kept_size(use->sessions), 16);
    char *both = leat_alloc(x, size + use->sessions->size);
    if (both == NULL)
        return NULL;
    memset(both, 0, size + use->sessions->size);
    use->before = both + size;
    return (struct kept *)(void *)both;
}

static void remember(struct session_use *use)
{
    memcpy(use->before, use->kept->data, use->sessions->size);
}

static bool look_for(struct leat_exchange *x, struct session_use *use, struct kept *kept,
                     leat_slice field, unsigned *tries)
{
    leat_slice value;
    size_t at = 0;
    while (*tries < COOKIES_MAX && next_cookie(use->sessions->name, field, &at, &value)) {
        if (!read_id(&use->id, value.data, value.size))
            continue;
        ++*tries;
        int error = load(x, use, kept);
        if (error == 0)
            return true;
        if (error != -ENOENT)
            use->error = error;
    }
    return false;
}

static bool names_us(const struct leat_exchange *x, const struct session_use *use, leat_slice field)
{
    leat_slice value;
    size_t at = 0;
    (void)x;
    return next_cookie(use->sessions->name, field, &at, &value);
}

/* Once for a request, when somebody asks. */
static void look(struct leat_exchange *x, struct session_use *use)
{
    leat_slice name, value;
    unsigned tries = 0;
    struct kept *kept = NULL;
    use->looked = true;
    for (size_t i = 0; leat_field_at(x, i, &name, &value); i++) {
        if (name.size != 6 || strncasecmp(name.data, "Cookie", 6) != 0 || !names_us(x, use, value))
            continue;
        if (kept == NULL && (kept = make_copy(x, use)) == NULL) {
            use->error = -ENOMEM;
            return;
        }
        if (look_for(x, use, kept, value, &tries)) {
            use->kept = kept;
            use->error = 0;
            remember(use);
            return;
        }
    }
}

static struct session_use *looked_up(struct leat_exchange *x)
{
    struct session_use *use = use_of(x);
    if (use != NULL && !use->looked)
        look(x, use);
    return use;
}

void *leat_session_data(leat_exchange *x)
{
    struct session_use *use = looked_up(x);
    return use != NULL && use->kept != NULL ? use->kept->data : NULL;
}

static int tell_client(struct leat_exchange *x, const struct session_use *use)
{
    char id[LEAT_SESSION_ID];
    write_id(id, use->id);
    return set_cookie(x, use->sessions, id);
}

int leat_session_begin(leat_exchange *x)
{
    struct session_use *use = looked_up(x);
    if (use == NULL)
        return -EPERM;
    if (use->kept != NULL)
        return 0;
    if (use->error < 0)
        return use->error;
    if (x->flags & X_SENT)
        return -EALREADY;
    use->kept = make_copy(x, use);
    if (use->kept == NULL)
        return -ENOMEM;
    use->created_ms = *x->common->now_ms;
    use->kept->created_s = *x->common->now_s;
    int error = add(x, use);
    if (error == 0)
        error = tell_client(x, use);
    if (error == 0)
        atomic_fetch_add_explicit(&use->sessions->table.begun, 1, memory_order_relaxed);
    else
        use->kept = NULL;
    return error;
}

int leat_session_renew(leat_exchange *x)
{
    struct session_use *use = looked_up(x);
    if (use == NULL)
        return -EPERM;
    if (use->kept == NULL)
        return use->error < 0 ? use->error : -ENOENT;
    if (x->flags & X_SENT)
        return -EALREADY;
    struct session_id old = use->id;
    int error = remove_id(use->sessions, old); /* first: its place may be the only one that is free */
    if (error == 0)
        error = add(x, use);
    if (error == 0)
        error = tell_client(x, use);
    if (error == 0)
        remember(use);
    else
        use->kept = NULL;
    return error;
}

int leat_session_save(leat_exchange *x)
{
    struct session_use *use = looked_up(x);
    if (use == NULL)
        return -EPERM;
    if (use->kept == NULL)
        return use->error < 0 ? use->error : -ENOENT;
    int error = has_store(use->sessions) ? save_stored(use)
                                         : leat__session_table_save(&use->sessions->table, use->id,
                                                                    use->kept->data, &use->version);
    if (error == -EAGAIN && !has_store(use->sessions) && load(x, use, use->kept) < 0)
        error = -ENOENT;
    if (error == 0 || error == -EAGAIN)
        remember(use);
    if (error == -ENOENT)
        use->kept = NULL;
    return error;
}

int leat_session_end(leat_exchange *x)
{
    struct session_use *use = looked_up(x);
    if (use == NULL || use->kept == NULL)
        return 0;
    int error = remove_id(use->sessions, use->id);
    use->kept = NULL;
    return error < 0 && error != -ENOENT ? error : set_cookie(x, use->sessions, NULL);
}

/* ── The middleware ── */

static void serve(leat_exchange *x)
{
    struct exchange_notes *notes = leat__exchange_notes(x);
    struct session_use *use = notes != NULL ? leat_alloc(x, sizeof *use) : NULL;
    if (use == NULL) {
        leat_problem(x, 503, NULL);
        return;
    }
    struct session_use *outer = notes->session;
    *use = (struct session_use){.sessions = leat_data(x)};
    notes->session = use;
    leat_next(x);
    bool changed = use->kept != NULL && memcmp(use->kept->data, use->before, use->sessions->size) != 0;
    if (changed || (use->kept != NULL && has_store(use->sessions))) /* a store does not see that it is used */
        leat_session_save(x);
    notes->session = outer;
}
