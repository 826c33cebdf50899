/* config.c: defaults, and what a configuration must be to be one.
 *
 * What nobody asked for is found by asking the plan: the largest number of exchanges and of
 * connections that fit the memory and the descriptors of this machine, up to a comfortable bound. So
 * the defaults can't contradict the plan, whatever a connection comes to cost. What was asked for is
 * left alone: if it does not fit, the plan says so. */
#include "config/config.h"

#include "net/net.h"
#include "observe/events.h"
#include "task/task.h"
#include "config/option_values.h"
#include "config/options.h"
#include <errno.h>
#include <stdio.h>

enum {
    CONNECTIONS_COMFORT = 100000, /* per descriptor table */
    EXCHANGES_COMFORT = 4096,
    CONTENT_COMFORT = 256 << 20,   /* bytes */
    DESCRIPTOR_RESERVE = 64,       /* for what a program opens itself: logs, databases */
    FILES_OF_DESCRIPTORS = 32,     /* one in so many may be a file that is kept open */
    FILE_CACHE_COMFORT = 32 << 20, /* bytes: the standard, which gives way where memory is scarce */
    SCARCITY_MAX = 64,             /* how far it may: a 64th of what there is */
    TASKS_SPARE = 16,              /* of a shard, for tasks of the program's own */
};

void leat__config_default(struct config *config)
{
    struct options options;
    leat__options_default(&options);
    *config = options.config;
}

/* ── From a program's options ── */

/* One word of an option that has some; NULL leaves what holds. */
static int read_word(uint32_t *field, const char *option, const char *words, const char *written,
                     char *error, size_t error_size)
{
    int index = written == NULL ? 0 : leat__option_find_word(words, written);
    if (index < 0) {
        snprintf(error, error_size, "--%s %s: not one of %s", option, written, words);
        return -EINVAL;
    }
    if (written != NULL)
        *field = (uint32_t)index;
    return 0;
}

static int read_words(struct config *config, const leat_server_options *o, char *error, size_t error_size)
{
    static const enum loop_kind kinds[] = {LOOP_AUTO, LOOP_URING, LOOP_EPOLL};
    uint32_t loop = 0;
    int status = read_word(&loop, "loop", "auto|uring|epoll", o->loop, error, error_size);
    config->loop = kinds[loop];
    if (status == 0)
        status = read_word(&config->tcp_profile, "tcp-profile",
                           "api|streaming|games|trading|many-idle", o->tcp_profile, error, error_size);
    if (status == 0)
        status = read_word(&config->access_log_format, "access-log-format", "common|combined|json",
                           o->access_log_format, error, error_size);
    if (status == 0)
        status = read_word(&config->log_format, "log-format", "text|json", o->log_format, error,
                           error_size);
    if (status == 0)
        status = read_word(&config->log_level, "log-level", "info|debug|notice|warning|error",
                           o->log_level, error, error_size);
    return status;
}

enum leat_log_level leat__config_log_level(const struct config *config)
{
    static const enum leat_log_level levels[] = {LEAT_LOG_INFO, LEAT_LOG_DEBUG, LEAT_LOG_NOTICE,
                                                 LEAT_LOG_WARNING, LEAT_LOG_ERROR};
    return levels[config->log_level];
}

static int read_listen(struct config *config, const char *const *listen, char *error, size_t error_size)
{
    for (; listen != NULL && *listen != NULL; listen++) {
        if (config->listen.count == CONFIG_LISTEN_MAX) {
            snprintf(error, error_size, "--listen %s: %d addresses are the most", *listen,
                     CONFIG_LISTEN_MAX);
            return -EINVAL;
        }
        config->listen.items[config->listen.count++] = *listen;
    }
    return 0;
}

/* Members behind what this library knows must be zero: they ask for what it can't do. */
static int copy_known(leat_server_options *known, const leat_server_options *options,
                      size_t options_size, char *error, size_t error_size)
{
    const char *bytes = (const char *)options;
    memset(known, 0, sizeof *known);
    if (options == NULL)
        return 0;
    memcpy(known, options, size_min(options_size, sizeof *known));
    for (size_t i = sizeof *known; i < options_size; i++) {
        if (bytes[i] != 0) {
            snprintf(error, error_size,
                     "leat_server_options: this library (%s) is older than the program's header",
                     LEAT_VERSION);
            return -EINVAL;
        }
    }
    return 0;
}

