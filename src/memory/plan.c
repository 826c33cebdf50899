/* plan.c: from the numbers that people say to the number of objects in every pool, and to what they cost.
 *
 * First the counts per shard (derive), from them the bytes of a shard's region by the pools' own footprint functions
 * (so the plan cannot differ from what the pools take), then the rows that are told, then what does not fit is
 * refused. Everything is arithmetic; the same input always gives the same plan. */
#include "memory/plan.h"
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>

/* What the kernel holds for us, in bytes, as `./dev million` measures it: a socket with its file and inode, a poll on
 * it, and what may wait in the two buffers of an active connection. */
enum {
    KERNEL_SOCKET = 3700,
    KERNEL_POLL_URING = 264,
    KERNEL_POLL_EPOLL = 200,
    KERNEL_SOCKET_BUFFERS = 32768,
    KERNEL_URING_SUBMISSION = 64 + 4,
    KERNEL_URING_COMPLETION = 16,
    KERNEL_URING_FIXED = 3 * 4096,
};

/* Descriptors beside connections and files: standard streams, the rings or epolls and wake-ups of a shard, and what
 * the program keeps open. */
enum { DESCRIPTORS_SHARD = 4, DESCRIPTORS_PROGRAM = 16 };

_Static_assert(PLAN_ROOM % PAGE_SIZE_BYTES == 0 && PLAN_RECEIVE % PAGE_SIZE_BYTES == 0 &&
                   PLAN_CHUNK % PAGE_SIZE_BYTES == 0 && PLAN_LARGE % PAGE_SIZE_BYTES == 0,
               "buffers are trimmed by the page");
_Static_assert(PLAN_LARGE > PLAN_RECEIVE && PLAN_RECEIVE >= PLAN_CHUNK,
               "what outgrows one kind of buffer fits the next");
_Static_assert(PAGE_SIZE_BYTES % PLAN_SLOT == 0, "slots form one array");

struct refusal {
    char *text;
    size_t size;
};

static int __attribute__((format(printf, 3, 4)))
refuse(struct refusal to, int error, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    if (to.size > 0)
        vsnprintf(to.text, to.size, format, arguments);
    va_end(arguments);
    return error;
}

static const char *human(char text[PLAN_HUMAN_SIZE], uint64_t bytes)
{
    return leat__plan_human(text, bytes);
}

/* ── Counts ── */

static uint64_t ceil_div(uint64_t a, uint64_t b)
{
    return a / b + (a % b != 0);
}

static uint64_t ceil_sqrt(uint64_t n)
{
    uint64_t root = 0;
    while (root * root < n)
        root++;
    return root;
}

static uint32_t floor_power(uint32_t n)
{
    return n == 0 ? 0 : (uint32_t)1 << (31 - __builtin_clz(n));
}

static uint64_t ceil_power(uint64_t n)
{
    uint64_t power = 1;
    while (power < n)
        power <<= 1;
    return power;
}

static uint32_t clamp(uint32_t n, uint32_t low, uint32_t high)
{
    return n < low ? low : n > high ? high : n;
}

/* The kernel spreads connections over the shards by hash: with n + 6√n seats for n a shard is full before the others
 * once in a billion starts. */
static uint32_t seats(const struct plan_input *in)
{
    uint64_t n = ceil_div(in->connections, in->shards);
    if (in->shards > 1)
        n += 6 * ceil_sqrt(n);
    uint64_t per_slab = leat__pool_slab_size(PLAN_SLOT) / PLAN_SLOT;
    return (uint32_t)(ceil_div(n, per_slab) * per_slab);
}

