/* exchange.h: one request and its response (RFC 9110 3.4): what a handler holds.
 *
 * An exchange lives in a room, which an active connection borrows from the first octet of a request to the last octet
 * of its response:
 *
 *     ┌ page 0 ──────────────────────────────────────┬ pages 1 to 3 ───────────────────────────────┐
 *     │ struct leat_exchange │ arena's first chunk   │ output: heads and small contents, a burst's │
 *     └──────────────────────┴───────────────────────┴─────────────────────────────────────────────┘
 *
 * The requests of a pipelined burst are answered one after the other in the same room: each is begun
 * (exchange_begin), run (leat__exchange_run) and written behind the previous one's response (leat__response_send);
 * then one send takes them all. A response too large for the output is sent from where it lies, before the next
 * request is looked at. This room of the code does no I/O; conn/ brings the bytes and takes them away.
 *
 * What a handler may hold (slices into the head, arena memory, content) stays where it is until the response has been
 * sent: `bytes` points into an input buffer that conn/ keeps for that long. */
#ifndef LEAT_EXCHANGE_H
#define LEAT_EXCHANGE_H

#include "exchange/app.h"
#include "http/parameters.h"
#include "http1/http1.h"
#include "leat/leat.h"
#include "loop/loop.h"
#include "memory/plan.h"
#include "loop/worker.h"
#include "net/net.h"
#include "observe/access_log.h"
#include "observe/counters.h"
#include "observe/events.h"
#include "observe/metrics.h"
#include "observe/probes.h"
#include "task/task.h"
#include <stdatomic.h>

/* What an exchange wants of what carries it (conn/): called on the stack of its handler, they may wait. */
struct exchange_carrier {
    /* As leat_read, of a content that is not in memory. */
    int64_t (*read)(struct leat_exchange *x, void *bytes, size_t size);
    /* The whole of it into memory: true; false: a refusal is told (x->refused_status). */
    bool (*collect)(struct leat_exchange *x);
    /* The handler has ended: what is left of the content is skipped, or the connection will have to close. */
    void (*leave)(struct leat_exchange *x);
    /* Goes on with a waiting exchange whose task is ready: the task's go. */
    void (*go)(struct task *task);
};

/* How deep a route's handlers have gone, on one shard (depths.c). */
struct route_depth {
    uint32_t until_measured; /* runs; at 0 one is measured */
    uint32_t interval;       /* to the next one after that */
    _Atomic uint32_t left; /* bytes of the stack, the least that was ever seen; others may read it */
    uint32_t reserved;
};

/* What all exchanges of a shard share. */
struct exchange_common {
    struct shard_memory *memory;
    const struct routes *routes;
    struct counters *counters;
    struct metrics *metrics;
    uint64_t slow_ticks; /* a handler that keeps its thread for so long is named when the loop's turn is over */
    uint64_t slow_took;             /* the longest of this turn that did; 0: none */
    const struct chain *slow_chain; /* and what it was */
    uint64_t content_max;           /* bytes */
    const int64_t *now_s;           /* the loop's clock: seconds of Unix time */
    int64_t date_s;                 /* the second date_line tells */
    char date_line[HTTP1_DATE_LINE + 3];
    bool draining; /* every response says close */
    struct workers *workers; /* NULL: files are not asked whether they are in memory (a simulated world has none) */
    struct access_ring *log;    /* NULL: no log */
    const struct slot *slots;   /* the shard's: a slot's index is its place */
    uint32_t file_check_ms;     /* how long what is known of a file is believed */
    const int64_t *now_ms;      /* the loop's clock: monotonic */
    struct tasks *tasks;        /* NULL: handlers run on the shard's own stack, and can't wait */
    struct route_depth *depths; /* by the route's number; NULL only without tasks */
    const struct exchange_carrier *carrier;
    void **states; /* leat_on_shard's, in order of registration */
    const atomic_bool *leaving; /* the server's: it will drain soon, and asks not to be sent more; NULL: none can say so */
    _Atomic uint64_t shortage; /* the newest refusal for want of what every request needs; others may read it; 0: none yet */
};

/* A shortage is told by its time, in ms of the loop's clock, times SHORTAGE_KINDS, plus what was short. */
enum shortage { SHORT_SLOT = 1, SHORT_EXCHANGE, SHORT_TASK, SHORTAGE_KINDS };

