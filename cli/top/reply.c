/* reply.c: a response, from its first octet to its connection's end: its status, and its content without chunks. */
#include "top.h"
#include "http1/http1.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

static int fail(char *error, size_t error_size, int status, const char *what)
{
    snprintf(error, error_size, "%s", what);
    return status;
}

/* The value of a field in the head's lines; its size, 0: none. */
static size_t find_field(const char *head, const char *end, const char *name, const char **value)
{
    size_t length = strlen(name);
    for (const char *line = memchr(head, '\n', (size_t)(end - head)); line != NULL;
         line = memchr(line, '\n', (size_t)(end - line))) {
        line++;
        if ((size_t)(end - line) <= length || strncasecmp(line, name, length) != 0 || line[length] != ':')
            continue;
        *value = line + length + 1;
        while (*value < end && (**value == ' ' || **value == '\t'))
            (*value)++;
        const char *stop = memchr(*value, '\r', (size_t)(end - *value));
        return stop != NULL ? (size_t)(stop - *value) : 0;
    }
    return 0;
}

static int judge_status(const char *bytes, char *error, size_t error_size)
{
    unsigned status = (unsigned)strtoul(bytes + 9, NULL, 10);
    if (status == 200)
        return 0;
    if (status == 401 || status == 403)
        return fail(error, error_size, TOP_DENIED,
                    "it wants a token: --token-file FILE, with what its --admin-token-file has");
    if (status == 421)
        return fail(error, error_size, TOP_DENIED, "it wants to be asked by its address, or as localhost");
    if (status == 404)
        return fail(error, error_size, TOP_NOT_LEAT,
                    "it has no /leat/live.json: this is not an admin listener; a server's first "
                    "lines say where "
                    "its live page is");
    snprintf(error, error_size, "it answers %u", status);
    return status == 503 ? TOP_NOT_THERE : TOP_NOT_LEAT;
}

int leat__top_reply_read(char *bytes, size_t size, const char **content, size_t *content_size,
                         char *error, size_t error_size)
{
    static const char cut[] = "the answer was cut off",
                      strange[] = "whoever answers there speaks no HTTP";
    const char *value, *end = size > 0 ? memmem(bytes, size, "\r\n\r\n", 4) : NULL;
    if (size == 0)
        return fail(error, error_size, TOP_NOT_THERE, "the connection was closed without an answer");
    if (size < 13 || strncmp(bytes, "HTTP/1.", 7) != 0)
        return fail(error, error_size, TOP_NOT_LEAT, strange);
    if (end == NULL)
        return fail(error, error_size, TOP_NOT_THERE, cut);
    int status = judge_status(bytes, error, error_size);
    if (status != 0)
        return status;
    end += 2;
    char *at = bytes + (end + 2 - bytes);
    size_t left = size - (size_t)(at - bytes), length = left;
    if (find_field(bytes, end, "Transfer-Encoding", &value) > 0) {
        struct http1_chunked chunks = {0};
        size_t used;
        if (leat__http1_parse_chunked(&chunks, at, left, &used, at, left, &length) != HTTP1_DONE)
            return fail(error, error_size, TOP_NOT_THERE, cut);
    } else if (find_field(bytes, end, "Content-Length", &value) > 0) {
        length = strtoull(value, NULL, 10);
        if (length > left)
            return fail(error, error_size, TOP_NOT_THERE, cut);
    }
    at[length] = '\0'; /* bytes has room for one more */
    *content = at;
    *content_size = length;
    return 0;
}