static void derive(struct plan *plan)
{
    const struct plan_input *in = &plan->input;
    plan->slots = seats(in);
    plan->rooms = (uint32_t)ceil_div(in->exchanges, in->shards);
    plan->rooms = plan->rooms < 8 ? 8 : plan->rooms;
    plan->receive_ring = clamp(floor_power(plan->rooms), 8, 256);
    plan->receives = plan->rooms + 2 + plan->receive_ring;
    plan->larges = in->large_buffers > 0  ? (uint32_t)ceil_div(in->large_buffers, in->shards)
                   : plan->rooms / 16 < 4 ? 4
                                          : plan->rooms / 16;
    plan->chunks = plan->rooms / 2 < 16 ? 16 : plan->rooms / 2;
    plan->queue_entries = in->private_descriptors ? 32 : 256;
    plan->content = ceil_div(ceil_div(in->content_total, in->shards), CONTENT_BLOCK_MIN) *
                    CONTENT_BLOCK_MIN;
    plan->file_cache = in->file_cache / in->shards / 16 * 16;
    plan->file_descriptors = (uint32_t)ceil_div(in->file_descriptors, in->shards);
    plan->tasks = (uint32_t)ceil_div(in->tasks, in->shards);
    plan->works = in->file_threads > 0 ? PLAN_WORKS : 0;
    for (uint32_t i = 0; i < in->user_pool_count; i++)
        plan->user_counts[i] = (uint32_t)ceil_div(in->user_pools[i].count, in->shards);
}

/* ── What makes no sense ── */

enum {
    PLAN_COUNT_MAX = 1 << 28,
    URING_EXCHANGES_MAX = 65000, /* a completion names its receive buffer by 16 bits; the ring has up to 256 more */
};

static int check_user_pools(const struct plan_input *in, struct refusal to)
{
    if (in->user_pool_count > PLAN_USER_POOLS_MAX)
        return refuse(to, -EINVAL, "pools %u: there is room for %d: join some", in->user_pool_count,
                      PLAN_USER_POOLS_MAX);
    for (uint32_t i = 0; i < in->user_pool_count; i++) {
        const struct plan_user_pool *u = &in->user_pools[i];
        if (u->object_size == 0 || u->object_size > (1u << 30))
            return refuse(to, -EINVAL, "pool \"%s\", objects of %zu bytes: give 1 byte to 1 GiB",
                          u->name, u->object_size);
        if (u->count == 0 || u->count > PLAN_COUNT_MAX)
            return refuse(to, -EINVAL, "pool \"%s\", %zu objects: give 1 to %d", u->name, u->count,
                          PLAN_COUNT_MAX);
    }
    return 0;
}

static int check_input(const struct plan_input *in, struct refusal to)
{
    if (in->shards == 0 || in->shards > PLAN_SHARDS_MAX)
        return refuse(to, -EINVAL, "--shards %u: give 1 to %d", in->shards, PLAN_SHARDS_MAX);
    if (in->connections == 0 || in->connections > PLAN_COUNT_MAX)
        return refuse(to, -EINVAL, "--connections %u: give 1 to %d", in->connections, PLAN_COUNT_MAX);
    if (in->exchanges == 0 || in->exchanges > PLAN_COUNT_MAX)
        return refuse(to, -EINVAL, "--exchanges %u: give 1 to %d", in->exchanges, PLAN_COUNT_MAX);
    if (in->uring && ceil_div(in->exchanges, in->shards) > URING_EXCHANGES_MAX)
        return refuse(to, -EINVAL,
                      "--exchanges %u: io_uring holds at most %d for each shard: lower it, raise "
                      "--shards, or take --loop epoll",
                      in->exchanges, URING_EXCHANGES_MAX);
    uint64_t content_most = (uint64_t)CONTENT_BLOCK_MIN << (CONTENT_ORDERS - 1);
    if (in->content_max > content_most || in->content_total / in->shards > content_most) {
        char most[PLAN_HUMAN_SIZE];
        bool one = in->content_max > content_most;
        return refuse(to, -EINVAL, "%s %llu: give at most %s%s", one ? "--content-max" : "--content-total",
                      (unsigned long long)(one ? in->content_max : in->content_total),
                      human(most, content_most), one ? "" : " for each shard");
    }
    if (in->guards_are_mappings && in->tasks > PLAN_TASK_GUARDS)
        return refuse(
            to, -EINVAL,
            "--tasks %u: this kernel (before 6.13) guards at most %d stacks of a process: lower it",
            in->tasks, PLAN_TASK_GUARDS);
    return check_user_pools(in, to);
}

