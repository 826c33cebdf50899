/* reference.c: REFERENCE.md, all of the headers on one page, and `undocumented`: the declarations that no comment speaks
 * of, a line each, for a test that wants none. A declaration stands as it does in the header, what is said of it below. */
#include "header.h"
#include "roff.h"

#include <string.h>

/* Prose in which no character is taken for Markdown's but backquotes. */
static void put_prose(FILE *file, struct text text)
{
    for (size_t i = 0; i < text.size; i++) {
        if (strchr("<*_[", text.data[i]) != NULL)
            fputc('\\', file);
        fputc(text.data[i], file);
    }
    fputc('\n', file);
}

/* As in the manual: empty lines end paragraphs, "- " begins a point, what is indented by four is code. */
static void put_comment(FILE *file, struct text comment)
{
    bool is_code = false, is_point = false;
    const char *end = comment.data + comment.size;
    for (const char *line = comment.data, *next; line < end; line = next + 1) {
        next = memchr(line, '\n', (size_t)(end - line));
        next = next != NULL ? next : end;
        const char *from = line + strspn(line, " ");
        from += line != comment.data && *from == '*';
        struct text words = man__trimmed(from < next ? from : next, next);
        size_t indent = words.size > 0 ? (size_t)(words.data - from) : 0;
        bool code = line != comment.data && indent >= 5 && !is_point;
        is_point = words.size > 2 && memcmp(words.data, "- ", 2) == 0 ? true
                                                                      : is_point && words.size > 0;
        if (code != is_code && (words.size > 0 || !is_code)) {
            fputs(code ? "```c\n" : "```\n", file);
            is_code = code;
        }
        if (is_code)
            fprintf(file, "%*s%.*s\n", words.size > 0 ? (int)indent - 5 : 0, "", (int)words.size,
                    words.data);
        else if (words.size == 0)
            fputc('\n', file);
        else
            put_prose(file, words);
    }
    fputs(is_code ? "```\n\n" : "\n", file);
}

/* Declarations that stand together, as they stand there, with what is said behind them. */
static unsigned put_declarations(FILE *file, const struct item *items, unsigned count)
{
    unsigned n = 0;
    fputs("```c\n", file);
    for (; n < count && man__is_declaration(&items[n]); n++) {
        size_t size = items[n].text.size;
        fprintf(file, "%.*s%s", (int)size, items[n].text.data,
                items[n].text.data[size - 1] == ';' ? "" : ";");
        if (items[n].behind.size > 0)
            fprintf(file, " /* %.*s */", (int)items[n].behind.size, items[n].behind.data);
        fputc('\n', file);
    }
    fputs("```\n\n", file);
    return n;
}

static void put_header(FILE *file, const struct api *api)
{
    fprintf(file, "## leat/%s\n\n", api->name);
    put_comment(file, man__essay_body(api));
    bool is_behind_essay = false;
    for (unsigned i = 0; i < api->count;) {
        const struct item *item = &api->items[i];
        if (man__is_declaration(item)) {
            i += put_declarations(file, item, api->count - i);
            continue;
        }
        if (item->kind == ITEM_SECTION)
            fprintf(file, "### %.*s\n\n", (int)item->text.size, item->text.data);
        if (item->kind == ITEM_COMMENT && is_behind_essay)
            put_comment(file, item->text);
        is_behind_essay |= item->kind == ITEM_COMMENT;
        i++;
    }
}

void man__write_reference(const char *directory, const struct api *headers, unsigned count,
                          const char *version)
{
    FILE *file = man__file_open(directory, "REFERENCE.md");
    fprintf(file, "# Leat %s: reference\n\nEvery public header, as `man 3 leat` has it. Made from the headers.\n\n",
            version);
    for (unsigned i = 0; i < count; i++)
        fprintf(file, "- [leat/%s](#leat%.*sh): %.*s\n", headers[i].name,
                (int)strcspn(headers[i].name, "."), headers[i].name,
                (int)man__essay_title(&headers[i]).size, man__essay_title(&headers[i]).data);
    fputc('\n', file);
    for (unsigned i = 0; i < count; i++)
        put_header(file, &headers[i]);
    man__page_close(file);
    file = man__file_open(directory, "undocumented");
    for (unsigned i = 0; i < count; i++) {
        for (unsigned k = 0; k < headers[i].count; k++) {
            if (!man__is_declaration(&headers[i].items[k]) || man__is_documented(&headers[i], k))
                continue;
            struct text name = man__item_name(&headers[i].items[k]);
            fprintf(file, "leat/%s: %.*s\n", headers[i].name, (int)name.size, name.data);
        }
    }
    man__page_close(file);
}
