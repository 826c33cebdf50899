/* settings.h: what may be said of a listener and of the connections that come through it: a table (tcp.def), sets of
 * them with names (profiles.def), and one struct with the values.
 *
 *     "127.0.0.1:8080, profile=games, user-timeout=20s"
 *         → leat__net_parse              what was said: user-timeout, the profile
 *         → leat__net_options_complete   the rest from the profile
 *         → leat__net_apply              setsockopt on the listener; most of it the accepted sockets inherit
 *         → leat__net_accepted           on each accepted socket, only if leat__net_needs_accepted
 *
 * A setting that was said and can't be had is an error, with the way out. One that only the profile wanted is left out
 * and remembered (missed, leat__net_setting_why): the same profile serves on machines that differ. */
#ifndef LEAT_NET_SETTINGS_H
#define LEAT_NET_SETTINGS_H

#include "base/base.h"

/* The names of profiles.def, as the words of an option; an index into them is a profile. */
#define NET_PROFILE_NAMES "api|streaming|games|trading|many-idle"

enum net_setting_kind {
    NET_FLAG,
    NET_COUNT,
    NET_BYTES,
    NET_RATE,
    NET_MICROSECONDS,
    NET_MILLISECONDS,
    NET_SECONDS,
    NET_CHOICE,
    NET_TEXT,
};

enum net_setting_where { NET_INHERITED, NET_ACCEPTED, NET_LISTENER, NET_GROUP, NET_OURS };

enum net_setting_id {
#define SETTING(id, ...) NET_##id,
#include "net/tcp.def"
#undef SETTING
    NET_SETTINGS
};

struct net_setting {
    const char *name;
    enum net_setting_kind kind;
    int level, option; /* of setsockopt */
    enum net_setting_where where;
    int64_t smallest, largest;
    const char *example; /* a value */
    const char *purpose; /* sentences */
    const char *way_out;
};

struct net_profile {
    const char *name;
    const char *whom;     /* a sentence */
    const char *settings; /* "nodelay=on, …" */
};

enum { NET_CONGESTION_SIZE = 16, NET_PROFILE_UNSAID = -1, NET_VALUE_SIZE = 32 };

struct net_options {
    int64_t values[NET_SETTINGS]; /* in the kernel's unit; of wanted ones */
    int16_t missed[NET_SETTINGS]; /* -errno of a wanted setting that was left out; 0 */
    uint32_t said;                /* a bit each: by the listener itself */
    uint32_t wanted;              /* a bit each: said, or of the profile */
    int profile;                  /* index, or NET_PROFILE_UNSAID */
    char congestion[NET_CONGESTION_SIZE];
};

/* ── The tables, for whoever shows them ── */

static inline unsigned net_setting_count(void)
{
    return NET_SETTINGS;
}

unsigned leat__net_profile_count(void);
const struct net_setting *leat__net_setting_at(unsigned index);
const struct net_profile *leat__net_profile_at(unsigned index);
int leat__net_profile_find(const char *name); /* index, or -1 */
const char *leat__net_where_name(enum net_setting_where where);

/* ── Values ── */

void leat__net_options_init(struct net_options *o);

/* "name=value, name=value" into o, each at most once; profile=NAME among them. 0, or -EINVAL with a line. */
int leat__net_options_parse(struct net_options *o, const char *text, char *error, size_t error_size);

/* What was not said comes from the profile that was said, or else from the given one. tcp: false for unix sockets,
 * which have none of it: -EINVAL with a line if some of it was said. */
int leat__net_options_complete(struct net_options *o, unsigned profile, bool tcp, char *error,
                               size_t error_size);

static inline bool net_is_wanted(const struct net_options *o, enum net_setting_id id)
{
    return o->wanted >> id & 1;
}

static inline bool net_is_said(const struct net_options *o, enum net_setting_id id)
{
    return o->said >> id & 1;
}

/* The wanted value as it is written ("20s", "on"), or "" when it is left to the kernel. */
void leat__net_setting_write(const struct net_options *o, unsigned index, char out[NET_VALUE_SIZE]);

/* Why a wanted setting was left out: a sentence without a full stop; "" when it was not. */
void leat__net_setting_why(const struct net_options *o, unsigned index, char *out, size_t size);

/* The versions of the PROXY protocol that a connection must begin with: bits of enum net_proxy, 0: none. */
static inline unsigned net_proxy_versions(const struct net_options *o)
{
    return net_is_wanted(o, NET_PROXY_PROTOCOL) ? (unsigned)o->values[NET_PROXY_PROTOCOL] : 0;
}

/* ── The kernel ── */

/* Sets what is wanted on shard's listener, bound or not. 0, or -errno with a line for one that was said. */
int leat__net_apply(int fd, struct net_options *o, unsigned shard, char *error, size_t error_size);

/* Calls listen(2) with the wanted backlog. Answers as leat__net_apply. */
int leat__net_apply_backlog(int fd, struct net_options *o, char *error, size_t error_size);

/* Once all shards of an address listen: which of them takes a connection. Answers as leat__net_apply. */
int leat__net_apply_group(int first_fd, struct net_options *o, unsigned shards, char *error,
                          size_t error_size);

/* Accepted sockets need leat__net_accepted. */
bool leat__net_needs_accepted(const struct net_options *o);
void leat__net_accepted(int fd, const struct net_options *o);

/* What the kernel says of a listening or accepted descriptor: "on", "20s", "bbr", "cpu 1". 0, or -errno:
 * -EOPNOTSUPP for what can't be read (steer, proxy-protocol, and backlog of what does not listen). */
int leat__net_setting_read(int fd, unsigned index, char *out, size_t size);

#endif
