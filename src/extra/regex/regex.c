/* regex.c: routes by regular expressions (leat/regex.h): a matcher for each, and for each shard's thread what PCRE2 needs
 * while it matches.
 *
 * Nothing is allocated while requests are served. Machine code goes back on a stack that each thread has made before;
 * where there is none (no JIT for the processor, or none allowed) the interpreter goes back in frames, for which it asks
 * the allocator that it was given. That one hands out blocks of fixed sizes, in which those frames have room up to
 * the heap limit: they begin at 20 KiB and double, old and new are there at once while they are copied. A match that wants
 * more has reached the bound, as one that takes too many steps has. */
#define _GNU_SOURCE
#include <leat/leat.h>
#include <leat/regex.h>

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
    STEPS_MAX = 100000,
    GROUPS_MAX = 16, /* a route's parameters */
    JIT_STACK = 64 << 10,
    HEAP_LIMIT = 64, /* KiB */
    BLOCKS = 5,
};

/* For the context, the match data, and frames. */
static const size_t block_sizes[BLOCKS] = {1 << 10, 4 << 10, 32 << 10, HEAP_LIMIT << 10,
                                           HEAP_LIMIT << 10};

struct regex {
    pcre2_code *code;
    char *told; /* what is said when it is over the bound, once */
    uint32_t group_count;
    const char *names[GROUPS_MAX + 1]; /* of groups; NULL: by number alone */
    atomic_bool is_told;
};

/* Of a shard's thread, for all expressions. */
struct thread {
    unsigned users; /* expressions */
    char *blocks;
    bool taken[BLOCKS];
    pcre2_general_context *general;
    pcre2_match_context *context;
    pcre2_match_data *data;
    pcre2_jit_stack *stack;
};

static _Thread_local struct thread *here;
static atomic_uint_fast64_t limits;

uint64_t leat_regex_limits(void)
{
    return atomic_load_explicit(&limits, memory_order_relaxed);
}

/* ── The memory of a thread ── */

static void *take_block(size_t size, void *data)
{
    struct thread *thread = data;
    char *block = thread->blocks;
    for (int i = 0; i < BLOCKS; block += block_sizes[i++]) {
        if (thread->taken[i] || block_sizes[i] < size)
            continue;
        thread->taken[i] = true;
        return block;
    }
    return NULL;
}

static void give_block_back(void *given, void *data)
{
    struct thread *thread = data;
    char *block = thread->blocks;
    for (int i = 0; i < BLOCKS; block += block_sizes[i++])
        if (given == block)
            thread->taken[i] = false;
}

static void destroy_thread(struct thread *thread)
{
    pcre2_jit_stack_free(thread->stack);
    pcre2_match_context_free(thread->context);
    pcre2_match_data_free(thread->data);
    pcre2_general_context_free(thread->general);
    free(thread->blocks);
    free(thread);
}

static struct thread *create_thread(void)
{
    size_t size = 0;
    struct thread *thread = calloc(1, sizeof *thread);
    if (thread == NULL)
        return NULL;
    for (int i = 0; i < BLOCKS; i++)
        size += block_sizes[i];
    thread->blocks = malloc(size);
    thread->context = pcre2_match_context_create(NULL);
    thread->stack = pcre2_jit_stack_create(JIT_STACK, JIT_STACK, NULL);
    thread->general = thread->blocks != NULL
                          ? pcre2_general_context_create(take_block, give_block_back, thread)
                          : NULL;
    if (thread->general != NULL) {
        thread->data = pcre2_match_data_create(GROUPS_MAX + 1, thread->general);
    }
    if (thread->data == NULL || thread->context == NULL || thread->stack == NULL) {
        destroy_thread(thread);
        return NULL;
    }
    pcre2_set_match_limit(thread->context, STEPS_MAX);
    pcre2_set_heap_limit(thread->context, HEAP_LIMIT);
    pcre2_jit_stack_assign(thread->context, NULL, thread->stack);
    return thread;
}

static void *enter_thread(void *unused)
{
    (void)unused;
    if (here == NULL)
        here = create_thread();
    if (here != NULL)
        here->users++;
    return here;
}

static void leave_thread(void *state)
{
    struct thread *thread = state;
    if (--thread->users > 0)
        return;
    if (here == thread)
        here = NULL;
    destroy_thread(thread);
}

/* ── Matching ── */

static void tell_limit(struct regex *regex)
{
    atomic_fetch_add_explicit(&limits, 1, memory_order_relaxed);
    if (atomic_exchange(&regex->is_told, true))
        return;
    ssize_t written = write(STDERR_FILENO, regex->told, strlen(regex->told));
    (void)written; /* nobody may be listening */
}

