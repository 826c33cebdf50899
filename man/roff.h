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

/* pages of section 3 from the installed header. */
void man__write_api(const char *directory, const char *header, const char *version, const char *date);

#endif
