/* api.c: section 3 of the manual, from the installed header and nothing else.
 *
 * The header is read as people read it: a rule with a title opens a section, a comment speaks of the declarations under
 * it up to the next blank line or comment, a comment behind a declaration speaks of that one. Each section becomes a
 * page named by the last word of its title, leat_request(3), and each of its functions a page that is the same. What
 * stands before the first section, the essay and the types, is in leat(3), which lists the others. */
#include "roff.h"

#include <ctype.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

enum { ITEMS_MAX = 1024, SECTIONS_MAX = 32, NAME_SIZE = 64 };

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
    const char *at;
    struct item items[ITEMS_MAX];
    unsigned count;
};

static void fail(const char *what, const char *at)
{
    fprintf(stderr, "the header can't be made a manual of: %s: %.60s\n", what, at);
    exit(EXIT_FAILURE);
}

static struct text trimmed(const char *from, const char *to)
{
    while (from < to && isspace((unsigned char)*from))
        from++;
    while (from < to && isspace((unsigned char)to[-1]))
        to--;
    return (struct text){from, (size_t)(to - from)};
}

static bool starts(const char *text, const char *with)
{
    return strncmp(text, with, strlen(with)) == 0;
}

static struct item *add(struct api *api, enum item_kind kind)
{
    if (api->count == ITEMS_MAX)
        fail("more than it was made for", api->at);
    struct item *item = &api->items[api->count++];
    *item = (struct item){.kind = kind};
    return item;
}

/* ── Reading ─────────────────────────────────────────────────────────────────────────────────────────────────── */

static struct text read_comment(struct api *api)
{
    const char *end = strstr(api->at, "*/");
    if (end == NULL)
        fail("a comment without an end", api->at);
    struct text text = trimmed(api->at + 2, end);
    api->at = end + 2;
    return text;
}

/* "── Title ───…" */
static bool is_rule(struct text text)
{
    return text.size > 6 && starts(text.data, "──");
}

static struct text rule_title(struct text text)
{
    const char *from = text.data + strcspn(text.data, " ");
    const char *to = strstr(from, "──");
    return trimmed(from, to != NULL ? to : text.data + text.size);
}

/* To behind the declaration that begins here: its ';' or the end of its body. */
static const char *declaration_end(const char *at, const char **body)
{
    int depth = 0;
    bool is_inline = starts(at, "static inline");
    *body = NULL;
    for (; *at != '\0'; at++) {
        if (starts(at, "/*")) {
            at = strstr(at, "*/");
            if (at == NULL)
                return NULL;
            at++;
        } else if (*at == '{') {
            if (depth++ == 0 && is_inline)
                *body = at;
        } else if (*at == '}') {
            if (--depth == 0 && is_inline)
                return at + 1;
        } else if (*at == ';' && depth == 0) {
            return at + 1;
        }
    }
    return NULL;
}

static void read_name(struct item *item)
{
    const char *paren = memchr(item->text.data, '(', item->text.size);
    const char *from = paren;
    if (paren == NULL)
        fail("neither a function nor a type", item->text.data);
    while (from > item->text.data && (isalnum((unsigned char)from[-1]) || from[-1] == '_'))
        from--;
    if (from == paren || paren - from >= NAME_SIZE)
        fail("a function without a name", item->text.data);
    memcpy(item->name, from, (size_t)(paren - from));
}

static void read_declaration(struct api *api)
{
    const char *body, *end = declaration_end(api->at, &body);
    if (end == NULL)
        fail("a declaration without an end", api->at);
    bool is_type = starts(api->at, "typedef") || starts(api->at, "struct") || starts(api->at, "enum");
    const char *from = api->at + (starts(api->at, "LEAT_API ") ? strlen("LEAT_API ") : 0);
    from += starts(from, "static inline ") ? strlen("static inline ") : 0;
    struct item *item = add(api, is_type ? ITEM_TYPE : ITEM_FUNCTION);
    item->text = trimmed(from, body != NULL ? body : end);
    if (!is_type)
        read_name(item);
    api->at = end;
    api->at += strspn(api->at, " ");
    if (starts(api->at, "/*"))
        item->behind = read_comment(api);
}

static void skip_line(struct api *api)
{
    api->at += strcspn(api->at, "\n");
    api->at += *api->at == '\n';
}