static void capture(const struct regex *regex, const char *path, int pairs, leat_captures *captures)
{
    const PCRE2_SIZE *at = pcre2_get_ovector_pointer(here->data);
    for (uint32_t i = 1; i <= regex->group_count; i++) {
        bool took_part = i < (uint32_t)pairs && at[2 * i] != PCRE2_UNSET && at[2 * i] <= at[2 * i + 1];
        leat_capture(captures, regex->names[i], took_part ? path + at[2 * i] : NULL,
                     took_part ? at[2 * i + 1] - at[2 * i] : 0);
    }
}

static bool match(void *data, const char *path, size_t size, leat_captures *captures)
{
    struct regex *regex = data;
    if (here == NULL) {
        leat_capture_refuse(captures, 500);
        return false;
    }
    int pairs = pcre2_match(regex->code, (PCRE2_SPTR)path, size, 0, 0, here->data, here->context);
    switch (pairs) {
    case PCRE2_ERROR_MATCHLIMIT:
    case PCRE2_ERROR_DEPTHLIMIT:
    case PCRE2_ERROR_HEAPLIMIT:
    case PCRE2_ERROR_JIT_STACKLIMIT:
    case PCRE2_ERROR_NOMEMORY:
        tell_limit(regex);
        leat_capture_refuse(captures, 503);
        return false;
    default:
        if (pairs <= 0) /* no match; or "(*UTF)" and a path that is not */
            return false;
        capture(regex, path, pairs, captures);
        return true;
    }
}

/* ── At start ── */

static void tell_error(leat_app *app, const char *format, ...) LEAT_PRINTF(2, 3);
static void tell_error(leat_app *app, const char *format, ...)
{
    char line[400];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(line, sizeof line, format, arguments);
    va_end(arguments);
    leat_app_error(app, line);
}

static void destroy(void *thing)
{
    struct regex *regex = thing;
    pcre2_code_free(regex->code);
    free(regex->told);
    free(regex);
}

static pcre2_code *compile(leat_app *app, const char *method, const char *expression)
{
    char message[160];
    int error;
    PCRE2_SIZE offset;
    pcre2_code *code = pcre2_compile((PCRE2_SPTR)expression, PCRE2_ZERO_TERMINATED,
                                     PCRE2_DOLLAR_ENDONLY | PCRE2_NEVER_BACKSLASH_C, &error,
                                     &offset, NULL);
    if (code == NULL) {
        pcre2_get_error_message(error, (PCRE2_UCHAR *)message, sizeof message);
        tell_error(app, "route %s \"%s\": at offset %zu: %s", method, expression, (size_t)offset, message);
    } else {
        pcre2_jit_compile(code, PCRE2_JIT_COMPLETE); /* where it can't be, the interpreter does it */
    }
    return code;
}

static void read_names(struct regex *regex)
{
    uint32_t count, entry_size;
    PCRE2_SPTR entry;
    pcre2_pattern_info(regex->code, PCRE2_INFO_NAMECOUNT, &count);
    pcre2_pattern_info(regex->code, PCRE2_INFO_NAMEENTRYSIZE, &entry_size);
    pcre2_pattern_info(regex->code, PCRE2_INFO_NAMETABLE, &entry);
    for (; count > 0; count--, entry += entry_size) { /* two octets of number, then the name */
        unsigned group = (unsigned)entry[0] << 8 | entry[1];
        if (group <= GROUPS_MAX)
            regex->names[group] = (const char *)entry + 2;
    }
}

static char *limit_message(const char *expression)
{
    char *told;
    if (asprintf(&told, "leat-regex: %s: a match was over the bound, and answered 503; said once\n",
                 expression) < 0)
        return NULL;
    return told;
}

void leat_route_regex_with(leat_app *app, const char *method, const char *expression,
                           leat_handler *handler, void *data)
{
    const char *shown = method != NULL ? method : "(null)";
    if (expression == NULL) {
        tell_error(app, "route %s: the expression is NULL", shown);
        return;
    }
    struct regex *regex = calloc(1, sizeof *regex);
    if (regex == NULL || (regex->told = limit_message(expression)) == NULL) {
        free(regex);
        tell_error(app, "route %s \"%s\": no memory", shown, expression);
        return;
    }
    leat_app_keep(app, regex, destroy);
    regex->code = compile(app, shown, expression);
    if (regex->code == NULL)
        return;
    pcre2_pattern_info(regex->code, PCRE2_INFO_CAPTURECOUNT, &regex->group_count);
    if (regex->group_count > GROUPS_MAX) {
        tell_error(app, "route %s \"%s\": %u groups, of at most %d; (?:…) is none", shown,
                   expression, regex->group_count, GROUPS_MAX);
        return;
    }
    read_names(regex);
    leat_on_shard(leat_group(app, ""), enter_thread, leave_thread, NULL);
    leat_route_match(app, method, expression, match, regex, handler, data);
}

void leat_route_regex(leat_app *app, const char *method, const char *expression, leat_handler *handler)
{
    leat_route_regex_with(app, method, expression, handler, NULL);
}
