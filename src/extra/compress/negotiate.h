/* negotiate.h: which coding a client wants, of those that we have (RFC 9110 12.5.3). */
#ifndef LEAT_COMPRESS_NEGOTIATE_H
#define LEAT_COMPRESS_NEGOTIATE_H

#include "coding.h"
#include <leat/leat.h>

struct choice {
    const struct coding *coding; /* NULL: the content as it is */
    bool is_needed;              /* the content as it is would not do */
};

/* prefer: the best first; NULL-terminated. */
struct choice negotiate_coding(leat_exchange *x, const struct coding *const prefer[]);

/* Whether a list of directives (Cache-Control, Vary) has that one, with or without an argument. */
bool list_has(leat_slice list, const char *name);

/* Whether it is worth trying to make contents of that type smaller. */
bool media_type_is_compressible(leat_slice type);

#endif
