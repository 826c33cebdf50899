/* depth.c: see depth.h. */
#include "task/depth.h"
#include "task/fiber.h"

static const uint64_t PAINT = 0xa7c3915e6bd0f284;

static bool is_watched(void)
{
#ifdef RUNNING_ON_VALGRIND
    return TASK_MARKED || RUNNING_ON_VALGRIND;
#else
    return TASK_MARKED;
#endif
}

/* Where the first word from low on lies that is not expected; top: all are. */
static const char *skip(const char *low, const char *top, uint64_t expected)
{
    const uint64_t *at = (const uint64_t *)(const void *)low;
    while ((const char *)at < top && *at == expected)
        at++;
    return (const char *)at;
}

char *leat__depth_paint(char *low, char *top)
{
    if (is_watched())
        return NULL;
    size_t unused = (size_t)(skip(low, top, 0) - low);
    uint64_t *at = (uint64_t *)(void *)(low + unused);
    for (; (char *)at < top; at++)
        *at = PAINT;
    return low + unused;
}

size_t leat__depth_left(const char *low, const char *painted, const char *top)
{
    const char *lowest = skip(low, painted, 0);
    if (lowest == painted)
        lowest = skip(painted, top, PAINT);
    return (size_t)(lowest - low);
}
