/* log_file.h: what both logs say of a file that can't be opened. */
#ifndef LEAT_LOG_FILE_H
#define LEAT_LOG_FILE_H

#include "base/base.h"

/* To be put behind the error's text: "; make its folder first …", or "". error: negative. */
const char *leat__log_way_out(int error);

#endif
