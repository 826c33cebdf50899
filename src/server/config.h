/* config.h: what a server is told: one struct, filled from one table (options.def) by flags, or from
 * leat_server_options by programs. Zero is never a value here: defaults are set by leat__config_default. */
#ifndef LEAT_CONFIG_H
#define LEAT_CONFIG_H

#include "base/base.h"
#include "loop/loop.h"
#include "memory/plan.h"
#include "memory/region.h"

enum { CONFIG_LISTEN_MAX = 16 };

struct config {
    const char *listen[CONFIG_LISTEN_MAX + 1];  /* texts; none: localhost:8080 */
    uint32_t listen_count;
    uint32_t shards;                /* 0: one per processor */
    enum loop_kind loop;
    uint32_t connections;           /* 0: from the machine */
    uint32_t exchanges;             /* 0: from connections */
    uint64_t content_total, content_max, memory;    /* bytes; 0: from the machine */
    uint32_t head_max, request_line_max, fields_max;
    int64_t head_timeout_ms, content_timeout_ms, write_timeout_ms, idle_timeout_ms, drain_timeout_ms;  /* -1: never */
    bool commit, private_descriptors, quiet;
};

void leat__config_default(struct config *config);
/* Fills what is 0 from the machine (processors, RLIMIT_NOFILE, memory, cgroup). Asks the system; at start only. */
void leat__config_complete(struct config *config);
/* What the plan is made from. */
void leat__config_plan_input(const struct config *config, struct plan_input *input);

#endif