static inline void exchange_note_shortage(struct exchange_common *common, enum shortage what)
{
    uint64_t now = common->now_ms != NULL ? (uint64_t)*common->now_ms : 0;
    atomic_store_explicit(&common->shortage, now * SHORTAGE_KINDS + what, memory_order_relaxed);
}

enum exchange_flags {
    X_CLOSE = 1,  /* the connection closes after this response */
    X_LINGER = 2, /* … and what the peer still sends is read and thrown away for a while */
    X_BROKEN = 8, /* the response can't be ended well: the connection breaks */
    X_SENT = 4,   /* the head is written: fields can't change any more */
    X_EOF = 16,   /* the peer has said its last */
    X_CONTINUE_OWED = 32, /* 100 (Continue) is expected and not sent */
    X_NO_MEMORY = 64,     /* a field did not fit: the client gets an error */
    X_BY_REFERENCE = 128, /* a content or file outside the output waits to be sent: flush before going on */
    X_NEXT_ENDED = 256, /* what was behind the middleware has run */
    X_REFUSED = 1024,   /* a refusal for want of memory is counted already: one per request */
    X_MORE = 2048,      /* a send is under way behind which the response goes on (sending.c) */
    X_LINES = 4096,     /* the response's type line is complete field lines, also for 204 and 304 */
    X_PREPARED = 8192,  /* a prepare function has kept something */
    X_RETRY = 16384,    /* waits for a work to be free */
    X_PIECES = 32768,   /* the response is a list of pieces */
    X_HOLDS = 512,      /* the response has borrowed content, a file or a block: to be let go of */
};

/* What routing may come to beside enum router_result: the status x->match.value is the answer. */
enum { ROUTE_REFUSED = ROUTER_NOT_ALLOWED + 1 };

/* How far a request's content has come. */
enum content_state {
    CONTENT_NONE,     /* there is none */
    CONTENT_PENDING,  /* announced, and nothing of it taken */
    CONTENT_READING,  /* being taken, in pieces or into memory */
    CONTENT_WHOLE,    /* in memory: x->content */
    CONTENT_READ,     /* was read in pieces, to its end */
    CONTENT_BROKEN,   /* will not come whole */
    CONTENT_UNWANTED, /* the client may not even send it: answered without */
};

/* What the handler of an exchange waits for, as far as its connection has to do with it. */
enum exchange_want { WANT_NOTHING, WANT_CONTENT, WANT_SENT, WANT_WORK };

/* A response that is written in pieces. */
enum stream_state {
    STREAM_NONE,
    STREAM_CHUNKED,
    STREAM_SIZED,
    STREAM_TO_CLOSE, /* HTTP/1.0: the connection's end is the content's */
    STREAM_BARE,     /* HEAD and the like: what is written is thrown away */
};

/* What middleware has found out about a request, for who comes behind it. Texts lie in the arena; NULL: not said. */
struct exchange_notes {
    const char *principal, *request_id;
    struct session_use *session; /* handler/sessions.c's */
};

/* Names and values that a request holds; see pairs.c. */
enum pairs_of { PAIRS_NONE, PAIRS_QUERY, PAIRS_FORM, PAIRS_COOKIES };

struct pair_cursor {
    struct http_text rest; /* of the query, of the form, of a Cookie field */
    uint32_t i;            /* number of the pair that comes next */
    unsigned from;         /* PAIRS_COOKIES: where the next Cookie field is looked for */
};

/* All zero when a request begins. */
struct exchange_way {
    uint8_t content;         /* enum content_state */
    uint8_t wants;           /* enum exchange_want */
    uint8_t stream;          /* enum stream_state */
    uint8_t chunk_is_open;   /* the output ends with a chunk whose size is not written yet */
    uint16_t refused_status; /* the answer is this, whatever the handler says; 0: no */
    int16_t write_error;     /* of the stream, remembered */
    int16_t failure;         /* errno that leat_fail was told, positive; 0: none */
    int16_t form_error;      /* of leat_form_check, once form_is_seen; 0: fine */
    uint8_t form_is_seen, cookies_are_seen;
    uint8_t is_sse;    /* the stream is one of events, and counted */
    uint8_t cursor_of; /* enum pairs_of: what x->cursor goes over; NONE: nothing yet */
};

enum field_default { FIELD_SET, FIELD_DEFAULT, FIELD_DEFAULT_OF_HTML };

