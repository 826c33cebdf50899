/* request.c: see request.h. What frames a message (its length, whether the connection goes on) is written here and
 * nowhere else, so no field of a user's may say otherwise. */
#include "load/request.h"
#include "server/main.h"
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <strings.h>
#include <unistd.h>

struct load_kept {
    struct load_kept *next;
    char octets[];
};

char *leat__load_keep(struct load_wording *w, const void *octets, size_t size)
{
    struct load_kept *kept = malloc(sizeof *kept + size + 1);
    if (kept == NULL)
        return NULL;
    kept->next = w->kept;
    w->kept = kept;
    if (octets != NULL)
        memcpy(kept->octets, octets, size);
    kept->octets[size] = '\0';
    return kept->octets;
}

char *leat__load_keep_both(struct load_wording *w, const char *first, const char *second)
{
    size_t size = strlen(first), more = strlen(second);
    char *text = leat__load_keep(w, NULL, size + more);
    if (text != NULL) {
        memcpy(text, first, size);
        memcpy(text + size, second, more);
    }
    return text;
}

void leat__load_let_go(struct load_wording *w)
{
    for (struct load_kept *kept = w->kept, *next; kept != NULL; kept = next) {
        next = kept->next;
        free(kept);
    }
    w->kept = NULL;
}

/* ── What a request may be made of ── */

static bool is_token(const char *text, size_t size)
{
    for (size_t i = 0; i < size; i++)
        if (text[i] <= ' ' || text[i] >= 0x7f || strchr("\"(),/:;<=>?@[\\]{}", text[i]) != NULL)
            return false;
    return size > 0;
}

const char *leat__load_method_fault(const char *text)
{
    if (!is_token(text, strlen(text)))
        return "a method is a word, like POST";
    if (strcmp(text, "CONNECT") == 0)
        return "what comes behind CONNECT is no HTTP";
    return strlen(text) > 32 ? "a method has at most 32 letters" : NULL;
}

const char *leat__load_target_fault(const char *text)
{
    if (text[0] != '/' && strcmp(text, "*") != 0)
        return "a target begins with /";
    for (const char *c = text; *c != '\0'; c++)
        if (*c <= ' ' || *c >= 0x7f)
            return "spaces and other than ASCII are written %20 in a target";
    return strlen(text) >= ADDRESS_TARGET_SIZE ? "a target has at most 2047 octets" : NULL;
}

const char *leat__load_field_fault(const char *text)
{
    static const char *const ours[] = {"Content-Length", "Transfer-Encoding", "Connection",
                                       "Expect",         "Upgrade",           "TE",
                                       "Trailer",        "Keep-Alive"};
    size_t size = strcspn(text, ":");
    if (text[size] != ':' || !is_token(text, size))
        return "write 'Name: value'";
    for (unsigned i = 0; i < COUNT_OF(ours); i++)
        if (strlen(ours[i]) == size && strncasecmp(ours[i], text, size) == 0)
            return "leat load itself says how long a message is and whether the connection goes on";
    for (const char *c = text + size; *c != '\0'; c++)
        if (((unsigned char)*c < ' ' && *c != '\t') || *c == 0x7f)
            return "a value has no control characters";
    return strlen(text) > 8000 ? "a field has at most 8000 octets" : NULL;
}

static bool has_host(const char *fields)
{
    for (const char *line = fields; *line != '\0'; line = strstr(line, "\r\n") + 2)
        if (strncasecmp(line, "Host:", 5) == 0)
            return true;
    return false;
}

/* ── Files ── */

static int read_whole(struct load_wording *w, struct load_octets *octets, int fd)
{
    size_t room = 0;
    for (char *all = NULL;;) {
        if (octets->size == room) {
            room = room == 0 ? 4096 : 2 * room;
            char *more = leat__load_keep(w, NULL, room);
            if (more == NULL)
                return -ENOMEM;
            if (all != NULL)
                memcpy(more, all, octets->size);
            octets->octets = all = more;
        }
        ssize_t size = read(fd, all + octets->size, room - octets->size);
        if (size < 0)
            return -errno;
        if (size == 0)
            return 0;
        octets->size += (size_t)size;
        if (octets->size > LOAD_FILE_MAX)
            return -EFBIG;
    }
}

