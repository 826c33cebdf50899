/* layout.h: how the structs that every request touches lie in memory, told by --plan --layout. */
#ifndef LEAT_LAYOUT_H
#define LEAT_LAYOUT_H

#include "memory/plan.h"

void leat__layout_print(plan_write *write, void *to);

#endif
