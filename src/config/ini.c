/* ini.c: settings from a configuration file, by inih.
 *
 *     # a comment: the line begins with # or ;
 *     listen = 127.0.0.1:8080
 *     listen = [::1]:8080
 *     redirect = /old /new
 *         308                        an indented line goes on with the value, joined by a blank
 *     [site www.example.org]
 *     root = /srv/www
 *
 * inih takes lines from a reader of ours, so it neither opens the file nor allocates. Our reader counts the lines and
 * finds what inih would pass over: lines that are too long for it, octets that no text has, sections. And it hides a
 * semicolon behind a blank, which to inih would begin a comment: values of fields have such.
 *
 * A value is complete when the next key, section or the end comes. The first mistake ends the reading. */
#include "config/effective.h"

#include <errno.h>
#include <fcntl.h>
#include <ini.h>
#include <stdarg.h>
#include <stdio.h>
#include <strings.h>
#include <unistd.h>

enum { FILE_SIZE_MAX = 256 << 10, HIDDEN_SEMICOLON = 0x01 };

struct reading {
    struct effective *e;
    const char *at, *end; /* what is left of the file */
    uint32_t line;        /* of what was handed to inih last, from 1 */
    bool indented;        /* it begins with a blank */
    bool failed;
    uint32_t failed_line;
    uint32_t section; /* as struct setting counts */
    unsigned tables;  /* that rows may come from here, a bit each */
    /* the value that is being gathered at the end of e->text */
    const struct option_row *row;
    uint32_t row_line;
    size_t from;
    char *error;
    size_t error_size;
};

