/* tour.c: a small notice board that uses the core of Leat, leat.h itself. Read it from top to bottom;
 * each part says which call it shows and gives a line to try. Start it with ./tour, then open
 * http://localhost:8080/ for the list. What has a header of its own (waiting, streams, JSON, forms,
 * sessions, ready-made middleware …) has its pages in doc/cookbook.
 *
 *  1. answering        5. content               9. memory that is certain
 *  2. parameters       6. problems and redirects 10. a pool of your own
 *  3. queries          7. middleware            11. borrowing instead of copying
 *  4. fields           8. groups                12. files */
#include <leat/leat.h>

#include <inttypes.h>
#include <pthread.h>
#include <string.h>

/* ── 1. Answering ──────────────────────────────────────────────────────────────────────────────────
 * A handler gets one thing, the exchange: a request and its response. The last answer counts. */

static void show_list(leat_exchange *x)
{
    leat_text(x, 200,
              "GET    /greet/:name        a parameter of the path\n"
              "GET    /sum?a=1&b=2        numbers from a query\n"
              "GET    /mirror             the fields of your request\n"
              "GET    /old                a redirect\n"
              "POST   /api/notes          pin a note to the board\n"
              "GET    /api/notes/:id      read it\n"
              "DELETE /api/notes/:id      take it down\n"
              "GET    /squares/:count     memory that is certain\n"
              "GET    /poem               borrowed, not copied\n"
              "GET    /files/...          the files of this folder\n");
}

/* ── 2. Parameters of the path ─────────────────────────────────────────────────────────────────────
 * ":name" stands for one segment. It arrives decoded and NUL-terminated, and is valid until the
 * handler returns; nothing has to be freed.            curl localhost:8080/greet/Ada%20Lovelace */

static void greet(leat_exchange *x)
{
    leat_text(x, 200, "Hello, %s\n", leat_param(x, "name"));
}

/* ── 3. Queries ────────────────────────────────────────────────────────────────────────────────────
 * The third argument answers when the query has no such number; leat_query gives text, or NULL.
 *                                                      curl 'localhost:8080/sum?a=30&b=12' */

static void add(leat_exchange *x)
{
    int64_t a = leat_query_int(x, "a", 0), b = leat_query_int(x, "b", 0), sum;
    const char *unit = leat_query(x, "unit");
    if (__builtin_add_overflow(a, b, &sum))
        leat_problem(x, 400, "The sum does not fit 64 bits");
    else
        leat_text(x, 200, "%" PRId64 " %s\n", sum, unit != NULL ? unit : "");
}

/* ── 4. Fields ─────────────────────────────────────────────────────────────────────────────────────
 * Slices are raw pieces of the request: not copied, not NUL-terminated. Text that must live until the
 * response is sent comes from the exchange's arena (leat_printf, leat_alloc) and goes with it.
 *                                                      curl -i localhost:8080/mirror */

static void mirror(leat_exchange *x)
{
    leat_slice name, value, longest = {"(none)", 6};
    size_t count = 0;
    for (; leat_field_at(x, count, &name, &value); count++)
        if (count == 0 || name.size > longest.size)
            longest = name;
    leat_slice target = leat_target(x), host = leat_authority(x), agent = leat_field(x, "User-Agent");
    char *line = leat_printf(x, "%s %.*s at %.*s", leat_method(x), (int)target.size, target.data,
                             (int)host.size, host.data);
    if (line == NULL)
        return; /* no memory left for this exchange: the client is told so, nothing else suffers */
    leat_field_setf(x, "X-Your-Agent", "%.*s", (int)agent.size, agent.data ? agent.data : "");
    leat_field_set(x, "Cache-Control", "no-store");
    leat_field_add(x, "Vary", "User-Agent");
    leat_field_add(x, "Vary", "Accept");
    leat_text(x, 200, "%s\n%zu fields, the longest name is %.*s\n", line, count, (int)longest.size,
              longest.data);
}

