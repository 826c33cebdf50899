/* form.h: queries, forms and multipart. */
#ifndef LEAT_FORM_H
#define LEAT_FORM_H

#include "leat/leat.h"

#ifdef __cplusplus
extern "C" {
#endif

#ifdef __cplusplus
}
#endif

#endif