int leat__load_octets_read(struct load_wording *w, struct load_octets *octets, const char *base,
                           char *error, size_t error_size)
{
    const char *path = octets->file, *slash = base != NULL ? strrchr(base, '/') : NULL;
    if (path == NULL || octets->octets != NULL)
        return 0;
    if (slash != NULL && path[0] != '/') {
        char *folder = leat__load_keep(w, base, (size_t)(slash + 1 - base));
        path = folder != NULL ? leat__load_keep_both(w, folder, octets->file) : octets->file;
    }
    bool is_input = strcmp(octets->file, "-") == 0;
    int fd = is_input ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC);
    int status = fd >= 0 ? read_whole(w, octets, fd) : -errno;
    if (fd >= 0 && !is_input)
        close(fd);
    if (status == 0)
        return 0;
    octets->octets = NULL;
    octets->size = 0;
    snprintf(error, error_size, status == -EFBIG ? "%.300s: larger than 64 MiB" : "%.300s: %s",
             path, strerror(-status));
    return status == -ENOMEM ? MAIN_SYSTEM : MAIN_CONFIG;
}

/* ── Octets ── */

static int fail(char *error, size_t error_size, const struct load_wording *w,
                const struct load_words *words, const char *why)
{
    if (words->line > 0)
        snprintf(error, error_size, "%.200s:%u: %s", w->mix_file, words->line, why);
    else
        snprintf(error, error_size, "%s", why);
    return words->line > 0 ? MAIN_CONFIG : MAIN_USAGE;
}

static bool write_request(struct load_request *r, const struct load_wording *w,
                          const struct load_words *words, bool closes)
{
    const char *common = words == &w->flags ? "" : w->flags.fields;
    bool host = has_host(words->fields) || has_host(common);
    bool sends = words->content.octets != NULL || strcmp(words->method, "POST") == 0 ||
                 strcmp(words->method, "PUT") == 0 || strcmp(words->method, "PATCH") == 0;
    char length[40] = "";
    if (sends)
        snprintf(length, sizeof length, "Content-Length: %zu\r\n", words->content.size);
    const char *parts[] = {words->method,
                           " ",
                           words->target,
                           " HTTP/1.1\r\n",
                           host ? "" : "Host: ",
                           host ? "" : w->address.host,
                           host ? "" : "\r\n",
                           words->fields,
                           common,
                           length,
                           closes ? "Connection: close\r\n" : "",
                           "\r\n"};
    size_t size = words->content.size;
    for (unsigned i = 0; i < COUNT_OF(parts); i++)
        size += strlen(parts[i]);
    char *octets = malloc(size + 1), *at = octets;
    if (octets == NULL)
        return false;
    for (unsigned i = 0; i < COUNT_OF(parts); i++)
        at = stpcpy(at, parts[i]);
    if (words->content.size > 0)
        memcpy(at, words->content.octets, words->content.size);
    octets[size] = '\0'; /* for whoever looks at it */
    *r = (struct load_request){.octets = octets,
                               .size = size,
                               .weight = words->weight,
                               .status = words->status,
                               .no_content = strcmp(words->method, "HEAD") == 0,
                               .expected = words->expected.octets,
                               .expected_size = words->expected.size};
    if (words->name != NULL)
        snprintf(r->name, sizeof r->name, "%s", words->name);
    else
        snprintf(r->name, sizeof r->name, "%s %s", words->method, words->target);
    return true;
}

int leat__load_compose(struct load_options *o, char *error, size_t error_size)
{
    struct load_wording *w = o->wording;
    uint32_t count = w->mix_count > 0 ? w->mix_count : 1;
    for (; o->request_count > 0; o->request_count--)
        free(o->requests[o->request_count - 1].octets);
    for (uint32_t i = 0; i < count; i++) {
        struct load_words *words = w->mix_count > 0 ? &w->mix[i] : &w->flags;
        const char *base = words->line > 0 ? w->mix_file : NULL;
        int status = leat__load_octets_read(w, &words->content, base, error, error_size);
        if (status == 0)
            status = leat__load_octets_read(w, &words->expected, base, error, error_size);
        if (status != 0)
            return status;
        if (strcmp(words->method, "HEAD") == 0 && words->expected.octets != NULL)
            return fail(error, error_size, w, words,
                        "an answer to HEAD has no content to expect; leave --expect out");
        if (!write_request(&o->requests[i], w, words, o->per_connection == 1))
            return fail(error, error_size, w, words, "there is no memory");
        o->request_count++;
    }
    return 0;
}
