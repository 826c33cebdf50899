/* file_open.h: opening files beneath a root, telling their versions apart, and reading them whole. Everything here is told
 * whether it may wait: on the loop it may not, and answers -EAGAIN instead; a worker's thread may. */
#ifndef LEAT_FILE_OPEN_H
#define LEAT_FILE_OPEN_H

#include "handler/file_path.h"

/* One version of a file: two that differ in content differ here. */
struct file_identity {
    uint64_t device, inode, size;
    int64_t modified_ns, changed_ns; /* Unix time */
};

enum lookup_result {
    LOOKUP_FILE,
    LOOKUP_FOLDER, /* a slash is missing behind its path */
    LOOKUP_LIST,   /* a folder without index, whose listing is wanted: fd is the folder */
    LOOKUP_CLEAN,  /* there is a file, and a shorter path for it */
    LOOKUP_FAILED, /* error says why */
};

struct lookup {
    /* what for */
    const struct leat_files *files;
    const char *path; /* decoded */
    size_t path_size;
    bool may_wait;
    bool may_clean;          /* the path was sent in a form that has a clean one */
    enum http_coding coding; /* a twin of what the path means by how; CODING_IDENTITY: find out how */
    /* what came of it */
    enum file_how how;
    enum lookup_result result;
    int fd;         /* of LOOKUP_FILE and LOOKUP_LIST: the caller's now; else -1 */
    int error;      /* of LOOKUP_FAILED; -EAGAIN: the answer can't be had without waiting */
    unsigned there; /* a bit per coding that the file comes in */
    struct file_identity identity;
};

void leat__file_lookup(struct lookup *lookup);

/* Identity of the file that the path means by how and coding, if it is there and the kernel has its names in memory. Opens
 * nothing that could be read: quicker than a lookup, and no more than a confirmation. 0 or -errno. */
int leat__file_confirm(const struct lookup *lookup, enum file_how how, struct file_identity *identity);

/* Identity of the open file: 0 or -errno. */
int leat__file_identify(int fd, struct file_identity *identity);
/* Whether the next change will have another time: it was not written within the clock's tick under way. */
bool leat__file_is_quiet(const struct file_identity *identity);
bool leat__file_is_same(const struct file_identity *a, const struct file_identity *b);

/* Reads the file whole, of the version that identity names. 0; -EAGAIN: not without waiting; -ESTALE: it is another version
 * now, or it is being written; other -errno. */
int leat__file_read(int fd, char *to, const struct file_identity *identity, bool may_wait);

/* Waits, for a moment, until the file has not been written within the clock's last tick. */
void leat__file_await_quiet(int fd);

#endif
