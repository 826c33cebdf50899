/* file_prepare.h: what has been made ready for a request before its handler runs. */
#ifndef LEAT_FILE_PREPARE_H
#define LEAT_FILE_PREPARE_H

#include "handler/file_kept.h"

enum prepared_kind {
    PREPARED_NOTHING, /* not done yet */
    PREPARED_FILE,
    PREPARED_FOLDER, /* 301 to the path with a slash */
    PREPARED_CLEAN,  /* 301 to the clean path */
    PREPARED_LIST,   /* fd is the folder */
    PREPARED_BUNDLE, /* nothing to be done: everything is in the mapping */
    PREPARED_STATUS, /* no file: status */
};

struct prepared {
    struct leat_files *files;
    const char *path; /* decoded; the fallback's when that answers */
    size_t path_size;
    uint8_t kind; /* enum prepared_kind */
    uint8_t tries;
    bool may_wait; /* there are no workers: everything is done at once */
    bool no_twins; /* one that was said to be there was not */
    bool is_fallback;
    bool has_lookup, has_content; /* a work has brought it */
    uint8_t coding;               /* enum http_coding that is being made ready */
    uint8_t how;                  /* enum file_how of the original, for a twin */
    int64_t since_ms; /* when a work was first wanted, by the loop's clock; 0: not yet */
    int status;
    int read_error;
    struct http_conditions *conditions; /* NULL: none of the fields that ask for something special is there */
    /* the file */
    struct kept_file *kept;
    const char *bytes; /* its content; NULL: fd */
    int fd;            /* -1: none, or the table's */
    bool owns_fd;
    struct cache_entry *entry;   /* pinned, kept lies in it; NULL: it lies in the arena */
    struct open_file *place;     /* pinned, fd is its; NULL: not of the table */
    struct cache_entry *loading; /* pinned, and being read into */
    struct lookup lookup;
};

/* What has been made ready for x; where nothing has, because the handler was called without its prepare function, it is
 * done now, waiting where it must. NULL: no memory, which the exchange remembers. */
struct prepared *leat__prepared_of(leat_exchange *x, struct leat_files *files);

/* As leat__files_prepare_path, for a handler that names the file: what the request's path means, and the fallback, don't
 * count. */
enum prepare_result leat__files_prepare_named(leat_exchange *x, struct leat_files *files,
                                              const char *name);

/* ── file_request.c ── */

/* NULL in *conditions when nothing in the request's fields matters. false: no memory. */
bool leat__prepared_conditions(struct leat_exchange *x, struct http_conditions **conditions);

/* The coding that the request's Accept-Encoding wants of those that are there. */
enum http_coding leat__prepared_choose(const struct leat_exchange *x, unsigned there);

/* Whether the request is one that the fallback answers: for a page, by one who takes HTML. */
bool leat__prepared_wants_page(leat_exchange *x, const char *path, size_t size);

/* file_bundle.c: a bundle's file, found and answered. */
void leat__file_serve_bundle(leat_exchange *x, const struct prepared *p);
/* The same for a file that a handler names. 0, -ENOENT: nothing is answered. */
int leat__file_send_bundle(leat_exchange *x, const struct prepared *p);

#endif
