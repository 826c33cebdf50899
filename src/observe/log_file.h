/* log_file.h: the files of both logs: how they are opened, and what is said of one that can't be. */
#ifndef LEAT_LOG_FILE_H
#define LEAT_LOG_FILE_H

#include "base/base.h"

/* To be appended to, made when it is not there; a pipe that nobody reads is no reason to wait. A descriptor or -errno. */
int leat__log_open_file(const char *path);

/* To be put behind the error's text: "; make its folder first …", or "". error: negative. */
const char *leat__log_way_out(int error);

#endif
