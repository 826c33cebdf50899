/* log_file.c: see log_file.h. */
#include "observe/log_file.h"
#include <errno.h>
#include <fcntl.h>

int leat__log_open_file(const char *path)
{
    int fd = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY | O_NONBLOCK, 0640);
    return fd >= 0 ? fd : -errno;
}

const char *leat__log_way_out(int error)
{
    switch (error) {
    case -ENOENT:
    case -ENOTDIR:
        return "; make its folder first, or name another";
    case -EACCES:
    case -EPERM:
    case -EROFS:
        return "; name a place that the server's user may write";
    case -EISDIR:
        return "; name a file in it";
    case -ENXIO:
        return "; nobody reads it";
    default:
        return "";
    }
}