/* A content is held in one piece, in a block of the next power of two. */
static int check_content(const struct plan *plan, struct refusal to)
{
    const struct plan_input *in = &plan->input;
    uint64_t block = in->content_max == 0 ? 0
                                          : ceil_power(size_max(in->content_max, CONTENT_BLOCK_MIN));
    if (plan->content >= block)
        return 0;
    char max[PLAN_HUMAN_SIZE], needs[PLAN_HUMAN_SIZE], total[PLAN_HUMAN_SIZE], has[PLAN_HUMAN_SIZE];
    char more[PLAN_HUMAN_SIZE], less[PLAN_HUMAN_SIZE];
    uint64_t fits = plan->content == 0 ? 0 : ceil_power(plan->content + 1) / 2;
    return refuse(to, -E2BIG,
                  "--content-max %s needs a block of %s in each of %u shards, and --content-total "
                  "%s gives each "
                  "%s: raise --content-total to %s or lower --content-max to %s",
                  human(max, in->content_max), human(needs, block), in->shards,
                  human(total, in->content_total), human(has, plan->content),
                  human(more, block * in->shards), human(less, fits));
}

/* ── Rows ── */

static void add_row(struct plan *plan, struct plan_row row)
{
    ASSERT(plan->row_count < PLAN_ROWS_MAX);
    plan->rows[plan->row_count++] = row;
    if (row.kind == PLAN_OURS)
        plan->ours += row.bytes;
    else if (row.kind == PLAN_KERNEL)
        plan->kernel += row.bytes;
    else
        plan->descriptors += row.count;
}

/* A pool of every shard: footprint is one shard's. Its bytes join the shard's region. */
static void add_pool(struct plan *plan, struct plan_row row, uint64_t footprint)
{
    row.kind = PLAN_OURS;
    row.count *= plan->input.shards;
    row.bytes = footprint * plan->input.shards;
    plan->shard_bytes += footprint;
    add_row(plan, row);
}

static void add_buffers(struct plan *plan, const char *what, uint64_t each, uint64_t count,
                        const char *note)
{
    add_pool(plan,
             (struct plan_row){
                 .what = what, .each = each, .count = count, .option = "--exchanges", .note = note},
             leat__buffer_pool_footprint(each, count));
}

static void tell_files(struct plan *plan)
{
    if (plan->file_cache > 0)
        add_pool(plan,
                 (struct plan_row){.what = "file cache",
                                   .option = "--file-cache",
                                   .note = "small files, and what is known of larger ones"},
                 leat__cache_footprint(plan->file_cache));
    if (plan->works > 0)
        add_pool(plan,
                 (struct plan_row){.what = "file work",
                                   .each = PLAN_WORK,
                                   .count = plan->works,
                                   .option = "nothing",
                                   .note = "files that are being fetched from the disk"},
                 leat__pool_footprint(PLAN_WORK, plan->works));
}

static void tell_records(struct plan *plan)
{
    const struct plan_input *in = &plan->input;
    if (in->peers)
        add_pool(plan,
                 (struct plan_row){.what = "client address",
                                   .each = PLAN_PEER,
                                   .count = plan->slots,
                                   .option = "--connections",
                                   .note = "for the access log and the PROXY protocol"},
                 align_up((uint64_t)PLAN_PEER * plan->slots, CACHE_LINE));
    if (in->log_ring > 0)
        add_pool(plan,
                 (struct plan_row){.what = "access records",
                                   .option = "--access-log-buffer",
                                   .note = "until the log's writer has them"},
                 align_up(in->log_ring, PAGE_SIZE_BYTES));
}

static void tell_tasks(struct plan *plan)
{
    const struct plan_input *in = &plan->input;
    if (plan->tasks == 0)
        return;
    add_pool(plan,
             (struct plan_row){.what = "task stack",
                               .each = in->stack,
                               .count = plan->tasks,
                               .option = "--tasks",
                               .note = "of handlers that wait; pages as they are touched"},
             leat__stack_pool_footprint(in->stack, plan->tasks));
    add_pool(plan,
             (struct plan_row){.what = "task",
                               .each = in->task_bytes,
                               .count = plan->tasks,
                               .option = "--tasks",
                               .note = "what is known of one"},
             align_up((uint64_t)in->task_bytes * plan->tasks, CACHE_LINE));
    if (in->route_count > 0)
        add_pool(plan,
                 (struct plan_row){.what = "route figures",
                                   .each = PLAN_ROUTE_DEPTH,
                                   .count = in->route_count,
                                   .option = "the number of routes",
                                   .note = "how deep their handlers go"},
                 align_up((uint64_t)PLAN_ROUTE_DEPTH * in->route_count, CACHE_LINE));
}

