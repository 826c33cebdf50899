/* files.h: which paths a folder of files answers, and how a file is opened beneath it. */
#ifndef LEAT_FILES_H
#define LEAT_FILES_H

#include "base/base.h"
#include <sys/stat.h>

struct leat_files {
    int root;        /* O_PATH descriptor of the folder */
    char *directory; /* as given, for messages */
};

/* Whether a decoded path, without its first slash, may name something here: no empty segment (but behind a last
 * slash), and none that begins with a dot, ".well-known" apart. That rules out "." and ".." as well. */
bool leat__files_is_servable(const char *path);

/* Opens what path names beneath root, whatever links and races do, for reading. A descriptor and its status, or
 * -errno: -ENOENT for everything that is not there, not beneath root, or neither a file nor a folder. */
int leat__files_open_beneath(int root, const char *path, struct stat *status);

/* 404, 403, 503 or 500. */
int leat__files_status_of(int error);

#endif
