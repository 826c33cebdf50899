/* values.h: the numbers of settings as people write them, both ways: sizes (8k, 16m, 1g), times (50us, 500ms, 20s, 2m,
 * 1h), counts. What is written out can be read in again. */
#ifndef LEAT_NET_VALUES_H
#define LEAT_NET_VALUES_H

#include "net/settings.h"

/* In the kernel's unit of the kind. 0; -EINVAL: not such a thing, or a time that is not whole in that unit; -ERANGE:
 * too large for 63 bits. */
int leat__net_value_read(enum net_setting_kind kind, const char *text, int64_t *out);

/* "a size: digits, and k, m or g": what a value of the kind is. */
const char *leat__net_value_noun(enum net_setting_kind kind);

void leat__net_value_write(enum net_setting_kind kind, int64_t value, char out[NET_VALUE_SIZE]);

#endif
