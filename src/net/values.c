/* values.c: digits and a unit, nothing before, between or behind them; writing takes the largest unit that leaves no
 * rest. Times are read in microseconds and kept in what the kernel counts in. */
#include "net/values.h"

#include <errno.h>
#include <stdio.h>

struct unit {
    const char *name;
    int64_t worth;
};

/* Largest first. */
static const struct unit size_units[] = {{"g", 1 << 30}, {"m", 1 << 20}, {"k", 1 << 10}, {"", 1}};
static const struct unit time_units[] = {
    {"h", 3600000000}, {"m", 60000000}, {"s", 1000000}, {"ms", 1000}, {"us", 1}};
static const struct unit no_units[] = {{"", 1}};

struct scale {
    const struct unit *units;
    unsigned unit_count;
    int64_t kernel; /* one of the kernel's, in the smallest unit */
    const char *noun;
};

static struct scale scale_of(enum net_setting_kind kind)
{
    switch (kind) {
    case NET_BYTES:
        return (struct scale){size_units, COUNT_OF(size_units), 1, "a size: digits, and k, m or g"};
    case NET_RATE:
        return (struct scale){size_units, COUNT_OF(size_units), 1,
                              "a number of bytes per second: digits, and k, m or g"};
    case NET_MICROSECONDS:
        return (struct scale){time_units, COUNT_OF(time_units), 1,
                              "a time: digits, and us, ms, s, m or h"};
    case NET_MILLISECONDS:
        return (struct scale){time_units, COUNT_OF(time_units), 1000,
                              "a time in whole milliseconds: digits, and ms, s, m or h"};
    case NET_SECONDS:
        return (struct scale){time_units, COUNT_OF(time_units), 1000000,
                              "a time in whole seconds: digits, and s, m or h"};
    default:
        return (struct scale){no_units, COUNT_OF(no_units), 1, "a number: digits"};
    }
}

int leat__net_value_read(enum net_setting_kind kind, const char *text, int64_t *out)
{
    struct scale scale = scale_of(kind);
    int64_t value = 0;
    bool overflow = false;
    const char *at = text;
    for (; *at >= '0' && *at <= '9'; at++)
        overflow |= __builtin_mul_overflow(value, 10, &value) ||
                    __builtin_add_overflow(value, *at - '0', &value);
    if (at == text)
        return -EINVAL;
    for (unsigned i = 0; i < scale.unit_count; i++) {
        if (strcmp(at, scale.units[i].name) != 0)
            continue;
        if (overflow || __builtin_mul_overflow(value, scale.units[i].worth, &value))
            return -ERANGE;
        *out = value / scale.kernel;
        return value % scale.kernel == 0 ? 0 : -EINVAL;
    }
    return -EINVAL;
}

const char *leat__net_value_noun(enum net_setting_kind kind)
{
    return scale_of(kind).noun;
}

void leat__net_value_write(enum net_setting_kind kind, int64_t value, char out[NET_VALUE_SIZE])
{
    struct scale scale = scale_of(kind);
    const struct unit *unit = &scale.units[scale.unit_count - 1];
    int64_t whole;
    if (__builtin_mul_overflow(value, scale.kernel, &whole)) {
        snprintf(out, NET_VALUE_SIZE, "%lld", (long long)value);
        return;
    }
    for (unsigned i = 0; i < scale.unit_count; i++) {
        if (whole != 0 && whole % scale.units[i].worth == 0) {
            unit = &scale.units[i];
            break;
        }
    }
    snprintf(out, NET_VALUE_SIZE, "%lld%s", (long long)(whole / unit->worth), unit->name);
}
