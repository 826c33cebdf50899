/* hooks.h: functions that are called at turning points. */
#ifndef LEAT_HOOKS_H
#define LEAT_HOOKS_H

#include "leat/leat.h"

#ifdef __cplusplus
extern "C" {
#endif

#ifdef __cplusplus
}
#endif

#endif
