/* fuzz_hosts.c: a set of hosts and authorities from the input; the compiled table must agree with asking every host.
 *
 * The input is lines. "+" begins a host; what is none, or was there, is left out. Anything else is an authority. */
#include "router/hosts.h"

#include <stdlib.h>

enum { HOSTS_MAX = 24 };

/* An authority that stands for itself as a host would: in its one form. */
static bool read_authority(struct host_name *name, const char *text)
{
    const char *why;
    if (text[0] == '*' || leat__host_parse(name, text, &why) < 0)
        return false;
    return true;
}

/* As hosts.h says it, with no table: what a name that fits is worth; 0: it does not. */
static uint32_t worth(const struct host_name *name, const struct host_name *asked)
{
    uint32_t port = name->port != 0;
    uint32_t asked_port = asked->port == 0 ? HOST_PORT_STANDARD : asked->port;
    if (port && name->port != asked_port)
        return 0;
    if (strcmp(name->text, asked->text) == 0)
        return 2 * HOST_SIZE_MAX + 10 + port;
    if (name->text[0] != '.' || name->size >= asked->size ||
        strcmp(asked->text + asked->size - name->size, name->text) != 0)
        return 0;
    return 2 * (uint32_t)name->size + port;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct host_name names[HOSTS_MAX], name;
    uint32_t count = 0;
    const char *why;
    if (size > 4096)
        return 0;
    char *text = malloc(size + 1);
    memcpy(text, data, size);
    text[size] = '\0';
    for (int authorities = 0; authorities < 2; authorities++) {
        void *memory = aligned_alloc(16, leat__hosts_size(count));
        const struct hosts *hosts = leat__hosts_compile(memory, names, count);
        for (const char *line = text, *end; line < text + size; line = end + 1) {
            end = memchr(line, '\n', (size_t)(text + size - line));
            end = end != NULL ? end : text + size;
            size_t line_size = (size_t)(end - line);
            char *exact = malloc(line_size + 1);
            memcpy(exact, line, line_size);
            exact[line_size] = '\0';
            if (!authorities && exact[0] == '+' && count < HOSTS_MAX &&
                leat__host_parse(&name, exact + 1, &why) == 0) {
                bool is_there = false;
                for (uint32_t i = 0; i < count; i++)
                    is_there |= leat__host_is_same(&names[i], &name);
                if (!is_there)
                    names[count++] = name;
            } else if (authorities && exact[0] != '+') {
                uint32_t found = leat__hosts_find(hosts, exact, line_size), best = 0, model = 0;
                for (uint32_t i = 0;
                     strlen(exact) == line_size && read_authority(&name, exact) && i < count; i++) {
                    uint32_t value = worth(&names[i], &name);
                    if (value > best) {
                        best = value;
                        model = i + 1;
                    }
                }
                ASSERT(found <= count && (model == 0 || found == model));
            }
            free(exact);
        }
        free(memory);
    }
    free(text);
    return 0;
}
