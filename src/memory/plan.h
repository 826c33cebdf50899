/* plan.h: a pure function: configuration in, table out. What, bytes each, how many, bytes. The pools of a server are
 * made from it and from nothing else (struct shard_memory, below), so the printed plan is the truth: `ours` is the most
 * that can be resident of what is ours. What the kernel holds for us is estimated beside it. */
#ifndef LEAT_PLAN_H
#define LEAT_PLAN_H

#include "base/base.h"
#include "memory/arena.h"
#include "memory/cache.h"
#include "memory/content.h"
#include "memory/guest.h"
#include "memory/pool.h"
#include "memory/region.h"
#include "memory/stack.h"

enum {
    PLAN_ROWS_MAX = 96,
    PLAN_USER_POOLS_MAX = 32,
    PLAN_GUESTS_MAX = 16,
    PLAN_GUEST_MIN = 1 << 20, /* bytes of a heap for a library */
    PLAN_THREAD_POOLS_MAX = 16,
    PLAN_EXCHANGE_PAGE = 4096, /* struct leat_exchange and the first chunk of its arena */
    PLAN_OUTPUT = 12288,       /* behind it: heads and small contents of a burst's responses */
    PLAN_ROOM = PLAN_EXCHANGE_PAGE + PLAN_OUTPUT, /* what an active connection borrows, in one piece */
    PLAN_RECEIVE = 16384,                         /* a receive buffer */
    PLAN_CHUNK = 4096,                            /* a further chunk of an arena */
    PLAN_LARGE = 65536,                           /* a large head, or a large piece of an arena */
    PLAN_SLOT = 32,                               /* a connection's seat */
    PLAN_PEER = 20,             /* a client's address, where they are remembered */
    PLAN_ROUTE_DEPTH = 16,      /* what a shard knows of a route */
    PLAN_METRICS = 53248,       /* what a shard records (observe/metrics.h) */
    PLAN_ROUTE_METRICS = 12288, /* and of each route */
    PLAN_METRICS_ROUTES = 256,  /* routes beyond share the last one's */
    PLAN_WORK = 8192,           /* what a worker is given: a path, and what it found */
    PLAN_WORKS = 48,            /* of a shard, under way at once; fewer than a mailbox holds */
    PLAN_TASK_GUARDS = 30000,   /* stacks whose guards are mappings: a process has 65,530 of them */
    PLAN_WORKER_STACK = 128 * 1024, /* addresses of a worker's stack */
    PLAN_SHARD_STATE = 128 * 1024, /* timer wheel, mailbox, counters and loop of a shard, at most */
    PLAN_STACK = 256 * 1024,       /* addresses of a shard's stack */
    PLAN_PROGRAM = 6 * 1024 * 1024, /* pages of the program and its libraries, estimated */
    PLAN_SHARDS_MAX = 1024,
};

struct plan_user_pool {
    const char *name;
    size_t object_size; /* bytes */
    size_t count;       /* in all; shared out over the shards, rounded up */
};

struct plan_guest {
    const char *name;
    uint64_t bytes;
};

struct plan_threads {
    const char *what; /* of their stacks */
    uint64_t stack;   /* bytes of each one's */
    uint32_t count;
};

struct plan_input {
    uint32_t shards;
    uint32_t connections;   /* in all */
    uint32_t exchanges;     /* in all: how many connections can be active at once */
    uint32_t large_buffers; /* in all; 0: as many as so many exchanges mostly need */
    uint64_t content_total; /* bytes in all */
    uint64_t content_max;   /* bytes of one request's content */
    uint32_t listeners;
    uint64_t memory;             /* bytes our rows may take; 0: not bounded */
    uint64_t route_bytes;        /* what the compiled routes take, once */
    uint32_t route_count;        /* of which each shard keeps figures */
    uint64_t own_metrics;        /* bytes of what the program counts itself, of each shard */
    uint64_t own_metrics_shared; /* and of all other threads, once */
    const void *own_metrics_of;  /* whose they are */
    uint64_t admin;              /* bytes of the admin listener's own server; 0: none */
    uint64_t event_log;          /* bytes of the process's event log; 0: it is another server's */
    uint64_t table_bytes;        /* what ready-made middleware keeps, once */
    bool private_descriptors;
    bool uring;                /* counts the rings' pages and the kernel's polls */
    uint32_t descriptor_limit; /* RLIMIT_NOFILE; 0: do not check */
    uint64_t machine_memory;   /* bytes, or the cgroup's limit; 0: do not check */
    const struct plan_user_pool *user_pools;
    uint32_t user_pool_count;
    struct plan_guest guests[PLAN_GUESTS_MAX]; /* heaps of libraries */
    uint32_t guest_count;
    struct plan_threads threads[PLAN_THREAD_POOLS_MAX]; /* the program's own pools of them */
    uint32_t thread_pool_count;
    /* 0 where nobody serves files */
    uint64_t file_cache;       /* bytes in all */
    uint32_t file_descriptors; /* files kept open, in all */
    uint32_t file_threads;     /* workers of a shard */
    uint64_t bundles;          /* bytes of packed folders, mapped once for all */
    uint64_t log_ring;         /* bytes of a shard's ring of access records; 0: no log */
    bool peers;                /* clients' addresses are remembered */
    uint32_t tasks; /* handlers that may wait, and tasks of the program's own, in all; 0: nothing waits */
    uint32_t task_bytes; /* of what is known of one, beside its stack */
    uint64_t stack; /* bytes of each one's stack, its guard among them; a multiple of the page */
    bool guards_are_mappings; /* each takes two of the process's mappings (memory/region.h) */
};

