/* warnings.h: what whoever reads a result must know before believing it. One definition, for the summary, JSON and the report. */
#ifndef LEAT_LOAD_WARNINGS_H
#define LEAT_LOAD_WARNINGS_H

#include "load/load.h"

enum { LOAD_WARNING_SIZE = 400 };

/* line: without an end; lent. */
typedef void load_warn(void *context, const char *line);

void leat__load_warnings(const struct load_options *o, const struct load_result *r, load_warn *warn,
                         void *context);

uint64_t leat__load_group_errors(const struct load_group *g);
/* Of both groups. */
uint64_t leat__load_errors(const struct load_result *r);

#endif
