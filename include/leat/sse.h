/* sse.h: Server-Sent Events. */
#ifndef LEAT_SSE_H
#define LEAT_SSE_H

#include "leat/leat.h"

#ifdef __cplusplus
extern "C" {
#endif

#ifdef __cplusplus
}
#endif

#endif
