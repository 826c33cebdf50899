/* types.c: the media type of a file's name, by its extension.
 *
 * Our own table (types.def) serves always. The system's, in the form of /etc/mime.types
 * ("type/subtype ext ext …", '#' opens a comment), is read once at start and fills in what ours
 * lacks. Both end in one hash table with open places, at most half full, that is built whole before
 * it is published with one store: who asks needs no lock. Extensions are compared without regard to
 * case; the longest that counts is EXTENSION_MAX octets. */
#include "http/http.h"
#include "memory/seal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <unistd.h>

enum { EXTENSION_MAX = 15, FILE_MAX = 1 << 20, TYPE_MAX = 127 };

struct entry {
    const char *type; /* NULL: an open place */
    char extension[EXTENSION_MAX + 1];
};

struct table {
    size_t mask; /* places - 1, a power of two less one */
    struct entry entries[];
};

static const struct entry own[] = {
#define TYPE(extension, type) {type, extension},
#include "http/types.def"
#undef TYPE
};

static _Atomic(struct table *) loaded;

static const char fallback[] = "application/octet-stream";

static char lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c | 0x20) : c;
}

static size_t hash_of(const char *extension)
{
    uint64_t h = 0xcbf29ce484222325u;
    for (; *extension != 0; extension++)
        h = (h ^ (unsigned char)*extension) * 0x100000001b3u;
    return (size_t)(h ^ h >> 32);
}

/* The place of extension, or the open one where it belongs. */
static size_t place_of(const struct table *t, const char *extension)
{
    size_t i = hash_of(extension) & t->mask;
    while (t->entries[i].type != NULL && strcmp(t->entries[i].extension, extension) != 0)
        i = (i + 1) & t->mask;
    return i;
}

static bool is_space(char c)
{
    return c == ' ' || c == '\t' || c == '\r';
}

/* The next word of the line [at, end), or false. */
static bool next_word(const char **at, const char *end, const char **word, size_t *size)
{
    while (*at < end && is_space(**at))
        ++*at;
    *word = *at;
    while (*at < end && !is_space(**at))
        ++*at;
    *size = (size_t)(*at - *word);
    return *size > 0 && **word != '#';
}

/* A type as it is sent: printable, text with its character set. */
static char *type_copy(const char *word, size_t size)
{
    char type[TYPE_MAX + sizeof "; charset=utf-8"];
    if (size > TYPE_MAX || memchr(word, '/', size) == NULL)
        return NULL;
    for (size_t i = 0; i < size; i++) {
        if (word[i] <= ' ' || word[i] > '~')
            return NULL;
        type[i] = word[i];
    }
    strcpy(type + size, size > 5 && memcmp(word, "text/", 5) == 0 ? "; charset=utf-8" : "");
    return leat__start_copy(type);
}

static bool extension_copy(char *out, const char *word, size_t size)
{
    if (size == 0 || size > EXTENSION_MAX)
        return false;
    for (size_t i = 0; i < size; i++)
        out[i] = lower(word[i]);
    out[size] = 0;
    return true;
}

static void add_line(struct table *t, const char *at, const char *end)
{
    const char *word, *type_word;
    size_t size, type_size;
    char *type = NULL;
    if (!next_word(&at, end, &type_word, &type_size))
        return;
    while (next_word(&at, end, &word, &size)) {
        struct entry e;
        if (!extension_copy(e.extension, word, size))
            continue;
        size_t place = place_of(t, e.extension);
        if (t->entries[place].type != NULL)
            continue;
        if (type == NULL && (type = type_copy(type_word, type_size)) == NULL)
            return;
        e.type = type;
        t->entries[place] = e;
    }
}

/* Enough places for ours and for every word of the text, half of them open. */
static struct table *table_create(const char *text, size_t size)
{
    size_t words = COUNT_OF(own) + 1;
    for (size_t i = 1; i < size; i++)
        words += is_space(text[i - 1]) && !is_space(text[i]);
    size_t places = 64;
    while (places < 2 * words)
        places *= 2;
    struct table *t = leat__start_alloc(sizeof *t + places * sizeof t->entries[0]);
    t->mask = places - 1;
    for (size_t i = 0; i < COUNT_OF(own); i++)
        t->entries[place_of(t, own[i].extension)] = own[i];
    return t;
}

static ssize_t file_read(const char *path, char *text, size_t room)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return -errno;
    size_t size = 0;
    ssize_t n;
    do {
        n = read(fd, text + size, room - size);
        if (n > 0)
            size += (size_t)n;
    } while ((n > 0 && size < room) || (n < 0 && errno == EINTR));
    int error = errno;
    close(fd);
    return n < 0 ? -error : (ssize_t)size;
}

int leat__http_types_load(const char *path)
{
    if (atomic_load_explicit(&loaded, memory_order_acquire) != NULL)
        return 0;
    char *text = leat__start_alloc(FILE_MAX);
    ssize_t size = file_read(path, text, FILE_MAX);
    if (size < 0) {
        leat__start_free(text);
        return (int)size;
    }
    struct table *t = table_create(text, (size_t)size);
    for (const char *at = text, *end = text + size; at < end;) {
        const char *line_end = memchr(at, '\n', (size_t)(end - at));
        if (line_end == NULL)
            line_end = end;
        add_line(t, at, line_end);
        at = line_end + 1;
    }
    leat__start_free(text);
    /* Two servers of a process may load at once: the first table stays, and the other, which is as
     * good, is kept with it rather than walked for its strings. */
    struct table *none = NULL;
    atomic_compare_exchange_strong(&loaded, &none, t);
    return 0;
}

const char *leat__http_type_of(const char *name, size_t size)
{
    size_t dot = size;
    while (dot > 0 && name[dot - 1] != '.' && name[dot - 1] != '/')
        dot--;
    /* "archive" and ".profile" have no extension */
    if (dot < 2 || name[dot - 1] != '.' || name[dot - 2] == '/')
        return fallback;
    char extension[EXTENSION_MAX + 1];
    if (!extension_copy(extension, name + dot, size - dot))
        return fallback;
    const struct table *t = atomic_load_explicit(&loaded, memory_order_acquire);
    if (t != NULL) {
        const struct entry *e = &t->entries[place_of(t, extension)];
        return e->type != NULL ? e->type : fallback;
    }
    for (size_t i = 0; i < COUNT_OF(own); i++)
        if (strcmp(own[i].extension, extension) == 0)
            return own[i].type;
    return fallback;
}
