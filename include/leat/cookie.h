/* cookie.h: cookies (RFC 6265). */
#ifndef LEAT_COOKIE_H
#define LEAT_COOKIE_H

#include "leat/leat.h"

#ifdef __cplusplus
extern "C" {
#endif

#ifdef __cplusplus
}
#endif

#endif
