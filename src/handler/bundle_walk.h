/* bundle_walk.h: what of a folder goes into a bundle: the files that the server would answer with, in the order of their
 * paths' octets. Links are followed as the server follows them, never out of the folder. What it would answer 404 for
 * (hidden names, sockets, links that lead out) is left out, with a line where that may surprise. */
#ifndef LEAT_BUNDLE_WALK_H
#define LEAT_BUNDLE_WALK_H

#include "handler/bundle_format.h"
#include <sys/stat.h>

struct bundle_item {
    char *path; /* beneath the folder */
    uint64_t size, offset;
    struct timespec modified;
    char etag[BUNDLE_ETAG_SIZE + 1];
};

struct bundle_list {
    int root;              /* the folder */
    const char *directory; /* its name, for messages */
    struct stat own; /* of the bundle that is there already: it is left out when it lies in the folder */
    bool has_own;
    struct bundle_item *items;
    uint32_t count, room;
};

/* 0, or an exit status after a line on stderr. root, directory and own are the caller's. */
int leat__bundle_walk(struct bundle_list *list);
/* The item of that path; NULL: none. */
const struct bundle_item *leat__bundle_list_find(const struct bundle_list *list, const char *path);
void leat__bundle_list_free(struct bundle_list *list);

#endif