int leat__config_from_options(struct config *config, const leat_server_options *options,
                              size_t options_size, char *error, size_t error_size)
{
    leat_server_options o;
    leat__config_default(config);
    int status = copy_known(&o, options, options_size, error, error_size);
    if (status == 0)
        status = read_words(config, &o, error, error_size);
    if (status == 0)
        status = read_listen(config, o.listen, error, error_size);
    if (status < 0)
        return status;
    if (o.shards < 0) {
        snprintf(error, error_size, "--shards %d: a number of threads is at least 1", o.shards);
        return -EINVAL;
    }
#define TAKE(to, from)                                                                             \
    do {                                                                                           \
        if (o.from != 0)                                                                           \
            config->to = o.from;                                                                   \
    } while (0)
    config->shards = (uint32_t)o.shards;
    config->admin = o.admin != NULL ? o.admin : "off";
    TAKE(connections, connections);
    TAKE(exchanges, exchanges);
    TAKE(content_total, content_total);
    TAKE(content_max, content_max);
    TAKE(memory, memory);
    TAKE(head_max, head_max);
    TAKE(request_line_max, request_line_max);
    TAKE(fields_max, fields_max);
    TAKE(head_timeout_ms, head_timeout_ms);
    TAKE(content_timeout_ms, content_timeout_ms);
    TAKE(write_timeout_ms, write_timeout_ms);
    TAKE(idle_timeout_ms, idle_timeout_ms);
    TAKE(drain_timeout_ms, drain_timeout_ms);
    TAKE(commit, commit);
    TAKE(private_descriptors, private_descriptors);
    TAKE(file_cache, file_cache);
    TAKE(file_check_ms, file_check_ms);
    TAKE(file_descriptors, file_descriptors);
    TAKE(file_threads, file_threads);
    TAKE(log, log);
    TAKE(access_log, access_log);
    TAKE(admin_token_file, admin_token_file);
    TAKE(tasks, tasks);
    TAKE(stack, stack);
#undef TAKE
    if (o.file_cache == UINT64_MAX)
        config->file_cache = 0;
    if (o.file_descriptors == UINT32_MAX)
        config->file_descriptors = 0;
    return 0;
}

/* ── Completing ── */

static uint32_t count_listeners(const struct config *config)
{
    struct net_address addresses[2];
    char error[256];
    uint32_t count = 0;
    if (config->listen.count == 0)
        return 2; /* localhost: both families */
    for (uint32_t i = 0; i < config->listen.count; i++) {
        int found = leat__net_parse(config->listen.items[i], addresses, error, sizeof error);
        count += found > 0 ? (uint32_t)found : 1;
    }
    return count;
}

void leat__config_plan_input(const struct config *config, struct plan_input *input)
{
    *input = (struct plan_input){
        .shards = config->shards,
        .connections = config->connections,
        .exchanges = config->exchanges,
        .large_buffers = config->large_buffers,
        .content_total = config->content_total,
        .content_max = config->content_max,
        .listeners = count_listeners(config),
        .memory = config->memory,
        .private_descriptors = config->private_descriptors,
        .uring = config->uring,
        .descriptor_limit = config->descriptor_limit,
        .machine_memory = config->machine_memory,
        .log_ring = config->access_log != NULL ? config->access_log_buffer : 0,
        .event_log = config->is_admin ? 0 : leat__events_footprint(),
        .peers = config->access_log != NULL,
    };
    if (!config->never_waits) {
        input->tasks = config->tasks;
        input->task_bytes = sizeof(struct task);
        input->stack = align_up(config->stack, PAGE_SIZE_BYTES);
        input->guards_are_mappings = config->guards_are_mappings;
    }
    if (config->serves_files) {
        input->file_cache = config->file_cache;
        input->file_descriptors = config->file_descriptors;
        input->file_threads = config->file_threads;
        input->bundles = config->bundles;
    }
}