/* ── 5, 6, 10. Content, problems, and a pool of your own ───────────────────────────────────────────
 * Notes live in a pool: all of them are there from the start, as a row of the plan (./tour --plan).
 * When it is empty the client gets a 503, and the rest goes on.
 *                                                      curl localhost:8080/api/notes -d 'Feed the cat'
 *                                                      curl localhost:8080/api/notes/1 */

enum { NOTES = 1000, NOTE_SIZE = 240 };

struct note {
    size_t size;
    char text[NOTE_SIZE];
};

/* Shared by all shards, so it needs a lock: handlers run on several threads. No handler waits while
 * it holds it. */
struct board {
    leat_pool *pool;
    pthread_mutex_t lock;
    struct note *notes[NOTES];
};

static void pin_note(leat_exchange *x)
{
    struct board *board = leat_data(x);
    leat_slice content = leat_content(x);
    int id = 0;
    if (content.size == 0 || content.size > NOTE_SIZE) {
        leat_problem(x, 422, "A note has 1 to 240 octets");
        return;
    }
    struct note *note = leat_pool_acquire(board->pool);
    if (note == NULL) {
        leat_problem(x, 503, "The board is full");
        return;
    }
    note->size = content.size;
    memcpy(note->text, content.data, content.size);
    pthread_mutex_lock(&board->lock);
    while (id < NOTES && board->notes[id] != NULL)
        id++;
    if (id < NOTES)
        board->notes[id] = note;
    pthread_mutex_unlock(&board->lock);
    if (id == NOTES) {
        leat_pool_release(board->pool, note);
        leat_problem(x, 503, "The board is full");
        return;
    }
    leat_field_setf(x, "Location", "/api/notes/%d", id + 1);
    leat_text(x, 201, "note %d\n", id + 1);
}

/* The place of the note that the path names; NULL: the path names none. */
static struct note **find_note(leat_exchange *x, struct board *board)
{
    int64_t id = leat_param_int(x, "id", 0);
    return id >= 1 && id <= NOTES ? &board->notes[id - 1] : NULL;
}

static void read_note(leat_exchange *x)
{
    struct board *board = leat_data(x);
    struct note **place = find_note(x, board), note = {0};
    pthread_mutex_lock(&board->lock);
    if (place != NULL && *place != NULL)
        note = **place;
    pthread_mutex_unlock(&board->lock);
    if (note.size == 0)
        leat_problem(x, 404, "There is no such note");
    else
        leat_bytes(x, 200, "text/plain; charset=utf-8", note.text, note.size);
}

static void take_note_down(leat_exchange *x)
{
    struct board *board = leat_data(x);
    struct note **place = find_note(x, board), *note = NULL;
    pthread_mutex_lock(&board->lock);
    if (place != NULL) {
        note = *place;
        *place = NULL;
    }
    pthread_mutex_unlock(&board->lock);
    leat_pool_release(board->pool, note); /* takes NULL, and objects of any thread */
    leat_problem_or(x, note != NULL ? 200 : 404, 204, "");
}

/* A redirect is an answer too.                         curl -i localhost:8080/old */
static void old_address(leat_exchange *x)
{
    leat_redirect(x, 308, "/");
}

/* ── 7. Middleware ─────────────────────────────────────────────────────────────────────────────────
 * A handler that calls leat_next: code before it, and code after it. Fields may still be set then,
 * because nothing has been sent yet. */

static void timed(leat_exchange *x)
{
    uint64_t start_ns = leat_now_ns();
    leat_next(x);
    double ms = (double)(leat_now_ns() - start_ns) / 1e6;
    leat_field_setf(x, "Server-Timing", "total;dur=%.3f", ms);
    leat_field_setf(x, "X-Status", "%d", leat_response_status(x));
}

/* Middleware that answers instead of calling leat_next ends the chain.
 *                                                      curl -i -X DELETE localhost:8080/api/notes/1
 *                                                      … -H 'Authorization: Bearer tour' */
