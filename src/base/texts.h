/* texts.h: a list of texts, as an option holds them that may be given several times. */
#ifndef LEAT_TEXTS_H
#define LEAT_TEXTS_H

#include "base/base.h"

enum { OPTION_TEXTS_MAX = 64 };

struct option_texts {
    const char *items[OPTION_TEXTS_MAX + 1]; /* NULL-terminated; kept by pointer */
    uint32_t count;
};

#endif