size_t leat__plan_metrics(uint32_t route_count)
{
    return align_up(PLAN_METRICS + (size_t)PLAN_ROUTE_METRICS * clamp(route_count, 1, PLAN_METRICS_ROUTES),
                    PAGE_SIZE_BYTES);
}

/* Of every shard, and once more for the threads that are none. */
static void tell_own_metrics(struct plan *plan)
{
    const struct plan_input *in = &plan->input;
    uint64_t footprint = align_up(in->own_metrics, CACHE_LINE);
    if (footprint == 0)
        return;
    plan->shard_bytes += footprint;
    add_row(plan, (struct plan_row){.what = "own metrics",
                                    .bytes = footprint * in->shards + in->own_metrics_shared,
                                    .option = "the values of leat_histogram_create and its like",
                                    .note = "the program's counters, gauges and histograms"});
}

static void tell_pools(struct plan *plan)
{
    add_pool(plan,
             (struct plan_row){.what = "connection slot",
                               .each = PLAN_SLOT,
                               .count = plan->slots,
                               .option = "--connections",
                               .note = "a seat, all that a quiet connection holds"},
             leat__pool_footprint(PLAN_SLOT, plan->slots));
    add_buffers(plan, "exchange", PLAN_ROOM, plan->rooms,
                "request, first arena chunk and output of an active connection");
    add_buffers(plan, "receive buffer", PLAN_RECEIVE, plan->receives,
                "bytes as they come; io_uring keeps some ready");
    add_buffers(plan, "arena chunk", PLAN_CHUNK, plan->chunks, "what a handler allocates further");
    add_buffers(plan, "large buffer", PLAN_LARGE, plan->larges, "large heads and large pieces");
    add_pool(plan,
             (struct plan_row){.what = "content",
                               .option = "--content-total",
                               .note = "shared by all requests of a shard"},
             leat__content_footprint(plan->content));
    for (uint32_t i = 0; i < plan->input.user_pool_count; i++) {
        const struct plan_user_pool *u = &plan->input.user_pools[i];
        size_t size = align_up(u->object_size, 16);
        add_pool(plan,
                 (struct plan_row){.what = u->name,
                                   .each = size,
                                   .count = plan->user_counts[i],
                                   .option = "the count of leat_pool_create",
                                   .note = "the program's own pool"},
                 leat__pool_footprint(size, plan->user_counts[i]));
    }
    tell_files(plan);
    tell_tasks(plan);
    tell_records(plan);
    add_pool(plan,
             (struct plan_row){.what = "metrics",
                               .each = PLAN_ROUTE_METRICS,
                               .count = clamp(plan->input.route_count, 1, PLAN_METRICS_ROUTES),
                               .option = "the number of routes",
                               .note = "histograms, of each route one; pages as they are touched"},
             leat__plan_metrics(plan->input.route_count));
    tell_own_metrics(plan);
}

uint32_t leat__plan_guest_parts(uint64_t bytes, uint32_t shards)
{
    uint64_t most = bytes / (PLAN_GUEST_MIN / 2);
    return clamp(shards, 1, most < 8 ? (uint32_t)most : 8);
}

static void tell_guests(struct plan *plan)
{
    const struct plan_input *in = &plan->input;
    for (uint32_t i = 0; i < in->guest_count; i++) {
        uint64_t bytes = in->guests[i].bytes;
        add_row(plan, (struct plan_row){.what = in->guests[i].name,
                                        .bytes = leat__guest_footprint(
                                            bytes, leat__plan_guest_parts(bytes, in->shards)),
                                        .option = "the size of leat_guest_create",
                                        .note = "a library's heap, shared by all shards"});
    }
}

