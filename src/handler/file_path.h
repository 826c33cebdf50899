/* file_path.h: which file a path may mean, and which rule fits it: text in, text out, nothing is opened. */
#ifndef LEAT_FILE_PATH_H
#define LEAT_FILE_PATH_H

#include "handler/files.h"
#include "http/conditions.h"

enum { FILE_PATH_MAX = 4096 }; /* octets with the NUL: the kernel's own bound */

/* How a path came to mean a file. */
enum file_how {
    FILE_AS_NAMED,
    FILE_INDEX, /* "docs/": docs/index.html */
    FILE_HTML,  /* "about": about.html */
};

/* The file's own path: what path means by how, and the twin of that coding. Its size; 0: too long. */
size_t leat__file_path_write(char out[FILE_PATH_MAX], const struct leat_files *files, const char *path,
                             size_t size, enum file_how how, enum http_coding coding);

/* Octets of a sent path that its clean form leaves away at the end: ".html" of "/about.html", "index.html" of
 * "/docs/index.html"; 0: it is clean. */
size_t leat__file_path_unclean(const struct leat_files *files, const char *path, size_t size);

/* Whether the fallback may answer for this path: its last segment has no dot. */
bool leat__file_path_is_page(const char *path, size_t size);

/* '*' stands for any octets, also none. */
bool leat__file_pattern_fits(const char *pattern, const char *text);

/* The first rule that fits "/" and the file's path; NULL: none. */
const struct file_rule *leat__file_rule_find(const struct leat_files *files, const char *path);

#endif
