/* header.h: an installed header, read as people read it: a rule with a title opens a section, a comment speaks of the
 * declarations under it up to the next blank line or comment, a comment behind a declaration speaks of that one. */
#ifndef LEAT_MAN_HEADER_H
#define LEAT_MAN_HEADER_H

#include <stdbool.h>
#include <stddef.h>

enum { ITEMS_MAX = 1024, NAME_SIZE = 64, HEADERS_MAX = 64 };

struct text {
    const char *data;
    size_t size;
};

enum item_kind { ITEM_BLANK, ITEM_COMMENT, ITEM_SECTION, ITEM_FUNCTION, ITEM_TYPE };

struct item {
    enum item_kind kind;
    struct text text;   /* of a comment: what is between its marks; of a section: its title */
    struct text behind; /* the comment on the same line; size 0: none */
    char name[NAME_SIZE];
};

struct api {
    char name[NAME_SIZE]; /* "json.h" */
    const char *at;
    struct item items[ITEMS_MAX];
    unsigned count;
};

/* header: the text, NUL-terminated, which must stay. Ends the program when it is not of the form that is expected. */
void man__read_header(struct api *api, const char *name, const char *header);

struct text man__trimmed(const char *from, const char *to);
bool man__is_declaration(const struct item *item);
/* What a declaration is known by: the function's name, or the type's. */
struct text man__item_name(const struct item *item);
/* Behind the items of the section that begins at from. */
unsigned man__section_end(const struct api *api, unsigned from);
/* Whether a comment behind it, or one before it in the same paragraph, speaks of the declaration at i. */
bool man__is_documented(const struct api *api, unsigned i);
/* The comment that the header begins with; what it says in a few words, and all of it, both behind "json.h: ". */
struct text man__essay(const struct api *api);
struct text man__essay_title(const struct api *api);
struct text man__essay_body(const struct api *api);

#endif
