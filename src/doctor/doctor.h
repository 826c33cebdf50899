/* doctor.h: what a server would meet on this system: kernel, limits, network, addresses, folder. Nothing is changed,
 * nothing is served; each check looks at one thing and leaves one finding.
 *
 * A check reads the system's files (/proc, /sys, /run) under `root`, so that a test can show it any system; what can
 * only be asked by a call (io_uring, openat2 …) is asked of the kernel that runs. What can't be read is no finding: a
 * container that hides a file is not ill for it. */
#ifndef LEAT_DOCTOR_H
#define LEAT_DOCTOR_H

#include "base/base.h"
#include "memory/plan.h"
#include "config/config.h"
#include "server/listeners.h"

enum doctor_state {
    DOCTOR_GOOD,
    DOCTOR_NOTE,    /* works; somebody may want to know or to have it better */
    DOCTOR_WARNING, /* works until it is busy, or less well than it could */
    DOCTOR_BAD,     /* the server would not start, or would not serve */
};

enum { DOCTOR_WORDS_SIZE = 32 << 10 }; /* of leat__doctor_write_words, at most */
enum { DOCTOR_FINDINGS_MAX = 768, DOCTOR_FOUND_SIZE = 224, DOCTOR_REMEDY_SIZE = 256 };

struct finding {
    const char *group; /* a heading */
    const char *what;  /* once in a group: programs may look for both */
    const char *why;   /* why it matters, a sentence; "" when found says it */
    enum doctor_state state;
    char found[DOCTOR_FOUND_SIZE];
    char remedy[DOCTOR_REMEDY_SIZE]; /* a command or an option; "": nothing to do */
};

/* One setting of a listener's sockets (net/tcp.def): what it is here, and who wanted it so. */
struct setting_told {
    const char *name, *purpose;
    enum { SETTING_KERNEL, SETTING_PROFILE, SETTING_SAID, SETTING_MISSED } source;
    char value[NET_VALUE_SIZE]; /* as the kernel tells it; "": it can't be read, or there is none */
    char why[96];               /* of a missed one: why it can't be had here */
};

/* The settings of listeners that are alike. */
struct settings_told {
    char addresses[DOCTOR_FOUND_SIZE]; /* a list for people */
    const char *profile;
    struct net_options options; /* what they were compared by */
    struct setting_told rows[NET_SETTINGS];
};

struct report {
    struct finding findings[DOCTOR_FINDINGS_MAX];
    uint32_t count;
    struct settings_told settings[LOOP_LISTENERS_MAX];
    uint32_t settings_count;
};

/* A folder or a bundle that is to be served, and what decides what its faults are. */
struct doctor_folder {
    const char *path;
    const char *index; /* NULL: index.html */
    bool is_bundle, listing;
};

struct doctor {
    const char *root;                  /* in front of every path: "" for the system itself */
    const struct config *config;       /* completed */
    const struct listeners *listeners; /* parsed, not open */
    const struct plan *plan;           /* NULL: none could be made */
    const char *error; /* lines: what keeps the server from being made; "" or NULL: nothing */
    const struct doctor_folder *folders; /* to serve */
    uint32_t folder_count;
    uint32_t soft_descriptors; /* RLIMIT_NOFILE as we were started, before it was raised; 0: not known */
    const char *group;         /* heading of the findings that are being made */
    struct report *report;
};

/* The findings of each room of the house, in the order in which they are told. */
void leat__doctor_settings(struct doctor *d);
void leat__doctor_kernel(struct doctor *d);
void leat__doctor_limits(struct doctor *d);
void leat__doctor_memory(struct doctor *d);
void leat__doctor_network(struct doctor *d);
void leat__doctor_addresses(struct doctor *d);
void leat__doctor_tcp(struct doctor *d);
void leat__doctor_folders(struct doctor *d);
void leat__doctor_all(struct doctor *d);

/* ── What checks are made of ── */

/* A finding that is good so far; never NULL. */
struct finding *leat__doctor_begin(struct doctor *d, const char *what, const char *why);
void leat__doctor_found(struct finding *f, enum doctor_state state, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
void leat__doctor_remedy(struct finding *f, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* The file's beginning, at most size octets with the NUL, without the last newline. false: it can't be read. */
bool leat__doctor_read(const struct doctor *d, const char *path, char *text, size_t size);
/* The i-th number of the file's first line; -1: there is none, or it is no number. */
int64_t leat__doctor_number(const struct doctor *d, const char *path, unsigned i);
/* The number behind "name:" at the beginning of a line of a file like /proc/meminfo, read in base; -1: none. */
int64_t leat__doctor_named(const struct doctor *d, const char *path, const char *name, int base);

/* The address as people write it; of localhost, which of the two. */
void leat__doctor_name(const struct net_address *a, char *out, size_t size);

/* ── Telling ── */

uint32_t leat__doctor_count(const struct report *report, enum doctor_state state);
/* The first of the worst; NULL when all is good. */
const struct finding *leat__doctor_worst(const struct report *report);

void leat__doctor_print(const struct report *report, bool colour, plan_write *write, void *to);
void leat__doctor_print_json(const struct report *report, plan_write *write, void *to);
/* What is not good, the worst first, as an array of JSON: [{"group", "what", "state", "found", "remedy"} …], with its NUL; what
 * does not fit into size octets (at least 3) is left out. */
void leat__doctor_write_words(const struct report *report, char *out, size_t size);

/* Looks at a server that is made and not started; struct program's diagnose. Takes a few milliseconds at most. */
char *leat__doctor_look(const leat_server *server);

#endif