enum plan_kind { PLAN_OURS, PLAN_KERNEL, PLAN_DESCRIPTORS };

struct plan_row {
    const char *what;
    enum plan_kind kind;
    uint64_t each; /* bytes; 0: shared */
    uint64_t count;
    uint64_t bytes;     /* each * count with what the pool itself needs; for descriptors: 0 */
    const char *option; /* the option that makes it smaller */
    const char *note;   /* what it is for, half a line */
};

struct plan {
    struct plan_input input;
    /* per shard */
    uint32_t slots, rooms, receives, receive_ring, queue_entries, chunks, larges;
    uint64_t content;    /* bytes */
    uint64_t file_cache; /* bytes */
    uint32_t works, file_descriptors, tasks;
    uint32_t user_counts[PLAN_USER_POOLS_MAX];
    uint64_t shard_bytes; /* the region of one shard */
    /* told */
    struct plan_row rows[PLAN_ROWS_MAX];
    uint32_t row_count;
    uint64_t ours, kernel, descriptors; /* sums; descriptors: the most one table holds */
};

/* 0, or -E2BIG / -EINVAL with one line in error naming limit, value and way out. Calls nothing but arithmetic. */
int leat__plan_make(struct plan *plan, const struct plan_input *input, char *error, size_t error_size);

/* Parts of a library's heap, each with its own lock. */
uint32_t leat__plan_guest_parts(uint64_t bytes, uint32_t shards);

/* Where a route's row lies in what a shard records: bytes from the beginning. */
static inline uint32_t leat__plan_metrics_at(uint32_t route)
{
    return PLAN_METRICS +
           PLAN_ROUTE_METRICS * (route < PLAN_METRICS_ROUTES ? route : PLAN_METRICS_ROUTES - 1);
}

/* Bytes of what one shard records. */
size_t leat__plan_metrics(uint32_t route_count);

/* Whether a pool was used little for TRIM_AFTER_MS: its high water in each of the windows that make up that time. */
enum {
    TRIM_AFTER_MS = 30000,
    TRIM_WINDOW_MS = 5000,
    TRIM_WINDOWS = TRIM_AFTER_MS / TRIM_WINDOW_MS
};

struct trim_watch {
    uint32_t highs[TRIM_WINDOWS]; /* newest first */
    uint32_t keep;                /* the highest of them: what is needed */
    bool trimming;                /* less was needed than is there, and the rest is going back */
};

/* The memory of one shard, made from the plan and from nothing else. */
struct shard_memory {
    struct region region;
    struct pool slots;
    struct buffer_pool rooms, receive, chunks, larges;
    struct content_store content;
    struct cache file_cache;
    uint32_t file_descriptors; /* files that may be kept open */
    struct pool works;
    struct stack_pool stacks;
    char *tasks;    /* task_bytes for each */
    char *depths;   /* PLAN_ROUTE_DEPTH bytes for each route */
    char *peers;    /* PLAN_PEER bytes for each slot; NULL: they are not remembered */
    char *log_ring; /* NULL: no log */
    char *metrics;
    char *own_metrics; /* NULL: there are none */
    const void *own_metrics_of;
    uint32_t user_count;
    uint64_t trimmed_bytes, trim_calls; /* calls that gave something back */
    int64_t window_since_ms; /* start of the trimmer's window under way; 0: never called */
    struct trim_watch slots_watch, rooms_watch, receive_watch, chunks_watch, larges_watch,
        content_watch, stacks_watch;
    /* last: mostly there are few, and the pages of the others stay untouched */
    struct trim_watch user_watch[PLAN_USER_POOLS_MAX];
    struct pool user[PLAN_USER_POOLS_MAX];
};

int leat__shard_memory_open(struct shard_memory *m, const struct plan *plan, enum region_mode mode);
void leat__shard_memory_close(struct shard_memory *m);

/* Called about once a second on an idle turn: what a pool has not needed for 30 s (TRIM_AFTER_MS) goes back, at most
 * budget bytes of all pools together a call. Bytes given back; 0: nothing to do now. In commit mode never. */
size_t leat__shard_memory_trim(struct shard_memory *m, int64_t now_ms, size_t budget);

void leat__shard_memory_check(const struct shard_memory *m);

/* For people and for programs. write is given pieces of text. */
typedef void plan_write(void *to, const char *text, size_t size);
void leat__plan_print(const struct plan *plan, plan_write *write, void *to);
void leat__plan_print_json(const struct plan *plan, plan_write *write, void *to);

/* Bytes for people: "32 B", "30.7 MiB". Answers text. */
enum { PLAN_HUMAN_SIZE = 16 };
const char *leat__plan_human(char text[PLAN_HUMAN_SIZE], uint64_t bytes);

/* How the hot structs lie: rows of one struct follow each other, in the order of offsets. */
struct layout_row {
    const char *structure, *field; /* field NULL: the struct itself, its size; comes first */
    size_t offset, size;
};

#define LAYOUT_STRUCT(type)                                                                        \
    {                                                                                              \
#type, NULL, 0, sizeof(type)                                                               \
    }
#define LAYOUT_FIELD(type, field)                                                                  \
    {                                                                                              \
#type, #field, offsetof(type, field), sizeof(((type *)0)->field)                           \
    }

/* The rows of this room's structs: pool, buffer, buffer_pool, arena. */
const struct layout_row *leat__memory_layout(size_t *count);
void leat__plan_print_layout(const struct layout_row *rows, size_t count, plan_write *write, void *to);

#endif