struct response_field {
    struct response_field *next;
    uint32_t name_size, size; /* octets of the name, of the whole line with CRLF */
    bool replaces;            /* complete lines of the response with that name don't count */
    uint8_t is_default; /* enum field_default: it counts only where no other of its name does */
    char line[];
};

struct response {
    uint16_t status; /* 0: none yet */
    bool bare;       /* the head goes alone: HEAD, 204, 304 */
    bool owns_file;  /* file is ours to close */
    uint32_t type_size;
    const char *type_line; /* "Content-Type: …\r\n" */
    const char *content;
    uint64_t content_size; /* of the file too */
    struct response_field *fields, *fields_last;
    uint32_t fields_size; /* octets of all lines */
    int32_t file;         /* -1: none */
    uint64_t file_offset;
    leat_release_function *release; /* of borrowed content */
    void *argument;
    const char *long_head; /* a head too long for the output, in the arena; NULL: it is in the output */
    uint32_t long_head_size;
    bool is_problem; /* an error of ours, or by leat_problem: the hooks are told, and a browser gets a page */
    struct leat_json *json; /* writes the content still; NULL: none */
};

/* What a response by reference has to send behind the send under way. */
struct response_rest {
    uint64_t offset, left; /* of the piece under way: in the file, or in the response's content */
    const struct response_piece *pieces; /* NULL: one piece without a head */
    uint32_t piece_count, piece_at;
    const char *tail;
    uint32_t tail_size;
    bool warm;                     /* the file's next window has been brought into memory */
    bool (*still)(void *argument); /* NULL: no guard */
    void *still_argument;
};

struct leat_exchange {
    /* line 0: every step of every request */
    struct exchange_common *common;
    const char *bytes;             /* the head's first octet */
    const struct chain_link *link; /* the one that runs */
    const char *path;              /* what the router saw: raw, or decoded into the arena */
    uint32_t path_size;
    uint32_t head_end; /* in the first input buffer: where the head ends, once known */
    char *output;
    uint32_t output_size; /* octets in the output, to be sent */
    uint16_t flags;       /* enum exchange_flags */
    uint8_t route_result; /* enum router_result */
    uint8_t resume;       /* enum conn_state to go on in when everything is sent */
    struct buffer *input; /* bytes not used yet, and those of the request under way; the first is parsed */
    /* lines 1 and 2 */
    struct arena arena;
    struct buffer *input_last;
    struct buffer *room; /* ours */
    struct slot *slot;
    int64_t since_ms; /* when the reading of the head under way, or its content's window, began */
    /* lines 3 and 4 */
    struct response response;
    /* a request with parameters or content */
    const struct chain *chain;
    uint64_t began; /* ticks, when its run began; 0: it has not */
    struct exchange_way way;
    const char *content; /* of the request */
    uint64_t content_size;
    char *content_block; /* from the content store; NULL: the content lies in place, or there is none */
    char *response_block; /* from the content store, for a response's copied content */
    uint64_t send_began;  /* ticks, when what is being sent was not taken at once; 0: it was */
    uint64_t content_moved, send_moved; /* octets of each when its window under way began */
    int64_t content_waited_ms; /* of that window: only while its handler waits for content does it pass */
    struct response_rest rest;
    struct task *task; /* its handler's, once it has waited; NULL: none */
    const char *refused_detail;
    uint64_t content_read; /* octets of a whole content that leat_read has given out */
    uint64_t stream_left;  /* STREAM_SIZED: octets still to come */
    uint32_t chunk_at;     /* in the output: where the open chunk's size belongs */
    uint32_t piece_size, piece_tail_size;
    const char *piece, *piece_tail; /* of a stream, to be sent behind the output from where they lie */
    const struct leat_filter *filter; /* what is written passes it; NULL: none */
    const struct leat_source *source; /* what is read passes it; NULL: none */
    struct response_field *trailers;
    struct exchange_notes *notes; /* in the arena; NULL: none */
    void *filter_state, *source_state;
    uint64_t source_total; /* octets that the source has made */
    struct work *work;     /* under way for this exchange; NULL: none */
    void *prepared;
    void (*let_go)(struct leat_exchange *x, void *prepared);
    struct pair_cursor cursor;
    struct loop_send send;
    struct http1_chunked chunked;
    struct router_match match;
    struct http1_head head; /* last: its fields are a long array, the first of which are hot */
};

_Static_assert(offsetof(struct leat_exchange, arena) == CACHE_LINE, "one line for every step");
_Static_assert(offsetof(struct leat_exchange, response) == 3 * (size_t)CACHE_LINE,
               "arena and input before the response");
