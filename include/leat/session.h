/* session.h: sessions. */
#ifndef LEAT_SESSION_H
#define LEAT_SESSION_H

#include "leat/leat.h"

#ifdef __cplusplus
extern "C" {
#endif

#ifdef __cplusplus
}
#endif

#endif
