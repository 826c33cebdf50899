/* settings.c: the tables of settings and of profiles, and what people write about them: "user-timeout=20s".
 *
 * A profile is written as people write settings and is read by the same function, so the table of profiles can say
 * nothing that a listener could not say itself. */
#include "net/settings.h"

#include "net/values.h"
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/socket.h>

#ifndef TCP_NOTSENT_LOWAT
#define TCP_NOTSENT_LOWAT 25
#endif
#ifndef SO_ATTACH_REUSEPORT_CBPF
#define SO_ATTACH_REUSEPORT_CBPF 51
#endif

static const struct net_setting settings[] = {
#define SETTING(id_, name_, kind_, level_, option_, where_, smallest_, largest_, example_,         \
                purpose_, way_out_)                                                                \
    [NET_##id_] = {.name = name_,                                                                  \
                   .kind = NET_##kind_,                                                            \
                   .level = level_,                                                                \
                   .option = option_,                                                              \
                   .where = NET_##where_,                                                          \
                   .smallest = smallest_,                                                          \
                   .largest = largest_,                                                            \
                   .example = example_,                                                            \
                   .purpose = purpose_,                                                            \
                   .way_out = way_out_},
#include "net/tcp.def"
#undef SETTING
};
_Static_assert(NET_SETTINGS <= 32, "a bit each of said and wanted");

static const struct net_profile profiles[] = {
#define PROFILE(name, whom, settings) {name, whom, settings},
#include "net/profiles.def"
#undef PROFILE
};

static const char *const steer_words[] = {"none", "cpu"};
static const char *const proxy_words[] = {"off", "v1", "v2", "any"};

enum { WORD_SIZE = 40, ITEM_SIZE = 96 };

unsigned leat__net_profile_count(void)
{
    return COUNT_OF(profiles);
}

const struct net_setting *leat__net_setting_at(unsigned index)
{
    ASSERT(index < NET_SETTINGS);
    return &settings[index];
}

const struct net_profile *leat__net_profile_at(unsigned index)
{
    ASSERT(index < COUNT_OF(profiles));
    return &profiles[index];
}

int leat__net_profile_find(const char *name)
{
    for (unsigned i = 0; i < COUNT_OF(profiles); i++)
        if (strcmp(profiles[i].name, name) == 0)
            return (int)i;
    return -1;
}

const char *leat__net_where_name(enum net_setting_where where)
{
    static const char *const names[] = {
        [NET_INHERITED] = "listener, inherited", [NET_ACCEPTED] = "each connection", [NET_LISTENER] = "listener", [NET_GROUP] = "all shards' listeners", [NET_OURS] = "Leat"};
    return names[where];
}

/* ── Reading ── */

struct mistake {
    char *error;
    size_t size;
};

__attribute__((format(printf, 2, 3))) static int tell(const struct mistake *to, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(to->error, to->size, format, arguments);
    va_end(arguments);
    return -EINVAL;
}

/* Letters to change, add or leave out (Levenshtein). */
static unsigned distance(const char *a, const char *b)
{
    unsigned row[WORD_SIZE + 1];
    size_t b_size = strlen(b);
    for (size_t j = 0; j <= b_size; j++)
        row[j] = (unsigned)j;
    for (size_t i = 1; a[i - 1] != '\0'; i++) {
        unsigned diagonal = row[0];
        row[0] = (unsigned)i;
        for (size_t j = 1; j <= b_size; j++) {
            unsigned replaced = diagonal + (a[i - 1] != b[j - 1]);
            unsigned shorter = (row[j] < row[j - 1] ? row[j] : row[j - 1]) + 1;
            diagonal = row[j];
            row[j] = replaced < shorter ? replaced : shorter;
        }
    }
    return row[b_size];
}

static void choose_nearer(const char *written, const char *candidate, const char **nearest, unsigned *best)
{
    unsigned d = strncmp(candidate, written, strlen(written)) == 0 ? 1 : distance(written, candidate);
    if (d < *best) {
        *best = d;
        *nearest = candidate;
    }
}

