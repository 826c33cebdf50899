/* depth.h: how deep what ran on a stack has gone. Before, the part that was ever used is painted; behind, the lowest octet
 * that is not as it was left tells. What was never used reads as zero, and reading it takes no memory: so measuring touches
 * no page that running did not touch. Painting runs on another stack, while nothing runs on this one. A frame whose lowest words
 * are zero, or were never written, is taken for that much smaller. */
#ifndef LEAT_DEPTH_H
#define LEAT_DEPTH_H

#include "base/base.h"

/* Answers where the paint begins: nothing below it was ever used. NULL: nothing can be measured here, because a tool
 * watches who touches a stack. */
char *leat__depth_paint(char *low, char *top);

/* Octets from low that stayed unused. */
size_t leat__depth_left(const char *low, const char *painted, const char *top);

#endif
