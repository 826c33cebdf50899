/* hosts.h: names of hosts in, a compiled table out; then an authority in (RFC 9110 7.2), and which of them it means.
 * Pure, like router.h: the memory is the caller's, one piece, only read after compiling.
 *
 * A name is "api.example" (itself), "*.example" (one label or more in front of ".example", not "example"), an IPv4
 * address, or an IPv6 literal "[2001:db8::1]", with a port behind it or without: without, it stands for every port. Of
 * several names that fit an authority, itself beats a star, a longer suffix a shorter one, and with its port beats
 * without. Letters are compared without their case, IPv6 addresses as addresses, and a last dot counts for nothing. */
#ifndef LEAT_ROUTER_HOSTS_H
#define LEAT_ROUTER_HOSTS_H

#include "base/base.h"

enum { HOST_SIZE_MAX = 253, HOST_LABEL_MAX = 63, HOST_PORT_STANDARD = 80 };

/* In its one form, by which two spellings of it are equal. */
struct host_name {
    char text[HOST_SIZE_MAX + 3]; /* NUL-terminated, lower case; "*.example" is ".example" */
    uint16_t size;
    uint16_t port; /* 0: every port */
};

/* 0; -EINVAL, and *why says what a name has to be like. */
int leat__host_parse(struct host_name *name, const char *host, const char **why);

bool leat__host_is_same(const struct host_name *a, const struct host_name *b);

struct hosts; /* lies in the caller's memory */

/* Of a table of count names, all different. */
size_t leat__hosts_size(uint32_t count);
/* names are copied; memory is aligned to 16. */
const struct hosts *leat__hosts_compile(void *memory, const struct host_name *names, uint32_t count);

/* The number of the name that is meant, counted from 1; 0: none of them. authority may be of any size, and anything. */
uint32_t leat__hosts_find(const struct hosts *hosts, const char *authority, size_t size);

#endif
