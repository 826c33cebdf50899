/* option_values.h: sizes, times and counts as people write them, both ways.
 *
 *     sizes    65472  8k  64K  64KiB  16m  1g      powers of 1024
 *     times    500ms  2s  1m  24h  never           kept in milliseconds; never is -1
 *
 * What is written out can be read in again: 8192 becomes "8k", 8193 stays "8193". */
#ifndef LEAT_OPTION_VALUES_H
#define LEAT_OPTION_VALUES_H

#include "base/base.h"

enum { OPTION_VALUE_SIZE = 24 }; /* the longest text with its NUL */

/* 0; -EINVAL: not such a thing at all; -ERANGE: too large for 63 bits. */
int leat__option_read_count(const char *text, int64_t *out);
int leat__option_read_bytes(const char *text, int64_t *out);
int leat__option_read_duration(const char *text, int64_t *out_ms);

/* out: OPTION_VALUE_SIZE bytes. */
void leat__option_write_count(char *out, int64_t count);
void leat__option_write_bytes(char *out, int64_t bytes);
void leat__option_write_duration(char *out, int64_t ms);

/* Which of the words between bars ("auto|uring|epoll") it is, or -1. */
int leat__option_find_word(const char *words, const char *written);

/* Index of the word nearest to what was written, or -1 when none is near: at most a third of its letters wrong (and at
 * least one may be), or it is the beginning of one. words: an array of count; NULL entries are skipped. */
int leat__option_nearest(const char *written, const char *const *words, unsigned count);

#endif