static void read_header(struct api *api)
{
    while (*api->at != '\0') {
        if (*api->at == '\n') {
            add(api, ITEM_BLANK);
            api->at++;
        } else if (starts(api->at, "#ifdef __cplusplus")) {
            const char *end = strstr(api->at, "#endif");
            api->at = end != NULL ? end : api->at;
            skip_line(api);
        } else if (*api->at == '#') {
            skip_line(api);
        } else if (starts(api->at, "/*")) {
            struct text text = read_comment(api);
            struct item *item = add(api, is_rule(text) ? ITEM_SECTION : ITEM_COMMENT);
            item->text = item->kind == ITEM_SECTION ? rule_title(text) : text;
            skip_line(api);
        } else {
            read_declaration(api);
            skip_line(api);
        }
    }
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
        struct text words = trimmed(from, next);
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

static bool is_declaration(const struct item *item)
{
    return item->kind == ITEM_FUNCTION || item->kind == ITEM_TYPE;
}

static void put_synopsis(FILE *file, const struct item *items, unsigned count)
{
    bool gap = true;
    fputs(".SH SYNOPSIS\n.nf\n.B #include <leat/leat.h>\n", file);
    for (unsigned i = 0; i < count; i++) {
        gap = gap || items[i].kind == ITEM_BLANK;
        if (!is_declaration(&items[i]))
            continue;
        fputs(gap ? ".PP\n" : "", file);
        put_declaration(file, &items[i]);
        gap = false;
    }
    fputs(".fi\n", file);
}

/* The name that a type is known by: the last word before its ';' or before the parameters of a function type. */
static struct text type_name(const struct item *item)
{
    const char *end = item->text.data + item->text.size - 1;
    if (end[-1] == ')')
        end = memchr(item->text.data, '(', item->text.size);
    const char *from = end;
    while (from > item->text.data && (isalnum((unsigned char)from[-1]) || from[-1] == '_'))
        from--;
    return (struct text){from, (size_t)(end - from)};
}

static void put_tag(FILE *file, const struct item *item, bool first)
{
    fputs(first ? ".TP\n" : ".TQ\n", file);
    if (item->kind == ITEM_FUNCTION) {
        fprintf(file, ".BR %s ()\n", item->name);
    } else {
        struct text name = type_name(item);
        fprintf(file, ".B %.*s\n", (int)name.size, name.data);
    }
}

/* Declarations from here that one comment speaks of: up to a blank line, a comment, or one with its own comment. */
static unsigned group_size(const struct item *items, unsigned count)
{
    unsigned n = 0;
    while (n < count && is_declaration(&items[n])) {
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
        if (!is_declaration(&items[i])) {
            above = items[i].kind == ITEM_COMMENT ? items[i].text : (struct text){NULL, 0};
            i++;
            continue;
        }
        unsigned size = group_size(&items[i], count - i);
        bool more = i + size < count && is_declaration(&items[i + size]);
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
    put_synopsis(file, items, count);
    fputs(".SH DESCRIPTION\n", file);
    put_descriptions(file, items, count);
    fputs(".SH SEE ALSO\n.BR leat (3)\n", file);
    man__page_close(file);
    for (unsigned i = 0; i < count; i++) {
        if (items[i].kind != ITEM_FUNCTION)
            continue;
        FILE *same = man__page_open(directory, items[i].name, 3);
        fprintf(same, ".so man3/%s.3\n", name);
        man__page_close(same);
    }
}

static unsigned section_end(const struct api *api, unsigned from)
{
    while (from < api->count && api->items[from].kind != ITEM_SECTION)
        from++;
    return from;
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
        for (unsigned k = i + 1; k < section_end(api, i + 1); k++) {
            if (api->items[k].kind == ITEM_FUNCTION) {
                fprintf(file, "%s%s", first ? "" : ",\n", api->items[k].name);
                first = false;
            }
        }
        fputc('\n', file);
    }
}

/* The essay's first line, "leat.h: …", is the header's own name. */
static void write_overview(const char *directory, const struct api *api, const char *version,
                           const char *date)
{
    FILE *file = man__page_open(directory, "leat", 3);
    man__put_head(file, "leat", 3, "Leat's library", version, date);
    fputs(".SH NAME\nleat \\- a web framework and server whose memory is dug before the first "
          "request\n"
          ".SH SYNOPSIS\n.nf\n.B #include <leat/leat.h>\n.PP\n"
          ".B cc first.c \\-o first $(pkg\\-config \\-\\-cflags \\-\\-libs leat)\n.fi\n"
          ".SH DESCRIPTION\n",
          file);
    unsigned end = section_end(api, 0), first = 0;
    while (first < end && api->items[first].kind != ITEM_COMMENT)
        first++;
    struct text essay = api->items[first].text;
    const char *second = memchr(essay.data, '\n', essay.size);
    const char *prose = second != NULL ? second + 1 : essay.data;
    prose += strspn(prose, " *\n");
    put_comment(file, (struct text){prose, essay.size - (size_t)(prose - essay.data)});
    fputs(".SH TYPES\n.nf\n", file);
    for (unsigned i = first; i < end; i++)
        if (is_declaration(&api->items[i]))
            put_declaration(file, &api->items[i]);
    fputs(".fi\n", file);
    put_descriptions(file, &api->items[first + 1], end - first - 1);
    put_pages(file, api);
    fputs(".SH SEE ALSO\n.BR leat (1),\n.BR leat\\-serve (1),\n.BR leat.conf (5)\n", file);
    man__page_close(file);
}

void man__write_api(const char *directory, const char *header, const char *version, const char *date)
{
    static struct api api;
    api.at = header;
    read_header(&api);
    write_overview(directory, &api, version, date);
    for (unsigned i = 0; i < api.count; i++)
        if (api.items[i].kind == ITEM_SECTION)
            write_section(directory, &api.items[i], &api.items[i + 1],
                          section_end(&api, i + 1) - i - 1, version, date);
}
