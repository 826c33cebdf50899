/* doctor.c: the report, and how the system's files are read for it. */
#include "doctor/doctor.h"
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { DOCTOR_PATH_MAX = 512 };

struct finding *leat__doctor_begin(struct doctor *d, const char *what, const char *why)
{
    ASSERT(d->report->count < DOCTOR_FINDINGS_MAX);
    struct finding *f = &d->report->findings[d->report->count++];
    *f = (struct finding){.group = d->group, .what = what, .why = why};
    return f;
}

void leat__doctor_found(struct finding *f, enum doctor_state state, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(f->found, sizeof f->found, format, arguments);
    va_end(arguments);
    for (char *c = f->found; *c != '\0'; c++)
        if ((unsigned char)*c < 0x20 || *c == 0x7f)
            *c = '?'; /* a file's name must not write on somebody's terminal */
    f->state = state;
}

void leat__doctor_remedy(struct finding *f, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(f->remedy, sizeof f->remedy, format, arguments);
    va_end(arguments);
}

/* ── Files ── */

bool leat__doctor_read(const struct doctor *d, const char *path, char *text, size_t size)
{
    char whole[DOCTOR_PATH_MAX];
    size_t used = 0;
    ssize_t n = 0;
    text[0] = '\0';
    if (snprintf(whole, sizeof whole, "%s%s", d->root, path) >= (int)sizeof whole)
        return false;
    int fd = open(whole, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0)
        return false;
    while (used < size - 1 && (n = read(fd, text + used, size - 1 - used)) > 0)
        used += (size_t)n;
    close(fd);
    if (used > 0 && text[used - 1] == '\n')
        used--;
    text[used] = '\0';
    return n >= 0;
}

int64_t leat__doctor_number(const struct doctor *d, const char *path, unsigned i)
{
    char text[256];
    if (!leat__doctor_read(d, path, text, sizeof text))
        return -1;
    const char *at = text;
    for (;;) {
        char *end;
        at += strspn(at, " \t");
        errno = 0;
        long long number = strtoll(at, &end, 10);
        if (end == at || errno != 0)
            return -1;
        if (i-- == 0)
            return number;
        at = end;
    }
}

int64_t leat__doctor_named(const struct doctor *d, const char *path, const char *name, int base)
{
    char text[8192];
    size_t length = strlen(name);
    if (!leat__doctor_read(d, path, text, sizeof text))
        return -1;
    for (const char *line = text; line != NULL; line = strchr(line, '\n')) {
        line += *line == '\n';
        if (strncmp(line, name, length) != 0 || line[length] != ':')
            continue;
        const char *value = line + length + 1;
        value += strspn(value, " \t");
        char *end;
        long long number = strtoll(value, &end, base);
        return end == value ? -1 : number;
    }
    return -1;
}

/* ── All of it ── */

void leat__doctor_all(struct doctor *d)
{
    leat__doctor_settings(d);
    leat__doctor_kernel(d);
    leat__doctor_limits(d);
    leat__doctor_memory(d);
    leat__doctor_network(d);
    leat__doctor_addresses(d);
    leat__doctor_tcp(d);
    leat__doctor_folders(d);
}

uint32_t leat__doctor_count(const struct report *report, enum doctor_state state)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < report->count; i++)
        count += report->findings[i].state == state;
    return count;
}

const struct finding *leat__doctor_worst(const struct report *report)
{
    const struct finding *worst = NULL;
    for (uint32_t i = 0; i < report->count; i++) {
        const struct finding *f = &report->findings[i];
        if (f->state > (worst != NULL ? worst->state : DOCTOR_GOOD))
            worst = f;
    }
    return worst;
}
