/* effective.h: what has been said, by whom, and whose word counts.
 *
 *     default < configuration file < environment < flags
 *
 * Every value is kept as a setting: the row, the text as it was written, and where. From the settings the structs are
 * filled: of each row, the settings of its strongest source, so a --listen replaces those of the file. The same settings
 * are what --print-config shows, and what a reload compares.
 *
 * Nothing here allocates: a reload happens while the server runs. An effective is large (EFFECTIVE_SIZE) but for its
 * beginning untouched; it is meant to be static. */
#ifndef LEAT_EFFECTIVE_H
#define LEAT_EFFECTIVE_H

#include "config/options.h"

enum {
    SETTINGS_MAX = 4096,
    SECTIONS_MAX = 64,
    EFFECTIVE_TEXT_MAX = 320 << 10, /* octets of texts that are copied: all of a file, lists of the environment */
};

struct setting {
    const struct option_row *row;
    const char *text; /* of a flag without a value: "yes" */
    int64_t number;   /* what text came to; 0 of texts */
    uint32_t line;    /* of the file */
    uint32_t section; /* 0: none; else index + 1 */
    enum option_source source;
};

struct section {
    struct option_texts names;
    uint32_t line;
};

struct effective {
    const struct option_table *tables[2]; /* the server's; the program's or NULL */
    const char *file;                     /* read; NULL: none */
    uint32_t count, section_count;
    size_t text_size;
    struct setting settings[SETTINGS_MAX];
    struct section sections[SECTIONS_MAX];
    char text[EFFECTIVE_TEXT_MAX];
};

/* extra may be NULL. */
void leat__effective_init(struct effective *e, const struct option_table *extra);

/* The row of that name, or NULL; in which of the tables, unless table is NULL. */
const struct option_row *leat__effective_find_row(const struct effective *e, const char *name,
                                                  unsigned *table);

/* The name nearest to what was written, or of what other servers call so ("port"), among rows that count at latest at
 * `most`, in tables with a bit in `tables`; or NULL. */
const char *leat__effective_nearest(const struct effective *e, const char *written,
                                    enum option_when most, unsigned tables);

/* Checks a value and takes it; text must live as long as e. Of a row with one value, a flag or a variable takes the place
 * of an earlier one of its kind; in a file the second is an error. 0 or -EINVAL with a line. */
int leat__effective_add(struct effective *e, const struct option_row *row, uint32_t section,
                        const struct option_place *place, const char *text, char *error,
                        size_t error_size);

/* A NUL-terminated copy that lives as long as e; NULL: no room. */
const char *leat__effective_copy(struct effective *e, const char *text, size_t size);

/* The i-th setting that counts for a row of a section, or NULL: one at most but for lists. */
const struct setting *leat__effective_get(const struct effective *e, const struct option_row *row,
                                          uint32_t section, uint32_t i);

/* The table's struct: defaults, then what counts. */
void leat__effective_fill(const struct effective *e, const struct option_table *table,
                          uint32_t section, void *options);

struct option_place leat__setting_place(const struct effective *e, const struct setting *setting);

/* A line of an error that came from elsewhere, as one that says where the value was written: what names an option as a flag
 * ("--exchanges 8: more than …") names it as the file or the environment did, and what is about a text that stood there
 * ("redirect \"/a\": …") begins with the place. */
void leat__effective_respell(const struct effective *e, const char *line, size_t size, char *out,
                             size_t out_size);

/* ── Where settings come from; each answers 0 or -EINVAL with one line ── */

/* Flags: reads argv[1 …], moving operands behind the flags: the first one's index is answered. argv must live as long as
 * e. */
int leat__flags_read(struct effective *e, int argc, char **argv, char *error, size_t error_size);
/* Whether orders go together (--json wants --plan …). */
int leat__flags_check(const struct options *options, char *error, size_t error_size);

/* Variables LEAT_…, of an environment that must live as long as e. */
int leat__environment_read(struct effective *e, char *const *environment, char *error, size_t error_size);

/* A file (config/ini.h). */
int leat__ini_read(struct effective *e, const char *path, char *error, size_t error_size);
/* The same from octets: what the name is in messages. */
int leat__ini_parse(struct effective *e, const char *name, const char *bytes, size_t size,
                    char *error, size_t error_size);

/* Whether a value's piece, on an indented line, reads like a key: no file may have that, it was surely not meant. */
bool leat__ini_is_like_key(const struct effective *e, const char *piece);

/* ── Printing ── */

/* As a file that can be read in again; completed tells what the defaults of the machine came to. */
void leat__effective_print(const struct effective *e, const struct options *completed,
                           void (*write)(void *to, const char *text, size_t size), void *to);
void leat__effective_print_json(const struct effective *e, const struct options *completed,
                                void (*write)(void *to, const char *text, size_t size), void *to);

#endif
