/* face.h: what people see of a load while it runs and behind it, beside the summary and JSON (load.h). */
#ifndef LEAT_LOAD_FACE_H
#define LEAT_LOAD_FACE_H

#include "load/load.h"

/* ── Progress (progress.c) ── On a terminal one line that is drawn anew; elsewhere a line now and then; quiet: nothing. */

struct load_face; /* NULL: there is none */
struct load_face *leat__load_progress_open(const struct load_options *o, FILE *to, bool quiet);
void leat__load_progress_show(struct load_face *face, const struct load_moment *moment);
void leat__load_progress_close(struct load_face *face); /* clears the line; takes NULL */

/* ── A report (report.c) ── FILE.html, FILE.svg or FILE.png */

/* What is wrong with the file's name; NULL: nothing. */
const char *leat__load_report_fault(const char *path);
/* 0, or -errno and a line of error. */
int leat__load_report(const char *path, const struct load_options *o, const struct load_result *r,
                      char *error, size_t error_size);

/* Whether there were answers and all were right. */
bool leat__load_result_is_well(const struct load_result *r);

#endif
