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

const char *leat__counters_refused(const struct counters *c, unsigned i, uint64_t *count)
{
    static const char prefix[] = "refused_";
    static const struct {
        const char *name;
        size_t offset;
    } all[] = {
#define COUNTER(name, help) {#name, offsetof(struct counters, name)},
#include "observe/counters.def"
#undef COUNTER
    };
    for (size_t k = 0; k < COUNT_OF(all); k++) {
        if (strncmp(all[k].name, prefix, sizeof prefix - 1) != 0 || i-- > 0)
            continue;
        *count = *(const uint64_t *)(const void *)((const char *)c + all[k].offset);
        return all[k].name + sizeof prefix - 1;
    }
    return NULL;
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
