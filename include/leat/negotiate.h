/* negotiate.h: content negotiation (RFC 9110 12). */
#ifndef LEAT_NEGOTIATE_H
#define LEAT_NEGOTIATE_H

#include "leat/leat.h"

#ifdef __cplusplus
extern "C" {
#endif

#ifdef __cplusplus
}
#endif

#endif
