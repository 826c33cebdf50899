/* api.c: section 3 of the manual, from the installed headers and nothing else (header.h).
 *
 * Each section of leat.h becomes a page named by the last word of its title, leat_request(3), and each of its functions a
 * page that is the same. What stands before the first section, the essay and the types, is in leat(3), which lists the
 * others. Each other header is one page, leat_wait.h(3). */
#include "header.h"
#include "roff.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

static bool starts(const char *text, const char *with)
{
    return strncmp(text, with, strlen(with)) == 0;
}

/* ── Writing ─────────────────────────────────────────────────────────────────────────────────────────────────── */

/* A comment as prose: an empty line ends a paragraph, "- " begins a point, what is indented without being a point's
 * continuation is code. */
static void put_comment(FILE *file, struct text text)
{
    enum { PROSE, POINT, CODE } state = PROSE;
    const char *end = text.data + text.size;
    for (const char *line = text.data; line < end;) {
        const char *next = memchr(line, '\n', (size_t)(end - line));
        next = next != NULL ? next : end;
        const char *from = line;
        from += strspn(from, " ");
        if (line != text.data && *from == '*')
            from++;
        struct text words = man__trimmed(from, next);
        size_t indent = words.size > 0 ? (size_t)(words.data - from) : 0;
        bool code = line != text.data && indent >= 4 && state != POINT;
        if (state == CODE && !code && words.size > 0) {
            fputs(".EE\n", file);
            state = PROSE;
        }
        if (words.size == 0) {
            if (state != CODE)
                fputs(".PP\n", file);
            else
                fputc('\n', file);
            state = state == POINT ? PROSE : state;
        } else if (code) {
            if (state != CODE)
                fputs(".EX\n", file);
            fprintf(file, "%*s", (int)indent - 1, "");
            man__put_text(file, words.data, words.size);
            fputc('\n', file);
            state = CODE;
        } else {
            if (words.size > 2 && starts(words.data, "- ")) {
                fputs(".IP \\(bu 2\n", file);
                words = (struct text){words.data + 2, words.size - 2};
                state = POINT;
            } else if (state == POINT && indent < 4) {
                fputs(".PP\n", file);
                state = PROSE;
            }
            man__put_text(file, words.data, words.size);
            fputc('\n', file);
        }
        line = next + 1;
    }
    if (state == CODE)
        fputs(".EE\n", file);
}

/* As it stands in the header. */
static void put_declaration(FILE *file, const struct item *item)
{
    fputs("\\fB", file);
    const char *end = item->text.data + item->text.size;
    for (const char *line = item->text.data; line < end;) {
        const char *next = memchr(line, '\n', (size_t)(end - line));
        next = next != NULL ? next : end;
        man__put_text(file, line, (size_t)(next - line));
        if (next < end)
            fputc('\n', file);
        line = next + 1;
    }
    fprintf(file, "%s\\fR\n", item->text.data[item->text.size - 1] == ';' ? "" : ";");
}

static void put_synopsis(FILE *file, const char *header, const struct item *items, unsigned count)
{
    bool gap = true;
    fprintf(file, ".SH SYNOPSIS\n.nf\n.B #include <leat/%s>\n", header);
    for (unsigned i = 0; i < count; i++) {
        gap = gap || items[i].kind == ITEM_BLANK;
        if (!man__is_declaration(&items[i]))
            continue;
        fputs(gap ? ".PP\n" : "", file);
        put_declaration(file, &items[i]);
        gap = false;
    }
    fputs(".fi\n", file);
}

static void put_tag(FILE *file, const struct item *item, bool first)
{
    fputs(first ? ".TP\n" : ".TQ\n", file);
    struct text name = man__item_name(item);
    fprintf(file, item->kind == ITEM_FUNCTION ? ".BR %.*s ()\n" : ".B %.*s\n", (int)name.size, name.data);
}