static void guard(leat_exchange *x)
{
    const char *key = leat_data(x);
    leat_slice given = leat_field(x, "Authorization");
    bool is_change = strcmp(leat_method(x), "DELETE") == 0;
    if (is_change && !leat_is_same_secret(given.data, given.size, key, strlen(key))) {
        leat_field_set(x, "WWW-Authenticate", "Bearer");
        leat_problem(x, 401, "Taking notes down needs the key");
        return;
    }
    leat_next(x);
}

/* ── 9. Memory that is certain ─────────────────────────────────────────────────────────────────────
 * After leat_reserve the next so many bytes of the arena can't fail, so what follows needs no checks;
 * before it nothing has happened yet, which is the right moment to say no.
 *                                                      curl localhost:8080/squares/100 */

enum { SQUARES_MAX = 200, SQUARE_DIGITS = 16 };

static void squares(leat_exchange *x)
{
    int64_t count = leat_param_int(x, "count", 0);
    if (count < 1 || count > SQUARES_MAX) {
        leat_problem(x, 404, "Ask for 1 to 200 squares");
        return;
    }
    size_t size = (size_t)count * SQUARE_DIGITS, used = 0;
    if (leat_reserve(x, size) < 0)
        return; /* 503 is answered already */
    char *text = leat_alloc(x, size);
    for (uint64_t i = 1; i <= (uint64_t)count; i++) {
        char digits[SQUARE_DIGITS];
        size_t at = sizeof digits;
        digits[--at] = '\n';
        for (uint64_t rest = i * i; rest > 0; rest /= 10)
            digits[--at] = (char)('0' + rest % 10);
        memcpy(text + used, digits + at, sizeof digits - at);
        used += sizeof digits - at;
    }
    leat_bytes(x, 200, "text/plain", text, used);
}

/* ── 11. Borrowing ─────────────────────────────────────────────────────────────────────────────────
 * What you pass is copied, unless the call says borrow: then your pointer is sent from where it lies,
 * and release is called when it has been sent. A constant needs no release.
 *                                                      curl localhost:8080/poem */

static const char poem[] = "They dug it in the dry of June,\n"
                           "a line along the hill,\n"
                           "and nobody was thirsty when\n"
                           "the water came to fill.\n";

static void show_poem(leat_exchange *x)
{
    leat_bytes_borrow(x, 200, "text/plain", poem, sizeof poem - 1, NULL, NULL);
}

/* ── Putting it together ───────────────────────────────────────────────────────────────────────────
 * Mistakes made here (a route twice, a folder that is missing) are remembered and all told when the
 * server starts. */

int main(int argc, char **argv)
{
    static char key[] = "Bearer tour";
    static struct board board = {.lock = PTHREAD_MUTEX_INITIALIZER};

    leat_app *app = leat_app_create();
    leat_use(app, timed);
    leat_get(app, "/", show_list);
    leat_get(app, "/greet/:name", greet);
    leat_get(app, "/sum", add);
    leat_get(app, "/mirror", mirror);
    leat_get(app, "/old", old_address);
    leat_get(app, "/squares/:count", squares);
    leat_get(app, "/poem", show_poem);

    /* 8. A group is an app within the app: a prefix, and middleware of its own inside the others'. */
    leat_app *api = leat_group(app, "/api");
    board.pool = leat_pool_create(app, "note", sizeof(struct note), NOTES);
    leat_use_with(api, guard, key);
    leat_post_with(api, "/notes", pin_note, &board);
    leat_get_with(api, "/notes/:id", read_note, &board);
    leat_delete_with(api, "/notes/:id", take_note_down, &board);

    /* 12. "*path" takes all that is left of the path, slashes included. */
    leat_get_with(app, "/files/*path", leat_serve_files, leat_files_open(app, "."));
    return leat_main(app, argc, argv);
}