static uint64_t round_up_to_power(uint64_t size)
{
    return size < 2 ? 1 : 1ull << (64 - __builtin_clzll(size - 1));
}

/* The memory of one content is a power of two (memory/content.h). */
static uint64_t content_block(uint64_t size)
{
    return round_up_to_power(size > CONTENT_BLOCK_MIN ? size : CONTENT_BLOCK_MIN);
}

/* Does the plan of config fit? What it takes is held against the machine, leaving a quarter of the
 * memory for what is not known yet: routes, users' pools, the program's own. */
static bool has_room(const struct config *config)
{
    struct plan plan = {0};
    struct plan_input input;
    char error[256];
    leat__config_plan_input(config, &input);
    input.memory = 0;
    input.machine_memory = 0;
    input.descriptor_limit = 0;
    if (leat__plan_make(&plan, &input, error, sizeof error) < 0)
        return false;
    return plan.ours <= config->memory / 4 * 3 &&
           plan.ours + plan.kernel <= config->machine_memory / 4 * 3 &&
           plan.descriptors + DESCRIPTOR_RESERVE <= config->descriptor_limit;
}

/* The largest value of *field (and of *twin, unless NULL) from smallest to largest with which the
 * plan fits; smallest when none does. */
static void find_largest(struct config *config, uint32_t *field, uint32_t *twin, uint32_t smallest,
                         uint32_t largest)
{
    uint32_t low = smallest, high = largest > smallest ? largest : smallest;
    while (low < high) {
        uint32_t middle = low + (high - low + 1) / 2;
        *field = middle;
        if (twin != NULL)
            *twin = middle;
        if (has_room(config))
            low = middle;
        else
            high = middle - 1;
    }
    *field = low;
}

/* Exchanges first: as many as could all be under way, each on a connection of its own. What is left
 * over goes to connections that are quiet. */
static void fill_counts(struct config *config)
{
    uint32_t shards = config->shards;
    bool choose_connections = config->connections == 0;
    if (config->exchanges == 0 && choose_connections) {
        find_largest(config, &config->exchanges, &config->connections, shards, EXCHANGES_COMFORT);
    } else if (config->exchanges == 0) {
        uint32_t bound = config->connections < EXCHANGES_COMFORT ? config->connections
                                                                 : EXCHANGES_COMFORT;
        find_largest(config, &config->exchanges, NULL, shards, bound);
    }
    if (choose_connections) {
        uint32_t tables = config->private_descriptors ? shards : 1;
        uint32_t bound = CONNECTIONS_COMFORT * (tables < 64 ? tables : 64);
        find_largest(config, &config->connections, NULL, config->exchanges, bound);
    }
}

/* What is shared by all: a quarter of the memory for contents, half as much for files; less when that is too much. */
static void fill_shared(struct config *config, unsigned scarcity)
{
    uint64_t fitting = size_min(config->memory / 4 / scarcity, CONTENT_COMFORT) / 65536 * 65536;
    uint64_t least = config->shards * content_block(config->content_max);
    if (config->content_total == 0)
        config->content_total = least > fitting ? least : fitting;
    if (config->tasks == 0)
        config->tasks = (uint32_t)size_max(size_min(config->memory / 32 / scarcity / config->stack,
                                                    EXCHANGES_COMFORT + TASKS_SPARE * config->shards),
                                           4 * (size_t)config->shards);
    if (config->file_cache == FILE_CACHE_COMFORT)
        config->file_cache = size_min(config->memory / 8 / scarcity, FILE_CACHE_COMFORT) / 65536 * 65536;
}

/* Fills what is 0 for so many shards. Whether it fits. */
static bool fill(struct config *config, const struct config *told, uint32_t shards)
{
    bool fits = false;
    for (unsigned scarcity = 1; scarcity <= SCARCITY_MAX && !fits; scarcity *= 2) {
        *config = *told;
        config->shards = shards;
        fill_shared(config, scarcity);
        fill_counts(config);
        uint32_t enough = config->exchanges + TASKS_SPARE * shards;
        if (told->tasks == 0 && config->tasks > enough)
            config->tasks = enough;
        fits = has_room(config);
    }
    return fits;
}

