/* json.h: JSON: a writer straight into the response. */
#ifndef LEAT_JSON_H
#define LEAT_JSON_H

#include "leat/leat.h"

#ifdef __cplusplus
extern "C" {
#endif

#ifdef __cplusplus
}
#endif

#endif
