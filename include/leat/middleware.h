/* middleware.h: ready-made middleware. */
#ifndef LEAT_MIDDLEWARE_H
#define LEAT_MIDDLEWARE_H

#include "leat/leat.h"

#ifdef __cplusplus
extern "C" {
#endif

#ifdef __cplusplus
}
#endif

#endif