static void fail(struct reading *r, uint32_t line, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

static void fail(struct reading *r, uint32_t line, const char *format, ...)
{
    va_list arguments;
    if (r->failed)
        return;
    r->failed = true;
    r->failed_line = line;
    int size = snprintf(r->error, r->error_size, "%s:%u: ", r->e->file, line);
    size_t used = size_min((size_t)size, r->error_size - 1);
    va_start(arguments, format);
    vsnprintf(r->error + used, r->error_size - used, format, arguments);
    va_end(arguments);
}

/* ── Values ── */

static void end_value(struct reading *r)
{
    const struct option_row *row = r->row;
    struct option_place place = {SOURCE_FILE, r->e->file, r->row_line};
    r->row = NULL;
    if (row == NULL || r->failed)
        return;
    r->e->text[r->e->text_size++] = '\0';
    if (leat__effective_add(r->e, row, r->section, &place, r->e->text + r->from, r->error,
                            r->error_size) == 0)
        return;
    r->failed = true;
    r->failed_line = r->row_line;
}

/* There is always room: a file is shorter than e->text, and what we add to a value takes the place of its line's end. */
static void gather(struct reading *r, const char *piece)
{
    size_t size = strlen(piece);
    if (r->failed)
        return;
    if (size + 2 > EFFECTIVE_TEXT_MAX - r->e->text_size) {
        fail(r, r->line, "more text than %d octets", EFFECTIVE_TEXT_MAX);
        return;
    }
    char *to = r->e->text + r->e->text_size;
    for (size_t i = 0; i < size; i++)
        to[i] = piece[i] == HIDDEN_SEMICOLON ? ';' : piece[i];
    r->e->text_size += size;
}

static void tell_unknown_key(struct reading *r, const char *name)
{
    const char *nearest = leat__effective_nearest(r->e, name, OPTION_LIVE, r->tables);
    if (name[0] == '\0')
        fail(r, r->line, "no key before the =; write KEY = VALUE");
    else if (strpbrk(name, " \t") != NULL)
        fail(r, r->line, "%.64s: no = behind the key; write KEY = VALUE", name);
    else if (nearest != NULL)
        fail(r, r->line, "%.64s: no such key; did you mean %s?", name, nearest);
    else
        fail(r, r->line,
             "%.64s: no such key; the names are those of the options, --help lists them", name);
}

static void begin_value(struct reading *r, const char *name)
{
    unsigned table = 0;
    const struct option_row *row = leat__effective_find_row(r->e, name, &table);
    if (row == NULL)
        tell_unknown_key(r, name);
    else if (row->when == OPTION_ONCE)
        fail(r, r->line, "%s: is an order, not a setting; write the flag --%s", name, name);
    else if (row->when == OPTION_OUTSIDE)
        fail(r, r->line, "%s: can't be said by a configuration file; write the flag --%s", name, name);
    else if ((r->tables & 1u << table) == 0 && table == 0)
        fail(r, r->line, "%s: is the server's; write it above the first section, or in [server]", name);
    else if ((r->tables & 1u << table) == 0)
        fail(r, r->line, "%s: is not the server's; write it above the first section, or in [%s NAME]",
             name, r->e->tables[1]->section);
    r->row = row;
    r->row_line = r->line;
    r->from = r->e->text_size;
}

bool leat__ini_is_like_key(const struct effective *e, const char *piece)
{
    char name[64];
    size_t size = strcspn(piece, " \t=");
    const char *after = piece + size + strspn(piece + size, " \t");
    if (*after != '=' || size >= sizeof name)
        return false;
    memcpy(name, piece, size);
    name[size] = '\0';
    return leat__effective_find_row(e, name, NULL) != NULL;
}

/* inih's handler; 1: go on. */
static int on_value(void *context, const char *section, const char *name, const char *value)
{
    struct reading *r = context;
    (void)section; /* ours knows no bound of 50 octets */
    if (r->failed)
        return 1;
    if (!r->indented || r->row == NULL) {
        end_value(r);
        if (!r->failed)
            begin_value(r, name);
        gather(r, value);
        return 1;
    }
    if (leat__ini_is_like_key(r->e, value))
        fail(r, r->line,
             "%.64s: is indented, so it goes on with %s of line %u; write it without the blanks",
             value, r->row->name, r->row_line);
    if (r->e->text_size > r->from)
        gather(r, " ");
    gather(r, value);
    return 1;
}

/* ── Sections ── */

static bool is_name_taken(const struct effective *e, const char *name, uint32_t *line)
{
    for (uint32_t s = 0; s < e->section_count; s++)
        for (uint32_t i = 0; i < e->sections[s].names.count; i++)
            if (strcasecmp(e->sections[s].names.items[i], name) == 0) {
                *line = e->sections[s].line;
                return true;
            }
    return false;
}

/* [site NAME …]; words is what is behind its first. */
static void open_section(struct reading *r, const char *words, const char *end)
{
    struct effective *e = r->e;
    struct section *section = &e->sections[e->section_count];
    uint32_t line;
    if (e->section_count == SECTIONS_MAX) {
        fail(r, r->line, "[%s]: %d such sections are the most; leave this one out",
             e->tables[1]->section, SECTIONS_MAX);
        return;
    }
    *section = (struct section){.line = r->line};
    for (;;) {
        words += strspn(words, " \t");
        size_t size = size_min(strcspn(words, " \t]"), (size_t)(end - words));
        if (size == 0 || words >= end)
            break;
        const char *name = leat__effective_copy(e, words, size);
        words += size;
        if (name == NULL || section->names.count == OPTION_TEXTS_MAX) {
            fail(r, r->line, "[%s]: %d names are the most", e->tables[1]->section, OPTION_TEXTS_MAX);
            return;
        }
        if (is_name_taken(e, name, &line)) {
            fail(r, r->line, "[%s %s]: line %u has that name already; leave one out",
                 e->tables[1]->section, name, line);
            return;
        }
        section->names.items[section->names.count++] = name;
    }
    if (section->names.count == 0) {
        fail(r, r->line, "[%s]: has no name; write [%s www.example.org]", e->tables[1]->section,
             e->tables[1]->section);
        return;
    }
    e->section_count++;
    r->section = e->section_count;
    r->tables = 2;
}

/* A line that begins with '['; without a ']' it is inih that complains. */
static void read_section(struct reading *r, const char *line)
{
    const char *known[] = {"server", r->e->tables[1] != NULL ? r->e->tables[1]->section : NULL};
    const char *end = strchr(line, ']'), *at = line + 1 + strspn(line + 1, " \t");
    char word[32];
    if (end == NULL)
        return;
    snprintf(word, sizeof word, "%.*s",
             (int)size_min(size_min(strcspn(at, " \t]"), (size_t)(end - at)), 31), at);
    const char *rest = at + strlen(word);
    if (strchr(line, HIDDEN_SEMICOLON) != NULL) {
        fail(r, r->line, "[%s]: a comment on a section's line; write it on the line before", word);
    } else if (end[1 + strspn(end + 1, " \t\r")] != '\0') {
        fail(r, r->line, "[%s]: more behind the ]; write it on the next line", word);
    } else if (strcmp(word, "server") == 0) {
        if (rest + strspn(rest, " \t") < end)
            fail(r, r->line, "[server]: has no names; write [server]");
        r->section = 0;
        r->tables = 1;
    } else if (known[1] != NULL && strcmp(word, known[1]) == 0) {
        open_section(r, rest, end);
    } else {
        int nearest = leat__option_nearest(word, known, 2);
        if (nearest == 0)
            fail(r, r->line, "[%s]: no such section; did you mean [server]?", word);
        else if (nearest == 1)
            fail(r, r->line, "[%s]: no such section; did you mean [%s NAME]?", word, known[1]);
        else if (known[1] != NULL)
            fail(r, r->line, "[%s]: no such section; write [server] or [%s NAME]", word, known[1]);
        else
            fail(r, r->line, "[%s]: no such section; write [server]", word);
    }
}

/* ── Lines ── */

static bool has_control_octet(const char *line, size_t size)
{
    for (size_t i = 0; i < size; i++)
        if (((unsigned char)line[i] < 0x20 && line[i] != '\t' && !(line[i] == '\r' && i + 1 == size)) ||
            line[i] == 0x7f)
            return true;
    return false;
}

/* inih's reader, in the place of fgets. */
static char *read_line(char *out, int out_size, void *context)
{
    struct reading *r = context;
    if (r->failed || r->at == r->end)
        return NULL;
    const char *line = r->at, *newline = memchr(line, '\n', (size_t)(r->end - line));
    size_t size = (size_t)((newline != NULL ? newline : r->end) - line), bom = 0;
    r->at = newline != NULL ? newline + 1 : r->end;
    r->line++;
    if (size > (size_t)out_size - 2) {
        fail(r, r->line, "longer than %d octets; break it: an indented line goes on with the value before",
             out_size - 2);
        return NULL;
    }
    if (has_control_octet(line, size)) {
        fail(r, r->line, "a control octet, such as NUL, that no text has; take it away");
        return NULL;
    }
    if (r->line == 1 && size >= 3 && memcmp(line, "\xef\xbb\xbf", 3) == 0)
        bom = 3;
    for (size_t i = 0; i < size; i++) {
        bool hide = line[i] == ';' && i > 0 && (line[i - 1] == ' ' || line[i - 1] == '\t');
        out[i] = hide ? HIDDEN_SEMICOLON : line[i];
    }
    out[size] = '\0';
    size_t blanks = bom + strspn(out + bom, " \t\r");
    if (out[blanks] == HIDDEN_SEMICOLON) /* a comment after all */
        out[blanks] = ';';
    r->indented = blanks > bom;
    if (out[blanks] == '[' && (!r->indented || r->row == NULL)) {
        end_value(r);
        if (!r->failed)
            read_section(r, out + blanks);
    }
    if (newline != NULL)
        memcpy(out + size, "\n", 2);
    return r->failed ? NULL : out;
}

/* inih could make nothing of that line. */
static void tell_malformed(struct reading *r, const char *bytes, size_t size, uint32_t number)
{
    const char *line = bytes, *end = bytes + size;
    char shown[64];
    for (uint32_t i = 1; i < number; i++)
        line = (const char *)memchr(line, '\n', (size_t)(end - line)) + 1;
    while (line < end && (*line == ' ' || *line == '\t'))
        line++;
    const char *newline = memchr(line, '\n', (size_t)(end - line));
    size_t shown_size = size_min((size_t)((newline != NULL ? newline : end) - line), sizeof shown - 1);
    snprintf(shown, sizeof shown, "%.*s", (int)shown_size, line);
    shown[strcspn(shown, "\r")] = '\0';
    r->failed = false;
    if (shown[0] == '[')
        fail(r, number, "%s: a section without its ]; write [server]", shown);
    else
        fail(r, number, "%s: no = in it; write KEY = VALUE", shown);
}

int leat__ini_parse(struct effective *e, const char *name, const char *bytes, size_t size,
                    char *error, size_t error_size)
{
    struct reading r = {.e = e, .at = bytes, .end = bytes + size, .tables = ~0u, .error_size = error_size};
    r.error = error;
    e->file = name;
    int malformed = ini_parse_stream(read_line, &r, on_value, &r);
    end_value(&r);
    if (malformed > 0 && (!r.failed || (uint32_t)malformed < r.failed_line))
        tell_malformed(&r, bytes, size, (uint32_t)malformed);
    return r.failed ? -EINVAL : 0;
}

/* ── Files ── */

int leat__ini_read(struct effective *e, const char *path, char *error, size_t error_size)
{
    static char bytes[FILE_SIZE_MAX + 1];
    size_t size = 0;
    ssize_t got = 0;
    const char *why = NULL;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
    while (fd >= 0 && size < sizeof bytes && (got = read(fd, bytes + size, sizeof bytes - size)) > 0)
        size += (size_t)got;
    if (fd < 0 || got < 0)
        why = errno == EISDIR ? "is a folder; name the file in it" : strerror(errno);
    else if (size > FILE_SIZE_MAX)
        why = "longer than 256 KiB; a configuration is shorter";
    if (why != NULL)
        snprintf(error, error_size, "configuration file %.200s: %s%s", path, why,
                 strchr(why, ';') != NULL ? "" : "; name one that can be read, or none");
    if (fd >= 0)
        close(fd);
    return why != NULL ? -EINVAL : leat__ini_parse(e, path, bytes, size, error, error_size);
}
