/* lately.c: see lately.h. */
#include "observe/lately.h"

void leat__lately_keep(struct lately *lately, const struct histogram *now)
{
    copy_untouched(&lately->states[lately->count++ % LATELY_STATES], now, sizeof *now);
}

void leat__lately_see(const struct lately *lately, struct histogram *now)
{
    if (lately->count >= LATELY_STATES) /* the oldest is the one that goes next */
        leat__histogram_subtract(now, &lately->states[lately->count % LATELY_STATES]);
}
