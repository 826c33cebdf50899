/* ways.h: the ways to hand a file's octets to a socket, each behind the same function, so that they can be laid side by
 * side. The file is open and in the page cache, and the sockets block: what differs is only how its octets get there.
 *
 *     copy       pread(2) into a buffer and send(2), a buffer at a time
 *     mmap       mmap(2), send(2) from the mapping, munmap(2), for each transfer
 *     memory     send(2) from a mapping that was made and touched before: what a server does that keeps small files
 *     sendfile   sendfile(2)
 *     splice     splice(2) from the file into a pipe and from the pipe into the socket
 *     zerocopy   send(2) with MSG_ZEROCOPY from memory of our own, which the kernel tells when it may be written again */
#ifndef LAB_WAYS_H
#define LAB_WAYS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

enum {
    WAYS_BUFFER = 65536, /* octets: of the copy's buffer */
    WAYS_PIPE_MAX = 1 << 20, /* octets: what the pipe is asked to hold; fs.pipe-max-size may allow less */
};

/* One file on its way to one socket. */
struct transfer {
    int to;
    int file;
    size_t size;
    const char *mapped; /* all of it, touched */
    char *own;          /* the same octets in anonymous memory; NULL: not made */
    char *buffer;       /* WAYS_BUFFER octets */
    int pipe[2];
    size_t pipe_size;
    uint32_t zero_asked, zero_done,
        zero_copied; /* sends with MSG_ZEROCOPY: made, told to be over, told to be copied */
};

struct way {
    const char *name;
    size_t size_min; /* not meaningful for less */
    bool finishes;   /* something is outstanding after the last transfer, and finish waits for it */
    int (*send)(struct transfer *t);
};

extern const struct way ways[];
extern const size_t way_count;

/* NULL: there is none of this name. */
const struct way *way_find(const char *name, size_t size);

/* Opens path and makes what the ways need; 0 or -errno. The socket is the caller's. */
int transfer_open(struct transfer *t, const char *path, int to);
void transfer_close(struct transfer *t);

/* Waits until the kernel has told the end of every send with MSG_ZEROCOPY; 0 or -errno. */
int transfer_finish(struct transfer *t);

#endif
