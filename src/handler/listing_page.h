/* listing_page.h: what a folder holds, and the page that is made of it. Written twice, at first without an output, to know
 * how much memory it takes. */
#ifndef LEAT_LISTING_PAGE_H
#define LEAT_LISTING_PAGE_H

#include "base/base.h"
#include "http/conditions.h"

struct listing_item {
    struct listing_item *next;
    uint64_t size;
    int64_t modified_s;
    uint16_t name_size;
    bool is_folder, is_known; /* a link out of the folder: neither size nor time are told */
    char name[];
};

struct listing {
    struct listing_item *items; /* in their order */
    struct http_text authority; /* of the request: the root's name */
    const char *path;
    uint32_t files, folders;
    uint64_t size; /* of all files */
    bool is_cut;   /* there is more than is shown */
};

/* Folders first; runs of digits count as numbers, the case of letters only when nothing else differs. */
int leat__listing_compare(const struct listing_item *left, const struct listing_item *right);
struct listing_item *leat__listing_sort(struct listing_item *items);

/* Octets of the page, which are written if out is there. No NUL. */
size_t leat__listing_write(char *out, const struct listing *listing);

/* listing_style.c: what stands before the title, and between it and the first breadcrumb. */
extern const char leat__listing_head[], leat__listing_style[];

#endif
