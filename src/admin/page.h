/* page.h: the live page's files, as they lie in the program (made by cmake/page.cmake of src/admin/page). */
#ifndef LEAT_PAGE_H
#define LEAT_PAGE_H

#include "admin/admin.h"

struct page_file {
    const char *name, *type;
    const unsigned char *plain;
    size_t plain_size;
    const unsigned char *gzip; /* NULL: it was built without */
    size_t gzip_size;
};

extern const struct page_file leat__page_files[];
extern const size_t leat__page_file_count;

/* In place of what somebody asked for without the token: says so, and to a browser shows a form for it. */
void leat__page_ask_token(leat_exchange *x, int status, const char *why);

#endif
