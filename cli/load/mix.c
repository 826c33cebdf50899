/* mix.c: a request file. A request is a line that begins with its method; the lines beneath it that are indented say more of it.
 *
 *     # what visitors do
 *     GET /
 *         weight 60
 *     GET /style.css
 *         weight 30
 *         Accept-Encoding: br
 *     POST /login
 *         weight 10
 *         name sign in
 *         Content-Type: application/x-www-form-urlencoded
 *         content-text user=ann&word=secret
 *         status 303
 *
 * A line with a colon behind its first word is a field. Other words: weight N, status N, name TEXT, content FILE,
 * content-text TEXT, expect FILE, expect-text TEXT. Files lie where the request file does. # begins a comment line. */
#include "load/request.h"
#include "config/option_values.h"
#include <stdarg.h>

struct mix {
    struct load_wording *w;
    struct load_words *request; /* the one whose lines are read; NULL: none yet */
    const char *file;
    unsigned line;
    char *error;
    size_t error_size;
};

static bool fail(struct mix *m, const char *format, ...) __attribute__((format(printf, 2, 3)));
static bool fail(struct mix *m, const char *format, ...)
{
    char why[LOAD_ERROR_SIZE];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(why, sizeof why, format, arguments);
    va_end(arguments);
    if (m->line > 0)
        snprintf(m->error, m->error_size, "%.200s:%u: %s", m->file, m->line, why);
    else
        snprintf(m->error, m->error_size, "%.200s: %s", m->file, why);
    return false;
}

/* ── What an indented line says ── */

static bool take_number(struct mix *m, const char *word, const char *value, int64_t least,
                        int64_t most, int64_t *number)
{
    if (leat__option_read_count(value, number) == 0 && *number >= least && *number <= most)
        return true;
    return fail(m, "%s %.60s: give a whole number from %lld to %lld", word, value, (long long)least,
                (long long)most);
}

static bool take_octets(struct mix *m, struct load_octets *octets, const char *word, const char *value)
{
    bool is_text = strcmp(word + strlen(word) - 5, "-text") == 0;
    if (octets->octets != NULL || octets->file != NULL)
        return fail(m, "%s: it has been given already; give it once", word);
    if (!is_text && value[0] == '\0')
        return fail(m, "%s: give a file", word);
    if (is_text)
        *octets = (struct load_octets){value, strlen(value), NULL};
    else
        octets->file = value;
    return true;
}

static bool take_field(struct mix *m, const char *text)
{
    const char *fault = leat__load_field_fault(text);
    if (fault != NULL)
        return fail(m, "%.60s: %s", text, fault);
    char *fields = leat__load_keep_both(m->w, m->request->fields, text);
    fields = fields != NULL ? leat__load_keep_both(m->w, fields, "\r\n") : NULL;
    if (fields == NULL)
        return fail(m, "there is no memory");
    if (strlen(fields) > 16000)
        return fail(m, "the fields of a request have at most 16000 octets in all");
    m->request->fields = fields;
    return true;
}

static bool take_unknown(struct mix *m, const char *word)
{
    static const char *const words[] = {"weight",       "status", "name",       "content",
                                        "content-text", "expect", "expect-text"};
    int nearest = leat__option_nearest(word, words, COUNT_OF(words));
    if (nearest >= 0)
        return fail(m, "%.60s: no such word; did you mean %s?", word, words[nearest]);
    return fail(m,
                "%.60s: no such word; a field is written Name: value, the rest is weight, status, "
                "name, content, "
                "content-text, expect, expect-text",
                word);
}

/* text: the line without what it is indented by, and without spaces at its end; it is ours to cut. */
static bool take_detail(struct mix *m, char *text)
{
    size_t size = strcspn(text, " \t");
    int64_t number;
    if (m->request == NULL)
        return fail(
            m, "an indented line says more of a request, and there is none yet; begin with GET /");
    if (memchr(text, ':', size) != NULL)
        return take_field(m, text);
    char *value = text + size + strspn(text + size, " \t");
    text[size] = '\0';
    if (strcmp(text, "weight") == 0) {
        if (!take_number(m, text, value, 1, LOAD_WEIGHT_MAX, &number))
            return false;
        m->request->weight = (uint32_t)number;
    } else if (strcmp(text, "status") == 0) {
        if (!take_number(m, text, value, 100, 599, &number))
            return false;
        m->request->status = (uint16_t)number;
    } else if (strcmp(text, "name") == 0) {
        if (value[0] == '\0')
            return fail(m, "name: give one");
        m->request->name = value;
    } else if (strcmp(text, "content") == 0 || strcmp(text, "content-text") == 0) {
        return take_octets(m, &m->request->content, text, value);
    } else if (strcmp(text, "expect") == 0 || strcmp(text, "expect-text") == 0) {
        return take_octets(m, &m->request->expected, text, value);
    } else {
        return take_unknown(m, text);
    }
    return true;
}

/* ── Lines ── */

static bool take_request(struct mix *m, char *text)
{
    size_t size = strcspn(text, " \t");
    char *target = text + size + strspn(text + size, " \t");
    text[size] = '\0';
    if (m->w->mix_count == LOAD_REQUESTS_MAX)
        return fail(m, "more than %d requests; take some out", LOAD_REQUESTS_MAX);
    const char *fault = leat__load_method_fault(text);
    if (fault == NULL)
        fault = target[0] == '\0' ? "a request is METHOD TARGET, like GET /"
                                  : leat__load_target_fault(target);
    if (fault != NULL)
        return fail(m, "%.60s %.60s: %s", text, target, fault);
    m->request = &m->w->mix[m->w->mix_count++];
    *m->request = (struct load_words){
        .method = text, .target = target, .fields = "", .weight = 1, .line = m->line};
    return true;
}

static bool take_line(struct mix *m, char *line)
{
    size_t indent = strspn(line, " \t"), size = strlen(line);
    if (line[indent] == '\0' || line[indent] == '#')
        return true;
    while (strchr(" \t", line[size - 1]) != NULL)
        line[--size] = '\0';
    return indent > 0 ? take_detail(m, line + indent) : take_request(m, line);
}

bool leat__load_mix_parse(struct load_wording *w, const char *text, size_t size, const char *file,
                          char *error, size_t error_size)
{
    struct mix m = {.w = w, .file = file, .error_size = error_size};
    m.error = error;
    char *all = leat__load_keep(w, text, size);
    w->mix_count = 0;
    if (all == NULL)
        return fail(&m, "there is no memory");
    for (char *line = all, *end; line < all + size; line = end + 1) {
        m.line++;
        end = memchr(line, '\n', (size_t)(all + size - line));
        end = end != NULL ? end : all + size;
        if (memchr(line, '\0', (size_t)(end - line)) != NULL)
            return fail(&m, "that is no text");
        *end = '\0';
        if (end > line && end[-1] == '\r')
            end[-1] = '\0';
        if (!take_line(&m, line))
            return false;
    }
    m.line = 0;
    return w->mix_count > 0 || fail(&m, "no request is in it; write a line like GET /");
}