static int tell_unknown_setting(const char *name, const struct mistake *to)
{
    const char *nearest = NULL;
    unsigned best = (unsigned)size_max(3, strlen(name) / 3 + 1);
    choose_nearer(name, "profile", &nearest, &best);
    for (unsigned i = 0; i < NET_SETTINGS; i++)
        choose_nearer(name, settings[i].name, &nearest, &best);
    if (nearest != NULL)
        return tell(to, "there is no setting \"%s\"; did you mean %s?", name, nearest);
    return tell(to, "there is no setting \"%s\"; they are profile, nodelay, user-timeout ... (leat doctor lists them)",
                name);
}

static int tell_unknown_profile(const char *name, const struct mistake *to)
{
    const char *nearest = NULL;
    unsigned best = (unsigned)size_max(3, strlen(name) / 3 + 1);
    for (unsigned i = 0; i < COUNT_OF(profiles) && name[0] != '\0'; i++)
        choose_nearer(name, profiles[i].name, &nearest, &best);
    return tell(to, "profile=%s: not one of " NET_PROFILE_NAMES "%s%s%s", name,
                nearest != NULL ? "; did you mean " : "", nearest != NULL ? nearest : "",
                nearest != NULL ? "?" : "");
}

static int read_flag(const char *value, int64_t *out)
{
    *out = strcmp(value, "on") == 0;
    return *out || strcmp(value, "off") == 0 ? 0 : -EINVAL;
}

static int read_word(const char *const *words, unsigned count, const char *value, int64_t *out)
{
    for (unsigned i = 0; i < count; i++) {
        if (strcmp(words[i], value) == 0) {
            *out = i;
            return 0;
        }
    }
    return -EINVAL;
}

static int read_number(const struct net_setting *s, const char *value, int64_t *out,
                       const struct mistake *to)
{
    char smallest[NET_VALUE_SIZE], largest[NET_VALUE_SIZE];
    int status = leat__net_value_read(s->kind, value, out);
    if (status == -EINVAL)
        return tell(to, "%s=%s: not %s; for example %s=%s", s->name, value,
                    leat__net_value_noun(s->kind), s->name, s->example);
    if (status == 0 && *out >= s->smallest && *out <= s->largest)
        return 0;
    leat__net_value_write(s->kind, s->smallest, smallest);
    leat__net_value_write(s->kind, s->largest, largest);
    return tell(to, "%s=%s: out of range; write %s to %s, for example %s=%s", s->name, value,
                smallest, largest, s->name, s->example);
}

/* Letters, digits, '_' and '-': what the kernel names its congestion controls with. */
static int read_congestion(struct net_options *o, const char *value, const struct mistake *to)
{
    size_t size = strlen(value);
    if (size == 0 || size >= sizeof o->congestion ||
        strspn(value, "abcdefghijklmnopqrstuvwxyz0123456789_-") != size)
        return tell(to, "congestion=%s: not the name of a congestion control; for example congestion=bbr",
                    value);
    memcpy(o->congestion, value, size + 1);
    return 0;
}

static int read_value(struct net_options *o, unsigned index, const char *value, const struct mistake *to)
{
    const struct net_setting *s = &settings[index];
    int64_t *out = &o->values[index];
    if (s->kind == NET_TEXT)
        return read_congestion(o, value, to);
    if (s->kind == NET_FLAG)
        return read_flag(value, out) == 0 ? 0 : tell(to, "%s=%s: neither on nor off", s->name, value);
    if (index == NET_STEER)
        return read_word(steer_words, COUNT_OF(steer_words), value, out) == 0
                   ? 0
                   : tell(to, "steer=%s: neither none nor cpu", value);
    if (index == NET_PROXY_PROTOCOL)
        return read_word(proxy_words, COUNT_OF(proxy_words), value, out) == 0
                   ? 0
                   : tell(to, "proxy-protocol=%s: not one of off|v1|v2|any", value);
    return read_number(s, value, out, to);
}

