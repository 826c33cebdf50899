/* roff.h: writing manual pages: man(7) as groff and mandoc both read it. What comes from elsewhere goes through put_text
 * and its like, so that no character of it is ever taken for a command. */
#ifndef LEAT_MAN_ROFF_H
#define LEAT_MAN_ROFF_H

#include <stdio.h>

/* DIRECTORY/man3/NAME.3 and the like; ends the program with a line on stderr when that can't be. */
FILE *man__page_open(const char *directory, const char *name, int section);
FILE *man__file_open(const char *directory, const char *name);
void man__page_close(FILE *file);

void man__put_head(FILE *file, const char *name, int section, const char *manual,
                   const char *version, const char *date);

/* size characters of prose or code, on the line we are on. */
void man__put_text(FILE *file, const char *text, size_t size);

struct api;

/* Pages of section 3 from the installed headers; the first is leat.h. */
void man__write_api(const char *directory, const struct api *headers, unsigned count,
                    const char *version, const char *date);
/* REFERENCE.md, and the list of what no comment speaks of. */
void man__write_reference(const char *directory, const struct api *headers, unsigned count,
                          const char *version);

#endif
