/* config.h: what a server is told: one struct, filled from one table (options.def) by flags, or from
 * leat_server_options by programs.
 *
 * Its way: leat__config_default → flags or options → leat__config_complete → leat__config_check → plan. After
 * completing no number is zero. */
#ifndef LEAT_CONFIG_H
#define LEAT_CONFIG_H

#include "base/base.h"
#include "base/texts.h"
#include "leat/leat.h"
#include "leat/log.h"
#include "loop/loop.h"
#include "memory/plan.h"
#include "memory/region.h"
#include "config/machine.h"

enum { CONFIG_LISTEN_MAX = 16 };

struct config {
    struct option_texts listen; /* at most CONFIG_LISTEN_MAX; none: localhost:8080 */
    uint32_t tcp_profile;       /* a word of the option's, by its number */
    uint32_t shards;            /* 0: one per processor */
    enum loop_kind loop;
    uint32_t connections;           /* in all; 0: from the machine */
    uint32_t exchanges;             /* in all; 0: from connections */
    uint64_t content_total, memory; /* bytes; 0: from the machine */
    uint64_t content_max;           /* bytes */
    uint32_t head_max, request_line_max, fields_max;
    int64_t head_timeout_ms, content_timeout_ms, write_timeout_ms, idle_timeout_ms,
        drain_timeout_ms; /* -1: never */
    int64_t drain_delay_ms;
    uint32_t tasks; /* in all; 0: from exchanges and memory */
    uint64_t stack; /* bytes of one's stack */
    bool commit, private_descriptors, quiet;
    /* what serving files takes: room and threads are taken only when files are served */
    uint64_t file_cache;        /* bytes, in all; 0: nothing is kept */
    int64_t file_check_ms;      /* how long what is kept is believed; -1: for ever */
    uint32_t file_descriptors;  /* open files kept, in all */
    uint32_t file_threads;      /* per shard */
    const char *log;            /* a file; "-" or NULL: standard error */
    uint32_t log_format;        /* enum event_format */
    uint32_t log_level;         /* a word of the option's, by its number: leat__config_log_level */
    const char *access_log;     /* a file, "-" for standard output, NULL: none */
    uint32_t access_log_format; /* enum access_format */
    uint64_t access_log_buffer; /* bytes per shard; a power of two once completed */
    const char *admin; /* address of the admin listener; NULL: localhost, on a port that is free; "off" */
    const char *admin_token_file; /* NULL: none */
    const char *config_file;      /* NULL: none */
    /* told by whoever serves, before completing */
    uint32_t large_buffers; /* in all; 0: from exchanges */
    bool serves_files;
    bool is_admin;    /* it is the admin listener's server: the other one has the event log */
    bool never_waits; /* no handler does: there are no tasks */
    uint64_t bundles; /* bytes of packed folders */
    /* found out by completing */
    bool guards_are_mappings;
    bool uring;                /* loop comes to io_uring here */
    uint32_t descriptor_limit; /* RLIMIT_NOFILE, raised as far as it goes */
    uint64_t machine_memory;   /* bytes: the machine's or the control group's */
};

void leat__config_default(struct config *config);

/* Zero members mean the default. 0, or -EINVAL with a line: an unknown loop, too many addresses, or members this
 * library does not know yet. Texts are kept by pointer. */
int leat__config_from_options(struct config *config, const leat_server_options *options,
                              size_t options_size, char *error, size_t error_size);

/* Fills what is 0 from the machine (processors, RLIMIT_NOFILE, memory, cgroup). Asks the system, and raises the soft
 * limit on descriptors to the hard one; at start only. */
void leat__config_complete(struct config *config);
/* The same for a machine that is told: calls nothing but arithmetic. */
void leat__config_fill(struct config *config, const struct machine *machine);

/* Of a completed config: every value in its range, and the limits in relation to each other. 0, -EINVAL, or -ENOSYS
 * (the wanted loop can't be had here), with one line that says the way out. The plan checks what is its own. */
int leat__config_check(const struct config *config, char *error, size_t error_size);

enum leat_log_level leat__config_log_level(const struct config *config);

/* What the plan is made from; routes and user pools are the caller's to add. */
void leat__config_plan_input(const struct config *config, struct plan_input *input);

#endif
