/* file_bundle.c: serving a packed folder. Everything is there, under the names that the folder had, so nothing is made
 * ready beforehand: a path is found in the bundle's own table, by the same rules as in a folder. Small contents are sent
 * from the mapping, larger ones from the bundle's descriptor. */
#include "handler/file_answer.h"
#include "handler/file_prepare.h"

#include "leat/leat.h"
#include <errno.h>

struct bundle_hit {
    struct bundle_file files[CODING_COUNT];
    unsigned there; /* 0: no such file */
    const char *path;
    size_t path_size;
    char name[FILE_PATH_MAX]; /* the file's own path */
};

static bool look(const struct leat_files *files, struct bundle_hit *hit, enum file_how how)
{
    size_t size = leat__file_path_write(hit->name, files, hit->path, hit->path_size, how, CODING_IDENTITY);
    hit->there = size > 0 ? leat__bundle_find(files->bundle, hit->name, size, hit->files) : 0;
    return hit->there != 0;
}

/* Whether the path names a folder: it has an index then, or it is not shown. */
static bool is_folder(const struct leat_files *files, const struct bundle_hit *hit)
{
    struct bundle_hit inner = {.path_size = hit->path_size + 1};
    char path[FILE_PATH_MAX];
    if (hit->path_size + 2 > sizeof path)
        return false;
    memcpy(path, hit->path, hit->path_size);
    memcpy(path + hit->path_size, "/", 2);
    inner.path = path;
    return look(files, &inner, FILE_INDEX);
}

/* Which lines a 304 has too (RFC 9110 15.4.5). */
static bool is_validator(const char *line)
{
    static const char *const names[] = {"ETag:", "Last-Modified:", "Vary:", "Cache-Control:", "Expires:"};
    for (size_t i = 0; i < COUNT_OF(names); i++)
        if (strncasecmp(line, names[i], strlen(names[i])) == 0)
            return true;
    return false;
}

/* NULL: no memory. */
static const char *validators_of(struct leat_exchange *x, const struct bundle_file *file, size_t *size)
{
    char *out = arena_alloc(&x->arena, file->lines_size);
    const char *line = file->lines, *end = line + file->lines_size;
    *size = 0;
    while (out != NULL && line < end) {
        const char *next = (const char *)memchr(line, '\n', (size_t)(end - line)) + 1;
        if (is_validator(line)) {
            memcpy(out + *size, line, (size_t)(next - line));
            *size += (size_t)(next - line);
        }
        line = next;
    }
    return out;
}

static void answer(struct leat_exchange *x, const struct leat_files *files,
                   const struct bundle_hit *hit, const struct http_conditions *conditions)
{
    struct file_view view;
    enum http_coding coding = CODING_IDENTITY;
    if (!files->plain && hit->there != 1u << CODING_IDENTITY)
        coding = leat__prepared_choose(x, hit->there);
    const struct bundle_file *file = &hit->files[coding];
    bool small = file->size <= FILE_IN_MEMORY_MAX;
    view = (struct file_view){.lines = file->lines,
                              .lines_size = file->lines_size,
                              .bytes = small ? file->bytes : NULL,
                              .fd = leat__bundle_fd(files->bundle),
                              .offset = small ? 0 : file->offset,
                              .size = file->size,
                              .v = {.etag = file->etag,
                                    .modified_s = file->modified_s,
                                    .now_s = *x->common->now_s,
                                    .exists = true}};
    view.validators = "";
    if (conditions != NULL) {
        view.validators = validators_of(x, file, &view.validators_size);
        if (view.validators == NULL)
            return;
    }
    leat__file_answer(x, &view, conditions);
    const struct file_rule *rule = leat__file_rule_find(files, hit->name);
    if (rule != NULL && leat_response_status(x) < 400)
        leat_field_set(x, "Cache-Control", rule->value);
}

static bool find(const struct leat_files *files, struct bundle_hit *hit)
{
    if (hit->path_size == 0 || hit->path[hit->path_size - 1] == '/')
        return look(files, hit, FILE_INDEX);
    return look(files, hit, FILE_AS_NAMED);
}

/* The clean form of the path leads to the same file, and to no other. */
static bool is_unclean(struct leat_exchange *x, const struct leat_files *files,
                       const struct bundle_hit *hit)
{
    leat_slice sent = leat_path(x);
    size_t less = leat__file_path_unclean(files, sent.data, sent.size);
    if (!files->clean_urls || less == 0 || less > hit->path_size)
        return false;
    struct bundle_hit other = {.path = hit->path, .path_size = hit->path_size - less};
    if (less == strlen(files->index) && (other.path_size == 0 || other.path[other.path_size - 1] == '/'))
        return true;
    return !look(files, &other, FILE_AS_NAMED) && !is_folder(files, &other);
}

int leat__file_send_bundle(leat_exchange *x, const struct prepared *p)
{
    struct bundle_hit hit = {.path = p->path, .path_size = p->path_size};
    if (!find(p->files, &hit))
        return -ENOENT;
    answer(x, p->files, &hit, p->conditions);
    return 0;
}

void leat__file_serve_bundle(leat_exchange *x, const struct prepared *p)
{
    const struct leat_files *files = p->files;
    struct bundle_hit hit = {.path = p->path, .path_size = p->path_size};
    if (!leat__files_is_servable(p->path)) {
        leat_problem(x, 404, NULL);
        return;
    }
    if (find(files, &hit)) {
        if (is_unclean(x, files, &hit))
            leat__file_clean(x, files);
        else
            answer(x, files, &hit, p->conditions);
        return;
    }
    if (is_folder(files, &hit)) {
        leat__file_add_slash(x);
        return;
    }
    if (files->clean_urls && look(files, &hit, FILE_HTML)) {
        answer(x, files, &hit, p->conditions);
        return;
    }
    if (files->fallback != NULL && leat__prepared_wants_page(x, p->path, p->path_size)) {
        hit.path = files->fallback;
        hit.path_size = strlen(files->fallback);
        if (look(files, &hit, FILE_AS_NAMED)) {
            answer(x, files, &hit, p->conditions);
            return;
        }
    }
    leat_problem(x, 404, NULL);
}