/* One "name=value", without the blanks around it. */
static int read_item(struct net_options *o, char *item, const struct mistake *to)
{
    char *equals = strchr(item, '=');
    if (item[0] == '\0')
        return tell(to,
                    "there is nothing between two commas, or behind the last; write name=value");
    if (equals == NULL)
        return tell(to, "\"%s\" is no setting; write name=value, for example nodelay=on", item);
    *equals = '\0';
    if (equals - item >= WORD_SIZE)
        return tell(to, "there is no setting \"%s\"", item);
    if (strcmp(item, "profile") == 0) {
        if (o->profile != NET_PROFILE_UNSAID)
            return tell(to, "profile is said twice");
        o->profile = leat__net_profile_find(equals + 1);
        return o->profile < 0 ? tell_unknown_profile(equals + 1, to) : 0;
    }
    for (unsigned i = 0; i < NET_SETTINGS; i++) {
        if (strcmp(settings[i].name, item) != 0)
            continue;
        if (o->said >> i & 1)
            return tell(to, "%s is said twice", item);
        o->said |= UINT32_C(1) << i;
        return read_value(o, i, equals + 1, to);
    }
    return tell_unknown_setting(item, to);
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

void leat__net_options_init(struct net_options *o)
{
    memset(o, 0, sizeof *o);
    o->profile = NET_PROFILE_UNSAID;
}

int leat__net_options_parse(struct net_options *o, const char *text, char *error, size_t error_size)
{
    const struct mistake to = {error, error_size};
    char item[ITEM_SIZE];
    if (error_size > 0)
        error[0] = '\0';
    for (const char *at = text;;) {
        size_t whole = strcspn(at, ","), size = whole, start = 0;
        while (size > 0 && is_blank(at[size - 1]))
            size--;
        while (start < size && is_blank(at[start]))
            start++;
        if (size - start >= sizeof item)
            return tell(&to, "\"%.40s...\" is longer than any setting", at + start);
        memcpy(item, at + start, size - start);
        item[size - start] = '\0';
        int status = read_item(o, item, &to);
        if (status < 0)
            return status;
        if (at[whole] == '\0')
            return 0;
        at += whole + 1;
    }
}

/* ── Completing ── */

static int refuse_unix(const struct net_options *o, const struct mistake *to)
{
    uint32_t said = o->said & ~(UINT32_C(1) << NET_PROXY_PROTOCOL);
    if (said == 0 && o->profile == NET_PROFILE_UNSAID)
        return 0;
    const char *name = said != 0 ? settings[__builtin_ctz(said)].name : "profile";
    return tell(to, "a unix socket has no %s; leave it out", name);
}

int leat__net_options_complete(struct net_options *o, unsigned profile, bool tcp, char *error,
                               size_t error_size)
{
    const struct mistake to = {error, error_size};
    struct net_options of_profile;
    o->wanted = o->said;
    if (!tcp)
        return refuse_unix(o, &to);
    if (o->profile == NET_PROFILE_UNSAID)
        o->profile = (int)profile;
    leat__net_options_init(&of_profile);
    int status = leat__net_options_parse(
        &of_profile, leat__net_profile_at((unsigned)o->profile)->settings, error, error_size);
    ASSERT(status == 0);
    for (unsigned i = 0; i < NET_SETTINGS; i++)
        if ((of_profile.said & ~o->said) >> i & 1)
            o->values[i] = of_profile.values[i];
    if (!net_is_said(o, NET_CONGESTION))
        memcpy(o->congestion, of_profile.congestion, sizeof o->congestion);
    o->wanted |= of_profile.said;
    return 0;
}

void leat__net_setting_write(const struct net_options *o, unsigned index, char out[NET_VALUE_SIZE])
{
    const struct net_setting *s = leat__net_setting_at(index);
    int64_t value = o->values[index];
    if (!(o->wanted >> index & 1))
        out[0] = '\0';
    else if (s->kind == NET_TEXT)
        snprintf(out, NET_VALUE_SIZE, "%s", o->congestion);
    else if (s->kind == NET_FLAG)
        snprintf(out, NET_VALUE_SIZE, "%s", value ? "on" : "off");
    else if (s->kind == NET_CHOICE)
        snprintf(out, NET_VALUE_SIZE, "%s", (index == NET_STEER ? steer_words : proxy_words)[value]);
    else
        leat__net_value_write(s->kind, value, out);
}
