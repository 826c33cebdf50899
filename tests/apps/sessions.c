/* sessions.c: sessions in memory, in a small table, and in a store of the program's own that waits, for the tests. */
#include <errno.h>
#include <leat/leat.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

struct visitor {
    uint32_t count;
    char who[28];
};

static leat_sessions *small;

/* ── A store ── */

enum { STORED = 64 };

static struct {
    char id[LEAT_SESSION_ID];
    unsigned char bytes[256];
} stored[STORED];
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static atomic_bool is_down;

static int at(const char *id)
{
    for (int i = 0; i < STORED; i++)
        if (strcmp(stored[i].id, id) == 0)
            return i;
    return -1;
}

static int load(void *argument, const char *id, void *bytes, size_t size)
{
    (void)argument;
    leat_sleep_ms(1);
    pthread_mutex_lock(&lock);
    int i = is_down ? -1 : at(id), error = is_down ? -EIO : i < 0 ? -ENOENT : 0;
    if (error == 0)
        memcpy(bytes, stored[i].bytes, size);
    pthread_mutex_unlock(&lock);
    return error;
}

static int save(void *argument, const char *id, const void *bytes, size_t size, int64_t idle_ms)
{
    (void)argument;
    leat_sleep_ms(1);
    pthread_mutex_lock(&lock);
    int i = at(id), error = 0;
    if (i < 0)
        i = at("");
    if (is_down || i < 0 || size > sizeof stored[i].bytes || idle_ms != 1800000) {
        error = -EIO;
    } else {
        strcpy(stored[i].id, id);
        memcpy(stored[i].bytes, bytes, size);
    }
    pthread_mutex_unlock(&lock);
    return error;
}

static int forget(void *argument, const char *id)
{
    (void)argument;
    pthread_mutex_lock(&lock);
    int i = at(id);
    if (i >= 0)
        stored[i].id[0] = '\0';
    pthread_mutex_unlock(&lock);
    return i >= 0 ? 0 : -ENOENT;
}

static void down(leat_exchange *x)
{
    is_down = leat_query_int(x, "is", 0) != 0;
    leat_status(x, 204);
}

/* ── Routes ── */

static void count(leat_exchange *x)
{
    int error = leat_session_begin(x);
    if (error < 0) {
        leat_text(x, 503, "%d", error);
        return;
    }
    struct visitor *visitor = leat_session_data(x);
    leat_text(x, 200, "%u", ++visitor->count);
}

static void peek(leat_exchange *x)
{
    struct visitor *visitor = leat_session_data(x);
    if (visitor == NULL)
        leat_text(x, 200, "nobody");
    else
        leat_text(x, 200, "%u %s", visitor->count, visitor->who);
}

static void login(leat_exchange *x)
{
    const char *who = leat_query(x, "who");
    if (leat_session_begin(x) < 0 || leat_session_renew(x) < 0) {
        leat_status(x, 503);
        return;
    }
    struct visitor *visitor = leat_session_data(x);
    snprintf(visitor->who, sizeof visitor->who, "%s", who != NULL ? who : "");
    leat_text(x, 200, "welcome");
}

static void logout(leat_exchange *x)
{
    leat_text(x, 200, "%d", leat_session_end(x));
}

/* Adds one, however long it thinks, and whoever writes in between. */
static void slow(leat_exchange *x)
{
    int tries = 0, error;
    do {
        struct visitor *visitor = leat_session_data(x);
        if (visitor == NULL)
            break;
        leat_sleep_ms((uint64_t)leat_query_int(x, "ms", 1));
        visitor->count++;
        tries++;
        error = leat_session_save(x);
    } while (error == -EAGAIN);
    leat_text(x, 200, "%d", tries);
}

static void late(leat_exchange *x)
{
    leat_begin(x, 200, "text/plain");
    leat_writef(x, "%d", leat_session_begin(x));
}

static void counts(leat_exchange *x)
{
    leat_session_counts c;
    leat_sessions_count(small, &c, sizeof c);
    leat_text(x, 200, "%llu %llu", (unsigned long long)c.live, (unsigned long long)c.evicted);
}

static void add_routes(leat_app *app)
{
    leat_get(app, "/count", count);
    leat_get(app, "/peek", peek);
    leat_get(app, "/login", login);
    leat_get(app, "/logout", logout);
    leat_get(app, "/slow", slow);
    leat_get(app, "/late", late);
}

int main(int argc, char **argv)
{
    static const leat_session_store store = {load, save, forget, NULL};
    leat_app *app = leat_app_create();
    leat_app *memory = leat_group(app, "/memory"), *tiny = leat_group(app, "/tiny");
    leat_app *own = leat_group(app, "/own"), *brief = leat_group(app, "/brief");
    leat_sessions_create(memory, sizeof(struct visitor), NULL);
    small = leat_sessions_create(
        tiny, sizeof(struct visitor),
        &(leat_sessions_options){.cookie = "tiny", .count = 16, .plain_http = true, .persistent = true});
    leat_sessions_create(own, sizeof(struct visitor), &(leat_sessions_options){.store = &store});
    leat_sessions_create(brief, sizeof(struct visitor), &(leat_sessions_options){.idle_ms = 100});
    add_routes(memory);
    add_routes(tiny);
    add_routes(own);
    add_routes(brief);
    leat_get(app, "/counts", counts);
    leat_get(app, "/down", down);
    leat_get(app, "/none/late", late);
    leat_get(app, "/none/peek", peek);
    return leat_main(app, argc, argv);
}
