/* counters.c: adding and telling the counters; the table decides which there are. */
#include "observe/counters.h"
#include <inttypes.h>
#include <stdio.h>

void leat__counters_add(struct counters *to, const struct counters *from)
{
#define COUNTER(name, help) to->name += from->name;
#include "observe/counters.def"
#undef COUNTER
}

static size_t describe_one(char *out, size_t size, size_t at, const char *name, uint64_t value)
{
    if (value == 0 || at >= size)
        return at;
    int n = snprintf(out + at, size - at, "%s%s %" PRIu64, at > 0 ? ", " : "", name, value);
    return n < 0 ? at : at + (size_t)n;
}

void leat__counters_describe(const struct counters *c, char *out, size_t size)
{
    size_t at = 0;
    if (size > 0)
        out[0] = '\0';
#define COUNTER(name, help) at = describe_one(out, size, at, #name, c->name);
#include "observe/counters.def"
#undef COUNTER
}