_Static_assert(sizeof(struct response) <= 2 * (size_t)CACHE_LINE, "a response is two lines");
_Static_assert(sizeof(struct leat_exchange) + 1024 <= PLAN_EXCHANGE_PAGE,
               "an arena's first chunk has at least 1 KiB");

enum {
    OUTPUT_RESERVE = 1024,    /* a request is begun only with that much room left in the output */
    STREAM_RESERVE = 64,      /* behind a stream's head: it can always go on, and end */
    EXCHANGE_CHUNKS_MAX = 64, /* chunks and large pieces that one exchange's arena may hold */
};

/* A fresh room becomes an exchange. */
struct leat_exchange *leat__exchange_open(struct exchange_common *common, struct buffer *room,
                                          struct slot *slot);

/* Before the next request of the connection. Keeps the output. */
void leat__exchange_begin(struct leat_exchange *x);

/* Gives back what the request under way holds: arena, blocks, borrowed content, file. */
void leat__exchange_end(struct leat_exchange *x);

/* After a complete head: finds the route. A status when the target can't be understood (400), else 0. */
unsigned leat__exchange_route(struct leat_exchange *x);

/* Runs the chain: true: it has returned, and a response is made. false: it waits (x->task). */
bool leat__exchange_run(struct leat_exchange *x);
/* The handler has begun what ends with it: the end of its chain looks for that. */
static inline void exchange_has_an_end(struct leat_exchange *x)
{
    struct tasks *tasks = x->common->tasks;
    if (tasks != NULL && tasks->current != NULL)
        tasks->current->marked = true;
}

/* After the false: it is somebody's task now. */
void leat__exchange_waits(struct leat_exchange *x);
/* The task is ready: as leat__exchange_run. */
bool leat__exchange_go_on(struct leat_exchange *x);

/* After common->routes and common->tasks. depths: routes->count of them. */
void leat__depths_open(struct exchange_common *common, struct route_depth *depths);
/* Bytes of stack, the most that was seen. From any thread, while the shard is open. */
uint32_t leat__depth_of_route(const struct exchange_common *common, uint32_t number);

/* The route whose handlers went deepest. All zero: none is known. */
struct deepest {
    uint32_t bytes, of; /* of the stack, and what it has */
    char route[128];    /* method and pattern */
};
/* When the shard ends. */
void leat__deepest_add(struct deepest *deepest, const struct exchange_common *common);

/* Of x's task: its run is to be measured; is over; waits. */
void leat__depth_begins(struct leat_exchange *x, struct task *task);
void leat__depth_ends(struct leat_exchange *x, struct task *task);
void leat__depth_waits(struct leat_exchange *x, const struct task *task);

bool leat__depth_look(struct leat_exchange *x, size_t need);

/* What needs stack itself refuses when less than need (at most two TASK_STACK_LEFT) is left of its handler's: the client
 * gets 500. */
static inline bool exchange_lacks_stack(struct leat_exchange *x, size_t need)
{
    return task_is_deep(x->common->tasks) && leat__depth_look(x, need);
}

/* The handler runs on a stack of its own, here and now: it may wait. */
bool leat__exchange_may_wait(const struct leat_exchange *x);

/* The chain's answer won't count: the client gets status (with detail, which stays), and the connection closes. */
void leat__exchange_refuse(struct leat_exchange *x, unsigned status, const char *detail);
/* The same where the connection may go on: only the answer is replaced. The first such word counts. */
void leat__exchange_overrule(struct leat_exchange *x, unsigned status, const char *detail);

/* leat_read through x->source. What it can't read is refused. */
int64_t leat__source_read(struct leat_exchange *x, void *bytes, size_t size);
/* The whole content through x->source, into memory. false: refused. */
bool leat__source_collect(struct leat_exchange *x);

/* ── What a request holds (pairs.c, request.c) ── */

void leat__pairs_begin(const struct leat_exchange *x, enum pairs_of of, struct pair_cursor *cursor);
bool leat__pairs_next(const struct leat_exchange *x, enum pairs_of of, struct pair_cursor *cursor,
                      struct http_pair *pair);
/* The i-th; going on where the last call was costs one step. */
bool leat__pairs_at(struct leat_exchange *x, enum pairs_of of, size_t i, struct http_pair *pair);
/* A NUL-terminated copy in the arena, decoded where percent says so ('+' a space, where plus does); NULL: no memory, or not
 * decodable. */
