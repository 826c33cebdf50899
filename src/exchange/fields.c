/* fields.c: the fields of a response: a list of complete lines in the arena, gathered when the head is written. */
#include "exchange/exchange.h"
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <strings.h>

/* Fields that frame the message belong to the server: a program that sets them would lie. */
bool leat__field_is_framing(const char *name)
{
    static const char *const framing[] = {"Content-Length", "Transfer-Encoding", "Connection", "Date"};
    for (size_t i = 0; i < COUNT_OF(framing); i++)
        if (strcasecmp(name, framing[i]) == 0)
            return true;
    return false;
}

static bool field_is(const struct response_field *f, const char *name, size_t name_size)
{
    return f->name_size == name_size && strncasecmp(f->line, name, name_size) == 0;
}

bool leat__response_has_field(const struct leat_exchange *x, const char *name)
{
    size_t name_size = strlen(name);
    for (const struct response_field *f = x->response.fields; f != NULL; f = f->next)
        if (field_is(f, name, name_size))
            return true;
    return false;
}

/* The value of a field among the response's own lines; data NULL: none. */
static leat_slice find_line(const struct response *r, const char *name, size_t name_size)
{
    size_t size;
    if (r->type_size == 0)
        return (leat_slice){NULL, 0};
    for (const char *line = r->type_line, *end = line + r->type_size; line < end; line += size) {
        size = (size_t)((const char *)memchr(line, '\n', (size_t)(end - line)) + 1 - line);
        if (size > name_size + 3 && line[name_size] == ':' && strncasecmp(line, name, name_size) == 0)
            return (leat_slice){line + name_size + 2, size - name_size - 4};
    }
    return (leat_slice){NULL, 0};
}

static leat_slice find_set(const struct response *r, const char *name, size_t name_size)
{
    for (const struct response_field *f = r->fields; f != NULL; f = f->next)
        if (f->is_default == FIELD_SET && field_is(f, name, name_size))
            return (leat_slice){f->line + name_size + 2, f->size - name_size - 4};
    return find_line(r, name, name_size);
}

/* Whether a default does not count: there is another of its name, or a later default, or this is not HTML. */
static bool is_overruled(const struct response *r, const struct response_field *field)
{
    if (find_set(r, field->line, field->name_size).data != NULL)
        return true;
    for (const struct response_field *f = field->next; f != NULL; f = f->next)
        if (field_is(f, field->line, field->name_size))
            return true;
    if (field->is_default != FIELD_DEFAULT_OF_HTML)
        return false;
    leat_slice type = find_set(r, "Content-Type", 12);
    return type.size < 9 || strncasecmp(type.data, "text/html", 9) != 0;
}

static bool is_replaced(const struct response *r, const char *line)
{
    for (const struct response_field *f = r->fields; f != NULL; f = f->next)
        if (f->replaces && strncasecmp(f->line, line, f->name_size + (size_t)1) == 0)
            return true;
    return false;
}

/* The response's own lines come first, but for those that the program has replaced. */
static char *copy_lines(const struct response *r, char *at)
{
    if (r->type_size == 0)
        return at;
    const char *line = r->type_line, *end = r->type_line + r->type_size;
    while (line < end) {
        const char *next = (const char *)memchr(line, '\n', (size_t)(end - line)) + 1;
        if (!is_replaced(r, line)) {
            memcpy(at, line, (size_t)(next - line));
            at += next - line;
        }
        line = next;
    }
    return at;
}

const char *leat__response_gather(struct leat_exchange *x, size_t *size)
{
    const struct response *r = &x->response;
    char *all = arena_alloc(&x->arena, (size_t)r->type_size + r->fields_size);
    if (all == NULL)
        return NULL;
    char *at = copy_lines(r, all);
    for (const struct response_field *f = r->fields; f != NULL; f = f->next) {
        if (UNLIKELY(f->is_default != FIELD_SET) && is_overruled(r, f))
            continue;
        memcpy(at, f->line, f->size);
        at += f->size;
    }
    *size = (size_t)(at - all);
    return all;
}