static void tell_rest(struct plan *plan)
{
    const struct plan_input *in = &plan->input;
    uint64_t pools = plan->shard_bytes;
    plan->shard_bytes = align_up(pools, PAGE_SIZE_BYTES);
    if (in->route_bytes != 0)
        add_row(plan, (struct plan_row){.what = "routes",
                                        .bytes = in->route_bytes,
                                        .option = "the number of routes",
                                        .note = "compiled, shared by all shards"});
    if (in->table_bytes != 0)
        add_row(plan,
                (struct plan_row){.what = "middleware tables",
                                  .bytes = in->table_bytes,
                                  .option = "the limiters' clients, the sessions' count",
                                  .note = "of rate limits and sessions, shared by all shards"});
    add_row(plan, (struct plan_row){.what = "shard state",
                                    .each = PLAN_SHARD_STATE,
                                    .count = in->shards,
                                    .bytes = in->shards * (PLAN_SHARD_STATE + plan->shard_bytes - pools),
                                    .option = "--shards",
                                    .note = "timer wheel, mailbox, counters, loop"});
    add_row(plan, (struct plan_row){.what = "stack",
                                    .each = PLAN_STACK,
                                    .count = in->shards,
                                    .bytes = (uint64_t)PLAN_STACK * in->shards,
                                    .option = "--shards",
                                    .note = "addresses; pages as they are touched"});
    if (in->file_threads > 0)
        add_row(plan, (struct plan_row){.what = "worker stack",
                                        .each = PLAN_WORKER_STACK,
                                        .count = (uint64_t)in->file_threads * in->shards,
                                        .bytes = (uint64_t)PLAN_WORKER_STACK * in->file_threads * in->shards,
                                        .option = "--file-threads",
                                        .note = "of threads that read files; as they are touched"});
    for (uint32_t i = 0; i < in->thread_pool_count; i++)
        add_row(plan,
                (struct plan_row){.what = in->threads[i].what,
                                  .each = in->threads[i].stack,
                                  .count = in->threads[i].count,
                                  .bytes = in->threads[i].stack * in->threads[i].count,
                                  .option = "the threads of leat_blocking_create",
                                  .note = "of threads for calls that block; as they are touched"});
    if (in->bundles > 0)
        add_row(plan, (struct plan_row){.what = "bundle",
                                        .bytes = align_up(in->bundles, PAGE_SIZE_BYTES),
                                        .option = "the size of --bundle",
                                        .note = "mapped from its file, shared by all shards"});
    tell_guests(plan);
    if (in->admin > 0)
        add_row(plan,
                (struct plan_row){.what = "admin listener",
                                  .bytes = in->admin,
                                  .option = "--admin off",
                                  .note = "the live page and the metrics, a server of their own"});
    if (in->event_log > 0)
        add_row(plan, (struct plan_row){
                          .what = "event log",
                          .bytes = in->event_log,
                          .option = "nothing",
                          .note = "lines until its writer has them, and the newest warnings"});
    add_row(plan, (struct plan_row){.what = "program, libraries",
                                    .bytes = PLAN_PROGRAM,
                                    .option = "nothing",
                                    .note = "estimated; mapped from files"});
}

static void add_kernel(struct plan *plan, const char *what, uint64_t each, uint64_t count,
                       const char *option, const char *note)
{
    add_row(plan, (struct plan_row){.what = what,
                                    .kind = PLAN_KERNEL,
                                    .each = each,
                                    .count = count,
                                    .bytes = each * count,
                                    .option = option,
                                    .note = note});
}

static void tell_kernel(struct plan *plan)
{
    const struct plan_input *in = &plan->input;
    uint64_t listeners = (uint64_t)in->listeners * in->shards;
    uint64_t connections = (uint64_t)plan->slots * in->shards;
    add_kernel(plan, "socket", KERNEL_SOCKET, connections + listeners, "--connections",
               "with its file and inode");
    add_kernel(plan, "poll", in->uring ? KERNEL_POLL_URING : KERNEL_POLL_EPOLL,
               connections + listeners, "--connections", "how a quiet connection waits");
    add_kernel(plan, "socket buffers", KERNEL_SOCKET_BUFFERS, (uint64_t)plan->rooms * in->shards,
               "--exchanges", "of active connections");
    if (in->uring)
        add_kernel(plan, "rings",
                   align_up((uint64_t)plan->queue_entries *
                                    (KERNEL_URING_SUBMISSION + 4 * KERNEL_URING_COMPLETION) +
                                plan->receive_ring * 16u + KERNEL_URING_FIXED,
                            PAGE_SIZE_BYTES),
                   in->shards, "--loop epoll", "io_uring's queues");
    add_row(plan, (struct plan_row){.what = "page tables",
                                    .kind = PLAN_KERNEL,
                                    .bytes = align_up(plan->ours / 512, PAGE_SIZE_BYTES) +
                                             (uint64_t)in->shards * 3 * PAGE_SIZE_BYTES,
                                    .option = "--memory",
                                    .note = "8 bytes for each page of ours"});
}