char *leat__exchange_copy(struct leat_exchange *x, struct http_text text, bool percent, bool plus);
/* The integer that text is, or otherwise. text (or NULL) was made for a moment, where the arena was at before. */
int64_t leat__exchange_integer(struct leat_exchange *x, char *before, const char *text, int64_t otherwise);
/* The Content-Type. false: none, or malformed. */
bool leat__exchange_media(struct leat_exchange *x, struct http_media *media);

/* The handler of a stream has returned; on its stack, because this may wait: what the end needs room for. */
void leat__stream_finish(struct leat_exchange *x);
/* Behind that: its last octets. */
void leat__stream_end(struct leat_exchange *x);
/* Before the output is sent: what has gathered of a chunk becomes one. */
void leat__stream_close_chunk(struct leat_exchange *x);
/* Writes the head of a response whose content follows (x->way.stream). 0, -ENOMEM. */
int leat__response_begin_stream(struct leat_exchange *x);

/* The handler has returned, on whose stack we still are, and response.json is there: its text ends. */
void leat__json_finish(struct leat_exchange *x);

/* Writes the response's head and, where it fits, content into the output; the rest is told to loop_send by
 * leat__exchange_to_send. */
void leat__response_send(struct leat_exchange *x);

/* Fills x->send with what is to be sent next: the output first, then what the response refers to, of a file at most
 * SEND_WINDOW octets. X_MORE is set when there is more behind it: then call again when this has been sent. WAIT: the file's
 * next window is being brought into memory (a work, x->work; or X_RETRY: ask again soon). BROKEN: the file has changed: the
 * response can't be ended well. */
enum send_next { SEND_NOW, SEND_WAIT, SEND_BROKEN };
enum { SEND_WINDOW = 4 << 20, SEND_GUARDED = 4096 };
enum send_next leat__exchange_to_send(struct leat_exchange *x);

/* Octets of the response's content that have not been handed to the kernel. */
uint64_t leat__exchange_unsent(const struct leat_exchange *x);

/* A work has come back: lets it finish, and go. gone: the connection has been closed meanwhile. */
void leat__exchange_work_done(struct leat_exchange *x, struct work *work, bool gone);

/* The client's address: what the PROXY header said, or what the kernel says. */
void leat__exchange_peer(struct leat_exchange *x, struct net_peer *peer);

/* What is known of x (or nothing, of NULL), as fields of an event: request_id, method, route. */
void leat__exchange_tell(const struct leat_exchange *x, struct event_fields *fields);
/* The response is a problem of ours (500 and up, but no 503). */
void leat__exchange_tell_failure(struct leat_exchange *x);

/* The record of the request that is over. */
void leat__exchange_log(struct leat_exchange *x);

/* ── What a prepare function does (exchange/prepare.c) ── */

/* What it found rests in x->prepared until the exchange ends; then let_go(x, prepared) is called, exactly once, also when
 * the connection dies. */
void leat__exchange_keep(struct leat_exchange *x, void *prepared,
                         void (*let_go)(struct leat_exchange *x, void *prepared));

/* PLAN_WORK bytes, 16-aligned and not cleared, that begin with a struct work; NULL: all are under way, counted: answer
 * 503. One at a time for an exchange. done is called on the shard's thread when the work has come back, with x, or with
 * NULL when its connection has been closed in the meantime; then the work's memory goes back. Until then the exchange stays
 * where it is, with all that it holds: a work may point into it. */
struct work *leat__exchange_work(struct leat_exchange *x);
void leat__exchange_submit(struct leat_exchange *x, struct work *work, void (*run)(struct work *),
                           void (*done)(struct leat_exchange *x, struct work *work));

/* On the stack of x's handler, which has submitted a work or found none free (X_RETRY): until that has come back, or for a
 * moment. 0; else the client is gone (and the work is back). */
int leat__exchange_await_work(struct leat_exchange *x);

/* A response of several parts of one file, each behind octets of its own (multipart/byteranges; a single one has none).
 * pieces lie in the arena; total is the Content-Length; tail octets come behind the last. lines: complete field lines with
 * Content-Type among them. fd or bytes (NULL: fd): where offsets count from. */
