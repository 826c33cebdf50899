/* routes.h: hosts, matchers, mounts. */
#ifndef LEAT_ROUTES_H
#define LEAT_ROUTES_H

#include "leat/leat.h"

#ifdef __cplusplus
extern "C" {
#endif

#ifdef __cplusplus
}
#endif

#endif