void leat__config_fill(struct config *config, const struct machine *machine)
{
    config->uring = config->loop != LOOP_EPOLL && machine->uring;
    config->machine_memory = machine->memory;
    config->guards_are_mappings = machine->guards_are_mappings;
    config->descriptor_limit = machine->descriptor_limit;
    if (config->memory == 0)
        config->memory = machine->memory / 2;
    config->file_descriptors = (uint32_t)size_min(config->file_descriptors,
                                                  config->descriptor_limit / FILES_OF_DESCRIPTORS);
    config->access_log_buffer = round_up_to_power(config->access_log_buffer);
    struct config told = *config;
    bool choose_shards = config->shards == 0;
    uint32_t shards = choose_shards ? machine->processors : config->shards;
    /* Every shard costs something: many processors with little memory or few descriptors take fewer. */
    while (!fill(config, &told, shards) && choose_shards && shards > 1)
        shards = (shards + 1) / 2;
}

void leat__config_complete(struct config *config)
{
    struct machine machine;
    char why[256];
    leat__machine_ask(&machine);
    machine.uring = config->loop != LOOP_EPOLL && leat__loop_probe(LOOP_URING, why, sizeof why) == 0;
    leat__config_fill(config, &machine);
}

/* ── Checking ── */

static int check_content(const struct config *config, char *error, size_t error_size)
{
    char max[OPTION_VALUE_SIZE], total[OPTION_VALUE_SIZE], needed[OPTION_VALUE_SIZE];
    uint64_t least = config->shards * content_block(config->content_max);
    if (least <= config->content_total)
        return 0;
    leat__option_write_bytes(max, (int64_t)config->content_max);
    leat__option_write_bytes(total, (int64_t)config->content_total);
    leat__option_write_bytes(needed, (int64_t)least);
    snprintf(error, error_size,
             "--content-max %s: %u shards that each hold one such content need --content-total %s, "
             "and it is %s; raise it, or lower --content-max or --shards",
             max, config->shards, needed, total);
    return -EINVAL;
}

/* Each shard has one stack to run handlers on, and one that may wait. */
static int check_tasks(const struct config *config, char *error, size_t error_size)
{
    if (config->never_waits || config->tasks >= 2 * config->shards)
        return 0;
    snprintf(error, error_size,
             "--tasks %u: each of the %u shards needs 2 at least; raise it, or lower --shards",
             config->tasks, config->shards);
    return -EINVAL;
}

static int check_counts(const struct config *config, char *error, size_t error_size)
{
    if (config->exchanges > config->connections)
        snprintf(error, error_size,
                 "--exchanges %u: more than --connections %u, and a connection has one at a time; "
                 "lower the first or raise the second",
                 config->exchanges, config->connections);
    else if (config->exchanges < config->shards)
        snprintf(error, error_size,
                 "--exchanges %u: each of the %u shards needs one at least; raise it, or lower "
                 "--shards",
                 config->exchanges, config->shards);
    else
        return 0;
    return -EINVAL;
}

int leat__config_check(const struct config *config, char *error, size_t error_size)
{
    int status = leat__options_check(config, error, error_size);
    if (status < 0)
        return status;
    if (config->loop == LOOP_URING && !config->uring) {
        char why[256] = "";
        leat__loop_probe(LOOP_URING, why, sizeof why);
        snprintf(error, error_size, "--loop uring: %s; write --loop auto or --loop epoll",
                 why[0] != '\0' ? why : "this system has none");
        return -ENOSYS;
    }
    if (config->request_line_max >= config->head_max) {
        snprintf(
            error, error_size,
            "--request-line-max %u: leaves no room for fields in --head-max %u; lower the first "
            "or raise the second",
            config->request_line_max, config->head_max);
        return -EINVAL;
    }
    status = check_counts(config, error, error_size);
    if (status == 0)
        status = check_tasks(config, error, error_size);
    return status < 0 ? status : check_content(config, error, error_size);
}
