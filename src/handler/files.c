/* files.c: folders and bundles are opened at start, with their options checked and copied; and the handler, which
 * answers with what file_prepare.c has made ready. */
#define _GNU_SOURCE
#include "handler/files.h"

#include "exchange/exchange.h"
#include "handler/file_answer.h"
#include "handler/file_prepare.h"
#include "handler/listing.h"
#include "http/http.h"
#include "memory/seal.h"
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

/* ── At start ── */

static void destroy_files(void *thing)
{
    struct leat_files *files = thing;
    if (files->root >= 0)
        close(files->root);
    if (files->bundle != NULL)
        leat__bundle_close(files->bundle);
    for (uint32_t i = 0; i < files->rule_count; i++) {
        leat__start_free(files->rules[i].pattern);
        leat__start_free(files->rules[i].value);
    }
    leat__start_free(files->rules);
    leat__start_free(files->index);
    leat__start_free(files->fallback);
    leat__start_free(files->directory);
    leat__start_free(files);
}

static const char *why_not(int error)
{
    switch (error) {
    case -ENOENT:
        return "no such folder";
    case -ENOTDIR:
        return "not a folder; name the one it lies in";
    case -EACCES:
        return "we may not read it";
    case -ENOSYS:
        return "serving files needs openat2(2), which this kernel lacks (Linux 5.6 has it)";
    case -EPERM:
        return "serving files needs openat2(2), which something here forbids (seccomp?)";
    default:
        return strerror(-error);
    }
}

