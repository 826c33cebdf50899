/* pattern.h: one pattern taken apart. A pattern's shape is its segments without the names of its
 * parameters; two routes of one method and one shape are the same route. Shapes have a total
 * order, in which patterns that begin alike are neighbours: sorted, they are the tree. */
#ifndef LEAT_ROUTER_PATTERN_H
#define LEAT_ROUTER_PATTERN_H

#include "router/router.h"

/* In the order in which neighbours are sorted. */
enum segment_kind { SEGMENT_END, SEGMENT_STATIC, SEGMENT_PARAM, SEGMENT_REST };

struct segment {
    enum segment_kind kind;
    uint16_t size;
    const char *text; /* of a parameter: its name, without the sign */
};

/* The segment that begins at *at (behind its slash), and *at moved behind the next slash;
 * SEGMENT_END when the pattern is over. Begin with "pattern + 1"; NULL stands for the end. */
struct segment leat__router_segment_next(const char **at);

/* Static segments are ordered by their first octets taken as a number, then size, then octets. */
int leat__router_segment_compare(const struct segment *a, const struct segment *b);

/* 0 or -EINVAL with a line that names the pattern and what is wrong. */
int leat__router_pattern_check(const char *pattern, char *error, size_t error_size);

/* Segments that two patterns have in common from the left. */
uint32_t leat__router_pattern_common(const char *a, const char *b);

/* Below, equal or above zero, by shape alone. */
int leat__router_pattern_compare(const char *a, const char *b);

#endif