static void remove_field(struct leat_exchange *x, const char *name, size_t name_size)
{
    struct response *r = &x->response;
    struct response_field **link = &r->fields;
    r->fields_last = NULL;
    while (*link != NULL) {
        struct response_field *f = *link;
        if (field_is(f, name, name_size)) {
            r->fields_size -= f->size;
            *link = f->next;
        } else {
            r->fields_last = f;
            link = &f->next;
        }
    }
}

void leat__response_remove_field(struct leat_exchange *x, const char *name)
{
    remove_field(x, name, strlen(name));
}

bool leat__field_is_none(const char *name, const char *value)
{
    return name == NULL || value == NULL || !leat__http1_is_token(name, strlen(name)) ||
           !leat__http1_is_field_value(value, strlen(value)) || leat__field_is_framing(name);
}

int leat__field_make(struct leat_exchange *x, const char *name, const char *value,
                     struct response_field **made)
{
    size_t name_size = strlen(name), value_size = strlen(value);
    size_t size = name_size + value_size + 4;
    struct response_field *f = arena_alloc(&x->arena, sizeof *f + size);
    if (f == NULL)
        return -ENOMEM;
    f->next = NULL;
    f->replaces = false;
    f->is_default = FIELD_SET;
    f->name_size = (uint32_t)name_size;
    f->size = (uint32_t)size;
    memcpy(f->line, name, name_size);
    memcpy(f->line + name_size, ": ", 2);
    memcpy(f->line + name_size + 2, value, value_size);
    memcpy(f->line + size - 2, "\r\n", 2);
    *made = f;
    return 0;
}

static void link_field(struct response *r, struct response_field *f)
{
    *(r->fields_last ? &r->fields_last->next : &r->fields) = f;
    r->fields_last = f;
    r->fields_size += f->size;
}

int leat__field_default(leat_exchange *x, const char *name, const char *value, enum field_default how)
{
    struct response_field *f;
    if (leat__field_is_none(name, value))
        return -EINVAL;
    if (x->flags & X_SENT)
        return -EALREADY;
    int error = leat__field_make(x, name, value, &f);
    if (error < 0)
        return error;
    f->is_default = (uint8_t)how;
    link_field(&x->response, f);
    return 0;
}

int leat_field_default(leat_exchange *x, const char *name, const char *value)
{
    return leat__field_default(x, name, value, FIELD_DEFAULT);
}

static int put_field(leat_exchange *x, const char *name, const char *value, bool replace)
{
    struct response_field *f;
    if (leat__field_is_none(name, value))
        return -EINVAL;
    if (x->flags & X_SENT)
        return -EALREADY;
    int error = leat__field_make(x, name, value, &f);
    if (error < 0)
        return error;
    f->replaces = replace || strcasecmp(name, "Content-Type") == 0;
    if (replace)
        remove_field(x, name, f->name_size);
    link_field(&x->response, f);
    return 0;
}

int leat_field_set(leat_exchange *x, const char *name, const char *value)
{
    return put_field(x, name, value, true);
}

int leat_field_add(leat_exchange *x, const char *name, const char *value)
{
    return put_field(x, name, value, false);
}

static __attribute__((noinline)) int set_formatted(leat_exchange *x, const char *name,
                                                   const char *format, va_list arguments)
{
    char value[1024];
    int n = vsnprintf(value, sizeof value, format, arguments);
    if (n < 0 || (size_t)n >= sizeof value)
        return -EINVAL;
    return put_field(x, name, value, true);
}

int leat_field_setf(leat_exchange *x, const char *name, const char *format, ...)
{
    va_list arguments;
    if (exchange_lacks_stack(x, TASK_STACK_LEFT))
        return -EOVERFLOW;
    va_start(arguments, format);
    int result = set_formatted(x, name, format, arguments);
    va_end(arguments);
    return result;
}

leat_slice leat_response_field(leat_exchange *x, const char *name)
{
    const struct response *r = &x->response;
    size_t name_size = strlen(name);
    leat_slice value = find_set(r, name, name_size);
    for (const struct response_field *f = r->fields; f != NULL && value.data == NULL; f = f->next)
        if (field_is(f, name, name_size) && !is_overruled(r, f))
            value = (leat_slice){f->line + name_size + 2, f->size - name_size - 4};
    return value;
}
