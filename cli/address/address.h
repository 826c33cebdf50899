/* address.h: where a server is, as people write it, for the verbs that ask one: `leat top`, `leat load`, `leat compare`.
 *
 *     http://HOST[:PORT][/TARGET]    HOST[:PORT][/TARGET]    :PORT    unix:/SOCKET[:/TARGET]
 *
 * What comes out of it goes into requests: no octet of it can end a line or begin another field. */
#ifndef LEAT_CLI_ADDRESS_H
#define LEAT_CLI_ADDRESS_H

#include "base/base.h"
#include <sys/socket.h>

enum { ADDRESS_NAME_SIZE = 256, ADDRESS_TARGET_SIZE = 2048, ADDRESS_MAX = 8 };

struct address {
    char text[ADDRESS_NAME_SIZE + 16]; /* for people: http://127.0.0.1:9464, without a target */
    char host[ADDRESS_NAME_SIZE];      /* Host, as it was written */
    char node[ADDRESS_NAME_SIZE];      /* to be looked up; or the path of a unix socket */
    char service[8];                   /* the port; "": a unix socket */
    char target[ADDRESS_TARGET_SIZE];  /* path and query; "": none was written */
    struct sockaddr_storage found[ADDRESS_MAX];
    socklen_t sizes[ADDRESS_MAX];
    unsigned count;
};

/* What differs between the verbs. */
struct address_manner {
    const char *port;   /* where a name without http:// has none */
    const char *no_tls; /* why https:// can't be */
    const char *write;  /* the way out of every mistake: "write http://…" */
};

/* false: error is one line that says what is wrong. */
bool leat__address_parse(struct address *a, const char *url, const struct address_manner *manner,
                         char *error, size_t error_size);
/* Looks the name up. */
bool leat__address_find(struct address *a, char *error, size_t error_size);

#endif
