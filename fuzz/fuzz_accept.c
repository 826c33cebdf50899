/* fuzz_accept.c: any octets as Accept, Accept-Language and Accept-Encoding. A weight is one that there may be, in other
 * letters the same, and a line behind another one that says nothing changes nothing. */
#include "http/accept.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char *const offers[] = {
    "text/html", "text/plain;format=flowed", "a/b;x=\"1\\\"\"", "en", "de-CH", "gzip", "identity",
    "br"};

static void must(bool holds)
{
    if (!holds)
        abort();
}

static uint32_t weigh(enum http_accept kind, const char *offer, struct http_text line, const char *behind)
{
    struct http_liking l = {0};
    leat__http_accept_read(&l, kind, offer, line);
    if (behind != NULL)
        leat__http_accept_read(&l, kind, offer, (struct http_text){behind, strlen(behind)});
    must(l.elements <= HTTP_ACCEPT_ELEMENTS_MAX && l.weight <= HTTP_WEIGHT_FULL);
    uint32_t weight = leat__http_accept_weight(&l, kind, offer);
    must(weight <= HTTP_WEIGHT_FULL);
    return weight;
}

/* Elements lie in the line, in order and apart. */
static void check_list(struct http_text line)
{
    const char *at = line.data;
    struct http_text rest = line, element;
    while (leat__http_list_next(&rest, &element)) {
        must(element.size > 0 && element.data >= at &&
             element.data + element.size <= line.data + line.size);
        at = element.data + element.size;
    }
    must(rest.size == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text = malloc(size + 1), *large = malloc(size + 1);
    must(text != NULL && large != NULL);
    for (size_t i = 0; i < size; i++) {
        text[i] = (char)data[i];
        large[i] = text[i] >= 'a' && text[i] <= 'z' ? (char)(text[i] & ~0x20) : text[i];
    }
    struct http_text line = {text, size}, other = {large, size};
    check_list(line);
    for (size_t i = 0; i < COUNT_OF(offers); i++) {
        for (enum http_accept kind = HTTP_ACCEPT; kind <= HTTP_ACCEPT_ENCODING; kind++) {
            uint32_t weight = weigh(kind, offers[i], line, NULL);
            must(weigh(kind, offers[i], other, NULL) == weight);
            must(weigh(kind, offers[i], line, " , ;;, q=1;x") == weight);
        }
    }
    free(text);
    free(large);
    return 0;
}
