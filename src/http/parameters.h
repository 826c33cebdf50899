/* parameters.h: the grammar that field values share (RFC 9110 5.6): lists, tokens, quoted strings, parameters, weights;
 * media types (8.3.1); and the pairs of queries, forms and cookies. Pure: slices in, slices out, and every function takes a
 * time in proportion to what it goes over. */
#ifndef LEAT_HTTP_PARAMETERS_H
#define LEAT_HTTP_PARAMETERS_H

#include "base/base.h"
#include "http/conditions.h"

bool leat__http_is_tchar(char c); /* 5.6.2 */
bool leat__http_is_token_text(struct http_text text);
bool leat__http_text_is(struct http_text text, const char *other); /* without regard to case (of ASCII) */
bool leat__http_text_same(struct http_text a, struct http_text b); /* the same of two */

/* 5.6.1: the next element that is not empty, without the spaces around it; a comma within a quoted string is no end.
 * false: there is none left. */
bool leat__http_list_next(struct http_text *rest, struct http_text *element);

struct http_parameter {
    struct http_text name, value;
    bool quoted; /* value is what stands between the quotes, with its backslashes */
};

/* 5.6.6: rest begins with the semicolon before the parameter, or with spaces. DONE: there is none left; BAD: what is there
 * is no parameter. Empty ones (";;") are skipped. */
enum http_parameter_result { HTTP_PARAMETER, HTTP_PARAMETERS_DONE, HTTP_PARAMETERS_BAD };
enum http_parameter_result leat__http_parameter_next(struct http_text *rest, struct http_parameter *p);

/* The value without its backslashes; out has room for value.size octets. Octets written. */
size_t leat__http_parameter_unquote(char *out, const struct http_parameter *p);
/* Whether both mean the same value, whether quoted or not, without regard to case. */
bool leat__http_parameter_same(const struct http_parameter *a, const struct http_parameter *b);

/* 12.4.2: thousandths; -1: malformed. */
int leat__http_weight_parse(struct http_text text);
/* The same of the parameter q among others, which begin with a semicolon; without one, 1000; -1: malformed. */
int leat__http_weight_of(struct http_text parameters);

/* 8.3.1: "type/subtype" and what stands behind, to be read by leat__http_parameter_next. false: it is none. */
struct http_media {
    struct http_text type, subtype, parameters;
};
bool leat__http_media_parse(struct http_text text, struct http_media *media);
bool leat__http_media_is(const struct http_media *media, const char *type, const char *subtype);

/* The next pair of "a=1&b=2" or, with ';', of "a=1; b=2". Empty ones are skipped; of a cookie the spaces around name and
 * value don't count. has_value: there is a '='; without it all is the name. false: there is none left. */
struct http_pair {
    struct http_text name, value;
    bool has_value;
};
bool leat__http_pair_next(struct http_text *rest, char separator, struct http_pair *pair);

#endif
