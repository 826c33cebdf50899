/* listing.h: a page that shows what is in a folder which has no index: folders first, names in their natural order, sizes
 * and times. Shown is what the server would answer with and nothing else: no hidden names, no special files. */
#ifndef LEAT_LISTING_H
#define LEAT_LISTING_H

#include "leat/leat.h"

/* Answers with the page. folder_fd is open for reading and beneath the root; it is closed. path: of the folder, decoded,
 * with or without slashes around it; "": the root. The request's own path must end with a slash, for the links in the
 * page are relative. */
void leat__listing_send(leat_exchange *x, int folder_fd, const char *path);

/* Brings into memory what the page will need; waits for the disk, so it is a worker's job. Leaves folder_fd at its start. */
void leat__listing_warm(int folder_fd);

#endif