/* Declarations from here that one comment speaks of: up to a blank line, a comment, or one with its own comment. */
static unsigned group_size(const struct item *items, unsigned count)
{
    unsigned n = 0;
    while (n < count && man__is_declaration(&items[n])) {
        if (items[n].behind.size > 0)
            return n > 0 ? n : 1;
        n++;
    }
    return n;
}

static void put_descriptions(FILE *file, const struct item *items, unsigned count)
{
    struct text above = {NULL, 0};
    for (unsigned i = 0; i < count;) {
        if (!man__is_declaration(&items[i])) {
            above = items[i].kind == ITEM_COMMENT ? items[i].text : (struct text){NULL, 0};
            i++;
            continue;
        }
        unsigned size = group_size(&items[i], count - i);
        bool more = i + size < count && man__is_declaration(&items[i + size]);
        if (above.size > 0 && more)
            size = 1; /* those that follow speak for themselves: this is about the first */
        if (above.size > 0 || items[i].behind.size > 0) {
            for (unsigned k = 0; k < size; k++)
                put_tag(file, &items[i + k], k == 0);
            put_comment(file, above.size > 0 ? above : items[i].behind);
            if (above.size > 0 && items[i].behind.size > 0) {
                fputs(".sp\n", file);
                put_comment(file, items[i].behind);
            }
        }
        above = (struct text){NULL, 0};
        i += size;
    }
}

/* "The request" → leat_request */
static void section_name(char name[static NAME_SIZE], struct text title)
{
    const char *from = title.data + title.size;
    while (from > title.data && from[-1] != ' ')
        from--;
    int size = snprintf(name, NAME_SIZE, "leat_%.*s", (int)(title.data + title.size - from), from);
    for (int i = 0; i < size && i < NAME_SIZE; i++)
        name[i] = (char)tolower((unsigned char)name[i]);
}

/* Each function's page is the one that tells of it. */
static void write_aliases(const char *directory, const char *name, const struct item *items, unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        if (items[i].kind != ITEM_FUNCTION)
            continue;
        FILE *same = man__page_open(directory, items[i].name, 3);
        fprintf(same, ".so man3/%s.3\n", name);
        man__page_close(same);
    }
}

static void write_section(const char *directory, const struct item *title, const struct item *items,
                          unsigned count, const char *version, const char *date)
{
    char name[NAME_SIZE];
    section_name(name, title->text);
    FILE *file = man__page_open(directory, name, 3);
    man__put_head(file, name, 3, "Leat's library", version, date);
    fprintf(file, ".SH NAME\n%s", name);
    for (unsigned i = 0; i < count; i++)
        if (items[i].kind == ITEM_FUNCTION)
            fprintf(file, ",\n%s", items[i].name);
    fputs("\n\\- ", file);
    fputc(tolower((unsigned char)title->text.data[0]), file);
    man__put_text(file, title->text.data + 1, title->text.size - 1);
    fputc('\n', file);
    put_synopsis(file, "leat.h", items, count);
    fputs(".SH DESCRIPTION\n", file);
    put_descriptions(file, items, count);
    fputs(".SH SEE ALSO\n.BR leat (3)\n", file);
    man__page_close(file);
    write_aliases(directory, name, items, count);
}

static void put_pages(FILE *file, const struct api *api)
{
    fputs(".SH PAGES\n", file);
    for (unsigned i = 0; i < api->count; i++) {
        if (api->items[i].kind != ITEM_SECTION)
            continue;
        char name[NAME_SIZE];
        section_name(name, api->items[i].text);
        fprintf(file, ".TP\n.BR %s (3)\n", name);
        bool first = true;
        for (unsigned k = i + 1; k < man__section_end(api, i + 1); k++) {
            if (api->items[k].kind == ITEM_FUNCTION) {
                fprintf(file, "%s%s", first ? "" : ",\n", api->items[k].name);
                first = false;
            }
        }
        fputc('\n', file);
    }
}

/* "json.h" → leat_json.h */
static void header_page_name(char name[static NAME_SIZE], const struct api *api)
{
    snprintf(name, NAME_SIZE, "leat_%.50s", api->name);
}