struct response_piece {
    const char *head;
    size_t head_size;
    uint64_t offset, size;
};
void leat__response_pieces(struct leat_exchange *x, int status, const char *lines,
                           size_t lines_size, const struct response_piece *pieces, uint32_t count,
                           const char *tail, size_t tail_size, int fd, const char *bytes,
                           leat_release_function *release, void *argument);

/* A whole response from memory or a descriptor that stay until release(argument): as leat_bytes_borrow and
 * leat_send_file_borrow, with complete field lines in place of a media type. bytes NULL: fd. */
void leat__response_borrow(struct leat_exchange *x, int status, const char *lines,
                           size_t lines_size, const char *bytes, int fd, uint64_t offset,
                           uint64_t size, leat_release_function *release, void *argument);

/* A response of a file that must not have changed while it was sent: still(argument) is asked before its last octets go
 * out; false: the connection breaks instead, so that the client knows. */
void leat__response_guard(struct leat_exchange *x, bool (*still)(void *argument), void *argument);

/* The memory of the shard whose thread this is; NULL on other threads. Set by the shard's thread. */
extern _Thread_local struct shard_memory *leat__shard_memory_here;

/* A pool was empty: counter tells which, and name. x: for which request; NULL: for none yet. */
static inline void count_refusal(uint64_t *counter, enum event_kind event, const char *name,
                                 const struct leat_exchange *x)
{
    ++*counter;
    leat__event(event);
    PROBE(refused, probe_text(name), x);
}

/* The same, once for a request: for the first that was. */
static inline void exchange_count_refusal(struct leat_exchange *x, uint64_t *counter,
                                          enum event_kind event, const char *name)
{
    if (x->flags & X_REFUSED)
        return;
    x->flags |= X_REFUSED;
    count_refusal(counter, event, name, x);
}

/* Response content in memory of the exchange: copies bytes into it. NULL: remembered. */
char *leat__response_memory(struct leat_exchange *x, size_t size);
/* Makes the response; content must outlive it. type_line may be NULL. */
void leat__response_make(struct leat_exchange *x, int status, const char *type_line,
                         size_t type_size, const char *content, uint64_t size);
void leat__response_let_go(struct leat_exchange *x);
/* The fields in one piece, the response's own lines first, but for those that were replaced; NULL: no memory. */
const char *leat__response_gather(struct leat_exchange *x, size_t *size);
void leat__response_remove_field(struct leat_exchange *x, const char *name);
bool leat__response_has_field(const struct leat_exchange *x, const char *name);
/* A field that counts only if the head, when it is made, has no other of its name; of HTML: and its media type is
 * text/html. 0, -EINVAL, -EALREADY, -ENOMEM. */
int leat__field_default(struct leat_exchange *x, const char *name, const char *value,
                        enum field_default how);
/* The request's notes, made when there are none yet; NULL: no memory. */
struct exchange_notes *leat__exchange_notes(struct leat_exchange *x);

/* Makes the answer when the chain's own can't be given: 503, or 500. Needs no memory. */
void leat__response_in_need(struct leat_exchange *x, int status);
/* The response is an error of ours: the hooks are told, and a browser gets a page (error_page.c). */
void leat__response_tell_error(struct leat_exchange *x);
/* Makes the problem that the response is into a page, if the client takes one and there is memory for it. */
void leat__error_page(struct leat_exchange *x);
/* What the errno of a failure is to a client. */
int leat__error_status(int error);
/* Of the server's own: a program that sets one would lie. */
bool leat__field_is_framing(const char *name);
/* Not to be sent: no name, no value, or a framing field. */
bool leat__field_is_none(const char *name, const char *value);
/* A complete line in the arena. 0, -ENOMEM. */
int leat__field_make(struct leat_exchange *x, const char *name, const char *value,
                     struct response_field **made);

/* ── Trailers (trailers.c) ── */

/* Octets that are still to be sent behind the content; 0 where the client takes none. */
size_t leat__trailers_size(const struct leat_exchange *x);
/* Before a chunked response's head is made: names those that are known. */
void leat__trailers_announce(struct leat_exchange *x);
/* Until the output is with the kernel: at a handler's end of a write. 0, or why not. */
int leat__stream_flush(struct leat_exchange *x);

/* The response made so far counts no more. */
static inline void response_forget(struct leat_exchange *x)
{
    if (UNLIKELY(x->flags & X_HOLDS))
        leat__response_let_go(x);
}

/* The last link of the unrouted chain. */
void leat__answer_unrouted(leat_exchange *x);

#endif