static void tell_descriptors(struct plan *plan)
{
    const struct plan_input *in = &plan->input;
    uint64_t tables = in->private_descriptors ? 1 : in->shards; /* shards in one table */
    struct plan_row row = {.kind = PLAN_DESCRIPTORS, .option = "--connections"};
    row.what = "connections";
    row.count = plan->slots * tables;
    row.note = in->private_descriptors ? "in the table of one shard" : "in the one table";
    add_row(plan, row);
    row.what = "files being sent";
    row.count = plan->rooms * tables;
    row.option = "--exchanges";
    add_row(plan, row);
    if (plan->file_descriptors > 0) {
        row.what = "files kept open";
        row.count = plan->file_descriptors * tables;
        row.option = "--file-descriptors";
        add_row(plan, row);
    }
    row.what = "listeners, loops, others";
    row.count = ((uint64_t)in->listeners + DESCRIPTORS_SHARD) * in->shards + DESCRIPTORS_PROGRAM;
    row.option = "--listen";
    row.note = "the main thread holds all listeners";
    add_row(plan, row);
}

/* ── What does not fit ── */

/* Of those that something makes smaller. */
static const struct plan_row *largest_row(const struct plan *plan, enum plan_kind last_kind)
{
    const struct plan_row *largest = &plan->rows[0];
    for (uint32_t i = 1; i < plan->row_count; i++) {
        const struct plan_row *row = &plan->rows[i];
        if (row->kind <= last_kind && row->bytes > largest->bytes && strcmp(row->option, "nothing") != 0)
            largest = row;
    }
    return largest;
}

static int check_sums(const struct plan *plan, struct refusal to)
{
    const struct plan_input *in = &plan->input;
    char limit[PLAN_HUMAN_SIZE], needs[PLAN_HUMAN_SIZE], row[PLAN_HUMAN_SIZE];
    if (in->memory != 0 && plan->ours > in->memory) {
        const struct plan_row *largest = largest_row(plan, PLAN_OURS);
        return refuse(
            to, -E2BIG,
            "--memory %s: the plan needs %s, the most for \"%s\" (%s): lower %s or raise --memory",
            human(limit, in->memory), human(needs, plan->ours), largest->what,
            human(row, largest->bytes), largest->option);
    }
    if (in->machine_memory != 0 && plan->ours + plan->kernel > in->machine_memory) {
        const struct plan_row *largest = largest_row(plan, PLAN_KERNEL);
        return refuse(to, -E2BIG,
                      "the machine (or its cgroup) has %s: the plan needs %s with the kernel's "
                      "part, the most for "
                      "\"%s\" (%s): lower %s",
                      human(limit, in->machine_memory), human(needs, plan->ours + plan->kernel),
                      largest->what, human(row, largest->bytes), largest->option);
    }
    /* with room for what a program opens itself, so that the next start does not ask for more */
    unsigned long long enough = (plan->descriptors + 64 + 255) / 256 * 256;
    bool is_least = plan->slots <= leat__pool_slab_size(PLAN_SLOT) / PLAN_SLOT && plan->rooms <= 8;
    if (in->descriptor_limit != 0 && plan->descriptors > in->descriptor_limit)
        return refuse(to, -E2BIG,
                      "RLIMIT_NOFILE %u: the plan needs %llu descriptors in %s: raise it to %llu "
                      "(ulimit -n %llu)%s",
                      in->descriptor_limit, (unsigned long long)plan->descriptors,
                      in->private_descriptors ? "a shard's table" : "one table", enough, enough,
                      is_least                  ? ""
                      : in->private_descriptors ? ", raise --shards or lower --connections"
                                                : ", lower --connections or --exchanges, or give "
                                                  "every shard a table of its own by "
                                                  "--private-descriptors");
    return 0;
}

int leat__plan_make(struct plan *plan, const struct plan_input *input, char *error, size_t error_size)
{
    struct refusal to = {.text = error, .size = error_size};
    clear_untouched(plan, sizeof *plan);
    plan->input = *input;
    if (error_size > 0)
        error[0] = '\0';
    int result = check_input(input, to);
    if (result < 0)
        return result;
    derive(plan);
    tell_pools(plan);
    tell_rest(plan);
    tell_kernel(plan);
    tell_descriptors(plan);
    result = check_content(plan, to);
    return result < 0 ? result : check_sums(plan, to);
}
