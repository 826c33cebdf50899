/* now.c: the clock as programs may ask for it. */
#include "base/clock.h"
#include "leat/leat.h"

uint64_t leat_now_ns(void)
{
    return (uint64_t)leat__clock_now_ns();
}
