/* files.h: a folder's files, or a bundle's: which paths they answer to, and how they are made ready and sent.
 *
 *   file_path.c      which file a path may mean, which rule fits it: pure
 *   file_open.c      opening beneath the root, looking at identity, reading whole
 *   file_kept.c      what is kept of a file: its fields ready made, its content or its descriptor
 *   file_request.c   what the request's fields say to it
 *   file_prepare.c   before the handler: found, fresh and in memory, without ever waiting on the loop
 *   file_answer.c    the handler: conditions, ranges, redirects
 *   file_bundle.c    the same from a packed folder, where everything is always there
 *   files.c          opening at start, options, errors */
#ifndef LEAT_FILES_H
#define LEAT_FILES_H

#include "base/base.h"
#include "exchange/app.h"
#include "handler/bundle.h"
#include "leat/leat.h"
#include <sys/stat.h>

/* "PATTERN VALUE": the first whose pattern fits the path says the Cache-Control of the response. */
struct file_rule {
    char *pattern; /* "*" stands for any octets */
    char *value;
};

enum { FILE_RULES_MAX = 64, FILE_RULE_VALUE_MAX = 256 };

struct leat_files {
    int root;              /* O_PATH descriptor of the folder; -1: it is a bundle */
    struct bundle *bundle; /* NULL: it is a folder */
    char *directory;       /* as given, for messages */
    char *index, *fallback;
    struct file_rule *rules;
    uint32_t rule_count;
    bool listing, clean_urls, plain;
};

/* Makes the file ready that a decoded path, without its first slash, names; for prepare functions. The path must stay
 * until the exchange ends, and be the same when called again after a WAIT. */
enum prepare_result leat__files_prepare_path(leat_exchange *x, struct leat_files *files,
                                             const char *path);
/* Answers with what was made ready. */
void leat__files_serve(leat_exchange *x, struct leat_files *files);

/* The prepare function of leat_serve_files: the path is the parameter "path", the folder is the route's data. */
enum prepare_result leat__files_prepare(leat_exchange *x, void *files);

/* Whether a decoded path, without its first slash, may name something here: no empty segment (but behind a last
 * slash), and none that begins with a dot, ".well-known" apart. That rules out "." and ".." as well. */
bool leat__files_is_servable(const char *path);

/* Opens what path names beneath root, whatever links and races do, for reading. A descriptor and its status, or
 * -errno: -ENOENT for everything that is not there, not beneath root, or neither a file nor a folder. */
int leat__files_open_beneath(int root, const char *path, struct stat *status);

/* 404, 403, 503 or 500. */
int leat__files_status_of(int error);

#endif
