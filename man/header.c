/* header.c: see header.h. */
#define _GNU_SOURCE /* memmem */
#include "header.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void fail(const char *what, const char *at)
{
    fprintf(stderr, "the header can't be made a manual of: %s: %.60s\n", what, at);
    exit(EXIT_FAILURE);
}

struct text man__trimmed(const char *from, const char *to)
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

static struct text read_comment(struct api *api)
{
    const char *end = strstr(api->at, "*/");
    if (end == NULL)
        fail("a comment without an end", api->at);
    struct text text = man__trimmed(api->at + 2, end);
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
    return man__trimmed(from, to != NULL ? to : text.data + text.size);
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
    item->text = man__trimmed(from, body != NULL ? body : end);
    if (!is_type)
        read_name(item);
    api->at = end;
    api->at += strspn(api->at, " ");
    if (starts(api->at, "/*"))
        item->behind = read_comment(api);
}

/* A directive's lines: those that end with a backslash go on. */
static void skip_line(struct api *api)
{
    bool goes_on;
    do {
        size_t size = strcspn(api->at, "\n");
        goes_on = size > 0 && api->at[size - 1] == '\\';
        api->at += size;
        api->at += *api->at == '\n';
    } while (goes_on);
}

void man__read_header(struct api *api, const char *name, const char *header)
{
    *api = (struct api){.at = header};
    snprintf(api->name, sizeof api->name, "%s", name);
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

bool man__is_declaration(const struct item *item)
{
    return item->kind == ITEM_FUNCTION || item->kind == ITEM_TYPE;
}

/* The name that a type is known by: the last word before its ';' or before the parameters of a function type; of one
 * without a typedef, "enum x {…};", the word behind its kind. */
static struct text type_name(const struct item *item)
{
    const char *end = item->text.data + item->text.size - 1;
    if (end[-1] == ')')
        end = memchr(item->text.data, '(', item->text.size);
    if (end[-1] == '}') {
        const char *name = item->text.data + strcspn(item->text.data, " ") + 1;
        return (struct text){name, strcspn(name, " {")};
    }
    const char *from = end;
    while (from > item->text.data && (isalnum((unsigned char)from[-1]) || from[-1] == '_'))
        from--;
    return (struct text){from, (size_t)(end - from)};
}

struct text man__item_name(const struct item *item)
{
    return item->kind == ITEM_FUNCTION ? (struct text){item->name, strlen(item->name)} : type_name(item);
}

unsigned man__section_end(const struct api *api, unsigned from)
{
    while (from < api->count && api->items[from].kind != ITEM_SECTION)
        from++;
    return from;
}

/* What is there for the sake of an inline twin, which the comment behind it speaks of: leat_x_create_sized. */
static bool is_for_twin(const struct item *item)
{
    struct text name = man__item_name(item);
    return name.size > 6 && memcmp(name.data + name.size - 6, "_sized", 6) == 0 &&
           item[1].kind == ITEM_COMMENT;
}

/* A type whose members are spoken of tells enough itself. */
bool man__is_documented(const struct api *api, unsigned i)
{
    const struct item *item = &api->items[i];
    if (item->behind.size > 0 || is_for_twin(item) ||
        (item->kind == ITEM_TYPE && memmem(item->text.data, item->text.size, "/*", 2) != NULL))
        return true;
    while (i-- > 0 && (man__is_declaration(&api->items[i]) || api->items[i].kind == ITEM_COMMENT))
        if (api->items[i].kind == ITEM_COMMENT)
            return true;
    return false;
}

struct text man__essay(const struct api *api)
{
    for (unsigned i = 0; i < api->count; i++)
        if (api->items[i].kind == ITEM_COMMENT)
            return api->items[i].text;
    fail("no essay", api->name);
    return (struct text){NULL, 0};
}

/* What stands behind "json.h: ". */
static struct text behind_name(const struct api *api)
{
    struct text essay = man__essay(api);
    const char *colon = memchr(essay.data, ':', essay.size);
    if (colon == NULL || strncmp(essay.data, api->name, (size_t)(colon - essay.data)) != 0)
        fail("the essay does not begin with the header's name", essay.data);
    return man__trimmed(colon + 1, essay.data + essay.size);
}

static bool is_sentence_end(const struct text *text, size_t at)
{
    return text->data[at] == '.' &&
           (at + 1 == text->size || isspace((unsigned char)text->data[at + 1]));
}

/* The first sentence without its full stop: "hosts, matchers, mounts"; of one over several lines, up to the last comma or
 * colon of the first. */
struct text man__essay_title(const struct api *api)
{
    struct text text = behind_name(api);
    size_t size = 0;
    while (size < text.size && text.data[size] != '\n' && !is_sentence_end(&text, size))
        size++;
    if (size < text.size && text.data[size] == '\n') {
        size_t part = size;
        while (part > 0 && strchr(",:;", text.data[part]) == NULL)
            part--;
        size = part > 0 ? part : size;
    }
    return man__trimmed(text.data, text.data + size);
}

struct text man__essay_body(const struct api *api)
{
    return behind_name(api);
}
