/* methods.c: methods.def as names. Methods are case-sensitive (RFC 9110 9.1). */
#include "http/http.h"

static const struct {
    const char *name;
    size_t size;
} methods[HTTP_METHOD_COUNT] = {
#define METHOD(name) {#name, sizeof #name - 1},
#include "http/methods.def"
#undef METHOD
};

const char *leat__http_method_name(enum http_method method)
{
    return method < HTTP_METHOD_COUNT ? methods[method].name : "unknown";
}

enum http_method leat__http_method_find(const char *name, size_t size)
{
    for (unsigned i = 0; i < HTTP_METHOD_COUNT; i++)
        if (methods[i].size == size && memcmp(methods[i].name, name, size) == 0)
            return (enum http_method)i;
    return HTTP_METHOD_UNKNOWN;
}