/* Opens the folder, and makes sure that what lies beneath it can be opened. */
static int open_root(const char *directory)
{
    struct stat status;
    int root = open(directory, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (root < 0)
        return -errno;
    int probe = leat__files_open_beneath(root, ".", &status);
    if (probe < 0) {
        close(root);
        return probe;
    }
    close(probe);
    return root;
}

/* A file's name as an option gives it, without its first slash. */
static bool is_name(const char *name)
{
    return name[0] != '\0' && name[strlen(name) - 1] != '/' && leat__files_is_servable(name);
}

static char *copy_name(leat_app *app, const struct leat_files *files, const char *what, const char *name)
{
    if (name[0] == '/')
        name++;
    if (!is_name(name))
        leat__app_error(app, "%s: %s \"%s\" is not the name of a file in it", files->directory,
                        what, name);
    return leat__start_copy(name);
}

/* "PATTERN VALUE" */
static void copy_rule(leat_app *app, const struct leat_files *files, struct file_rule *rule,
                      const char *text)
{
    size_t pattern_size = strcspn(text, " \t");
    const char *value = text + pattern_size + strspn(text + pattern_size, " \t");
    bool good = pattern_size > 0 && (text[0] == '/' || text[0] == '*') && value[0] != '\0' &&
                strlen(value) <= FILE_RULE_VALUE_MAX &&
                leat__http1_is_field_value(value, strlen(value));
    if (!good)
        leat__app_error(app,
                        "%s: cache-control rule \"%s\": needs a pattern that begins with '/' or "
                        "'*', a space, and a "
                        "value of at most %d octets",
                        files->directory, text, FILE_RULE_VALUE_MAX);
    rule->pattern = leat__start_copy(text);
    rule->pattern[pattern_size] = '\0';
    rule->value = leat__start_copy(value);
}

static void copy_rules(leat_app *app, struct leat_files *files, const char *const *rules)
{
    uint32_t count = 0;
    while (rules != NULL && rules[count] != NULL)
        count++;
    if (count > FILE_RULES_MAX) {
        leat__app_error(app, "%s: %u cache-control rules; there can be %d", files->directory, count,
                        FILE_RULES_MAX);
        return;
    }
    files->rules = leat__start_alloc((count + 1) * sizeof *files->rules);
    files->rule_count = count;
    for (uint32_t i = 0; i < count; i++)
        copy_rule(app, files, &files->rules[i], rules[i]);
}

/* What a folder and a bundle have in common. An older program's options are shorter: what they lack is zero. */
static struct leat_files *create(leat_app *app, const char *directory,
                                 const leat_files_options *given, size_t given_size)
{
    leat_files_options options = {0};
    if (given != NULL)
        memcpy(&options, given, size_min(given_size, sizeof options));
    leat__http_types_load("/etc/mime.types"); /* without it the small table of our own serves */
    struct leat_files *files = leat__start_alloc(sizeof *files);
    files->root = -1;
    files->directory = leat__start_copy(directory);
    files->index = copy_name(app, files, "the index", options.index ? options.index : "index.html");
    if (strchr(files->index, '/') != NULL)
        leat__app_error(app, "%s: the index \"%s\" is a name without '/'", directory, files->index);
    if (options.fallback != NULL)
        files->fallback = copy_name(app, files, "the fallback", options.fallback);
    files->listing = options.listing;
    files->clean_urls = options.clean_urls;
    files->plain = options.plain;
    copy_rules(app, files, options.cache_control);
    leat__app_keep(app, files, destroy_files);
    leat__app_prepare(app, leat_serve_files, leat__files_prepare);
    return files;
}

/* 0 or -errno */
static int look_for(const struct leat_files *files, const char *name)
{
    struct bundle_file coded[CODING_COUNT];
    struct stat status;
    if (files->bundle != NULL)
        return leat__bundle_find(files->bundle, name, strlen(name), coded) != 0 ? 0 : -ENOENT;
    int fd = leat__files_open_beneath(files->root, name, &status);
    if (fd < 0)
        return fd;
    close(fd);
    return S_ISREG(status.st_mode) ? 0 : -EISDIR;
}

/* A fallback that is missing would be missed by the visitors first. */
static void check_fallback(leat_app *app, const struct leat_files *files)
{
    const char *name = files->fallback;
    if (name == NULL || !is_name(name))
        return; /* told already */
    int error = look_for(files, name);
    if (error == -EACCES)
        leat__app_error(app, "fallback \"%s\": we may not read it in %s; let us, or leave it out",
                        name, files->directory);
    else if (error < 0)
        leat__app_error(app, "fallback \"%s\": no such file in %s; %s, or leave it out", name,
                        files->directory,
                        files->bundle != NULL ? "pack the folder again with it" : "make it");
}

leat_files *leat_files_open_sized(leat_app *app, const char *directory,
                                  const leat_files_options *options, size_t options_size)
{
    int root = open_root(directory);
    if (root < 0) {
        leat__app_error(app, "%s: %s", directory, why_not(root));
        return NULL;
    }
    struct leat_files *files = create(app, directory, options, options_size);
    files->root = root;
    check_fallback(app, files);
    leat__app_keep_descriptor(app, root);
    leat__app_serves_files(app, 0);
    return files;
}

leat_files *leat_files_open(leat_app *app, const char *directory)
{
    return leat_files_open_sized(app, directory, NULL, 0);
}

leat_files *leat_bundle_open_sized(leat_app *app, const char *file,
                                   const leat_files_options *options, size_t options_size)
{
    char error[512];
    struct bundle *bundle = leat__bundle_open(file, error, sizeof error);
    if (bundle == NULL) {
        leat__app_error(app, "%s", error);
        return NULL;
    }
    struct leat_files *files = create(app, file, options, options_size);
    files->bundle = bundle;
    check_fallback(app, files);
    if (files->listing)
        leat__app_error(
            app, "%s: a bundle can't be listed; serve the folder, or give each folder an index", file);
    leat__app_keep_descriptor(app, leat__bundle_fd(bundle));
    leat__app_serves_files(app, leat__bundle_size(bundle));
    return files;
}

/* ── On a request ── */

/* The version that was begun is still the one that the descriptor has. (Its time of status change tells less: that
 * changes when its name goes, which harms nobody.) */
static bool is_still_same(void *argument)
{
    const struct prepared *p = argument;
    struct file_identity now;
    return leat__file_identify(p->fd, &now) == 0 && now.size == p->kept->identity.size &&
           now.modified_ns == p->kept->identity.modified_ns;
}

static void serve_file(struct leat_exchange *x, struct prepared *p)
{
    const struct kept_file *kept = p->kept;
    struct file_view view = {.lines = kept->lines,
                             .lines_size = kept->lines_size,
                             .validators = kept->lines + kept->validators_at,
                             .validators_size = kept->lines_size - (size_t)kept->validators_at,
                             .bytes = p->bytes,
                             .fd = p->fd,
                             .offset = 0,
                             .size = kept->identity.size};
    if (p->conditions != NULL)
        view.v = (struct http_validators){.etag = {kept->lines + kept->etag_at, kept->etag_size},
                                          .etag_weak = kept->weak,
                                          .modified_s = kept->modified_s,
                                          .now_s = *x->common->now_s,
                                          .exists = true};
    leat__file_answer(x, &view, p->conditions);
    if (p->bytes == NULL && x->response.file >= 0)
        leat__response_guard(x, is_still_same, p);
}

void leat__files_serve(leat_exchange *x, struct leat_files *files)
{
    struct prepared *p = leat__prepared_of(x, files);
    if (p == NULL)
        return; /* no memory, which the exchange remembers and answers */
    switch ((enum prepared_kind)p->kind) {
    case PREPARED_FILE:
        serve_file(x, p);
        break;
    case PREPARED_FOLDER:
        leat__file_add_slash(x);
        break;
    case PREPARED_CLEAN:
        leat__file_clean(x, files);
        break;
    case PREPARED_LIST:
        p->owns_fd = false;
        leat__listing_send(x, p->fd, p->path);
        p->fd = -1;
        break;
    case PREPARED_BUNDLE:
        leat__file_serve_bundle(x, p);
        break;
    default:
        leat_problem(x, p->status, NULL);
    }
}

void leat_serve_files(leat_exchange *x)
{
    leat__files_serve(x, leat_data(x));
}
