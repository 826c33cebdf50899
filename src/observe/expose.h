/* expose.h: figures as text for Prometheus and its like: the text format 0.0.4, and OpenMetrics 1.0. Pure: figures in, octets
 * out, into memory of the caller's, which has an end.
 *
 *     # HELP leat_sent_bytes_total Octets sent.          # TYPE leat_sent_bytes counter
 *     # TYPE leat_sent_bytes_total counter               # UNIT leat_sent_bytes bytes
 *     leat_sent_bytes_total 4711                         # HELP leat_sent_bytes Octets sent.
 *                                                        leat_sent_bytes_total 4711
 *                                                        # EOF
 *
 * A family is told whole: its head, and then all its samples. Both formats write every number and every `le` alike, so a series
 * stays the same one when a scraper changes from one to the other. */
#ifndef LEAT_EXPOSE_H
#define LEAT_EXPOSE_H

#include "observe/histogram.h"

enum expose_type { EXPOSE_counter, EXPOSE_gauge, EXPOSE_histogram, EXPOSE_summary, EXPOSE_info };

struct expose {
    char *text;
    size_t size, at;
    bool is_full; /* something found no room: what is there is not whole */
    bool is_open; /* OpenMetrics */
    const char *family;
};

/* The last of some has no name. A value is any text. */
struct expose_label {
    const char *name, *value;
};

/* A bucket's limit, as number and as it is written; rising, the last without a text. */
struct expose_step {
    double limit;
    const char *text;
};

/* From 10 us to 30 s; from 1 us to 1 s; a few from 100 us to 5 s. */
extern const struct expose_step leat__expose_times[], leat__expose_short_times[],
    leat__expose_few_times[];
/* From 64 to 1 GiB by fours; 1, 2, 5, 10 … to 10^9. */
extern const struct expose_step leat__expose_sizes[], leat__expose_numbers[];

/* Whether it is UTF-8, and so told as it is. */
bool leat__expose_can_tell(const char *text);

void leat__expose_begin(struct expose *e, char *text, size_t size, bool is_open);

/* name: whole and by the conventions: a counter's ends in _total, an info's in _info. It stays until the next family. */
void leat__expose_family(struct expose *e, const char *name, enum expose_type type, const char *help);

/* Of a counter, a gauge or an info (1). labels: NULL: none. */
void leat__expose_value(struct expose *e, const struct expose_label *labels, double value);

/* Of a histogram: per_unit of what it recorded make one of what is told (ticks a second; 1). */
void leat__expose_histogram(struct expose *e, const struct expose_label *labels,
                            const struct histogram *h, const struct expose_step *steps, double per_unit);

/* Of a summary: quantiles of one histogram, sum and count of another. */
void leat__expose_summary(struct expose *e, const struct histogram *of_late,
                          const struct histogram *of_all, double per_unit);

/* Octets in all; 0: there was not enough room. */
size_t leat__expose_end(struct expose *e);

#endif