static void put_text(FILE *file, struct text text)
{
    man__put_text(file, text.data, text.size);
}

static void put_header_entry(FILE *file, const struct api *api)
{
    char name[NAME_SIZE];
    header_page_name(name, api);
    fprintf(file, ".TP\n.BR %s (3)\n", name);
    put_text(file, man__essay_title(api));
    fputc('\n', file);
}

/* One page for all of a header: its sections are the page's. */
static void write_header_page(const char *directory, const struct api *api, const char *version,
                              const char *date)
{
    char name[NAME_SIZE];
    header_page_name(name, api);
    FILE *file = man__page_open(directory, name, 3);
    man__put_head(file, name, 3, "Leat's library", version, date);
    fprintf(file, ".SH NAME\n%s", name);
    for (unsigned i = 0; i < api->count; i++)
        if (api->items[i].kind == ITEM_FUNCTION)
            fprintf(file, ",\n%s", api->items[i].name);
    fputs("\n\\- ", file);
    put_text(file, man__essay_title(api));
    fputc('\n', file);
    put_synopsis(file, api->name, api->items, api->count);
    fputs(".SH DESCRIPTION\n", file);
    struct text body = man__essay_body(api);
    if (body.size > 0)
        put_comment(file, body);
    unsigned from = 0;
    while (from < api->count && api->items[from].kind != ITEM_BLANK) /* behind the essay */
        from++;
    for (unsigned end; from < api->count; from = end + 1) {
        end = man__section_end(api, from);
        put_descriptions(file, &api->items[from], end - from);
        if (end < api->count) {
            fputs(".SS ", file);
            put_text(file, api->items[end].text);
            fputc('\n', file);
        }
    }
    fputs(".SH SEE ALSO\n.BR leat (3)\n", file);
    man__page_close(file);
    write_aliases(directory, name, api->items, api->count);
}

/* The essay's first line, "leat.h: …", is the header's own name. */
static void write_overview(const char *directory, const struct api *api, const struct api *others,
                           unsigned other_count, const char *version, const char *date)
{
    FILE *file = man__page_open(directory, "leat", 3);
    man__put_head(file, "leat", 3, "Leat's library", version, date);
    fputs(".SH NAME\nleat \\- a web framework and server whose memory is dug before the first "
          "request\n"
          ".SH SYNOPSIS\n.nf\n.B #include <leat/leat.h>\n.PP\n"
          ".B cc first.c \\-o first $(pkg\\-config \\-\\-cflags \\-\\-libs leat)\n.fi\n"
          ".SH DESCRIPTION\n",
          file);
    unsigned end = man__section_end(api, 0), first = 0;
    while (first < end && api->items[first].kind != ITEM_COMMENT)
        first++;
    put_comment(file, man__essay_body(api));
    fputs(".SH TYPES\n.nf\n", file);
    for (unsigned i = first; i < end; i++)
        if (man__is_declaration(&api->items[i]))
            put_declaration(file, &api->items[i]);
    fputs(".fi\n", file);
    put_descriptions(file, &api->items[first + 1], end - first - 1);
    put_pages(file, api);
    for (unsigned i = 0; i < other_count; i++)
        put_header_entry(file, &others[i]);
    fputs(".SH SEE ALSO\n.BR leat (1),\n.BR leat\\-serve (1),\n.BR leat.conf (5)\n", file);
    man__page_close(file);
}

void man__write_api(const char *directory, const struct api *headers, unsigned count,
                    const char *version, const char *date)
{
    const struct api *api = &headers[0];
    write_overview(directory, api, &headers[1], count - 1, version, date);
    for (unsigned i = 0; i < api->count; i++)
        if (api->items[i].kind == ITEM_SECTION)
            write_section(directory, &api->items[i], &api->items[i + 1],
                          man__section_end(api, i + 1) - i - 1, version, date);
    for (unsigned i = 1; i < count; i++)
        write_header_page(directory, &headers[i], version, date);
}
